#!/usr/bin/env python3
"""The rows of the training bench: the same text for Pomona and, as tokens with the first target, for the peer.

usage: rows.py dialogues MODEL.gguf TRAIN.csv OUT [--rows 32] [--batch 8]     (with the peer's Python)
       rows.py equal MODEL.gguf TEXT OUT [--rows 32] [--length 512]
       rows.py all MODEL.gguf TRAIN.csv OUT [--leave-out 10]
       rows.py prompts MODEL.gguf VALIDATION.csv OUT
Writes OUT/rows.jsonl for `pomona tune` and OUT/tokens.jsonl for peer.py, line by line the same rows.

dialogues: whole batches of rows next to each other in length, evenly spaced through the file sorted by length: the
peer, which pads, has as little to pad as with all rows sorted. equal: rows of exactly `length` tokens with the end of
text, all of them targets but the first. all: every row of at most 1024 tokens, without every tenth row of the file. prompts: every row in the order of the file, its tokens up to the answer.
Tokens follow from the tokeniser and the chat template in the model file, by the peer's own libraries.
"""

import argparse
import csv
import json
import pathlib

INSTRUCTION = "Summarize the following doctor-patient conversation as a clinical note."
LONGEST = 1024


def encode(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False)


def dialogue(tokenizer, prompt, note):
    """(tokens, place of the first target): targets are the answer and the token that ends it."""
    messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": note}]
    given = tokenizer.apply_chat_template(messages[:1], add_generation_prompt=True, tokenize=False)
    whole = tokenizer.apply_chat_template(messages, tokenize=False).rstrip("\n")
    if not whole.startswith(given):
        raise SystemExit("rows: the template rewrites the prompt once it is answered")
    front = encode(tokenizer, given)
    return front + encode(tokenizer, whole[len(given) :]), len(front)


def read(tokenizer, file):
    """All rows as (text for Pomona, tokens, first target)."""
    rows = []
    with open(file, encoding="utf-8") as lines:  # line ends within a field become "\n"
        for row in csv.DictReader(lines):
            prompt = f"{INSTRUCTION}\n\n{row['dialogue']}"
            tokens, first = dialogue(tokenizer, prompt, row["section_text"])
            rows.append(({"prompt": prompt, "completion": row["section_text"]}, tokens, first))
    return rows


def dialogues(tokenizer, file, leave_out=None):
    """Rows up to LONGEST, by rising length."""
    rows = read(tokenizer, file)
    kept = [row for i, row in enumerate(rows) if not leave_out or i % leave_out]
    return sorted((row for row in kept if len(row[1]) <= LONGEST), key=lambda row: len(row[1]))


def evenly(rows, wanted, batch):
    """`wanted` of the sorted rows, in batches of neighbours from the middle of equal parts."""
    parts = wanted // batch
    starts = [int((part + 0.5) * len(rows) / parts) - batch // 2 for part in range(parts)]
    return [row for start in starts for row in rows[start : start + batch]]


def equal(tokenizer, file, wanted, length):
    """Rows of exactly `length` tokens, the last of which ends the text."""
    words = pathlib.Path(file).read_text(encoding="utf-8").split(" ")
    rows, start = [], 0
    while len(rows) < wanted:
        if start >= len(words):
            raise SystemExit(f"rows: {file} has only {len(rows)} rows of {length} tokens")
        end = start + length // 2
        while end < len(words) and len(encode(tokenizer, " ".join(words[start:end]).strip())) < length - 1:
            end += 1
        text = " ".join(words[start:end]).strip()
        tokens = encode(tokenizer, text)
        start = end
        if len(tokens) == length - 1:
            rows.append(({"text": text}, [*tokens, tokenizer.eos_token_id], 1))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=("dialogues", "equal", "all", "prompts"))
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--leave-out", type=int, help="every so many rows of the file, the first among them, are left out")
    parser.add_argument("--length", type=int, default=512)
    options = parser.parse_args()
    import transformers  # here, so that quality.py has the names above without it

    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model.parent, gguf_file=options.model.name)
    if options.kind == "equal":
        rows = equal(tokenizer, options.source, options.rows, options.length)
    elif options.kind == "prompts":
        rows = [(text, tokens[:first], first) for text, tokens, first in read(tokenizer, options.source)]
    else:
        rows = dialogues(tokenizer, options.source, options.leave_out)
        if options.kind == "dialogues":
            rows = evenly(rows, options.rows, options.batch)
    options.out.mkdir(parents=True, exist_ok=True)
    with (options.out / "rows.jsonl").open("w", encoding="utf-8") as texts, (
        options.out / "tokens.jsonl").open("w", encoding="utf-8") as ids:  # fmt: skip
        for text, tokens, first in rows:
            texts.write(json.dumps(text, ensure_ascii=False) + "\n")
            ids.write(json.dumps({"tokens": tokens, "first": first}) + "\n")
    tokens = [len(row[1]) for row in rows]
    print(json.dumps({"rows": len(rows), "tokens": sum(tokens), "shortest": min(tokens), "longest": max(tokens),
                      "supervised_tokens": sum(len(t) - first for _, t, first in rows)}))  # fmt: skip


if __name__ == "__main__":
    main()
