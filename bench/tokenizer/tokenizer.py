#!/usr/bin/env python3
"""Tokenising 10 MB of text on one thread beside the tokenizers library; writes bench/results/tokenizer.{json,txt}.

usage: tokenizer.py TOKENIZER_BENCH TEXT... [--tuples 5] [--out FOLDER]     (with a Python that has tokenizers)

The texts are put one behind the other, again and again up to 10 MB. The library trains a vocabulary of each kind on the
first megabyte; both then encode the text line by line, with the same tokenizer.json, the peer at its fastest: without
offsets (encode_batch_fast). One tuple is peer, Pomona, peer; times are processor seconds, so that neighbours count for
little. A tuple whose peers differ by more than 5 % is taken, but told.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import types

os.environ |= {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}
import tokenizers  # noqa: E402
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import machine  # noqa: E402

BYTES, TRAINING, VOCABULARY = 10_000_000, 1_000_000, 8000
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")


def byte_level(split):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = split
    return tokenizer, trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                          show_progress=False)


def sentencepiece_bpe():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<unk>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    return tokenizer, trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=special, show_progress=False)


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer, trainers.UnigramTrainer(vocab_size=VOCABULARY, special_tokens=["<unk>"], unk_token="<unk>",
                                              show_progress=False)


def wordpiece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    return tokenizer, trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=["[UNK]"], show_progress=False)


def kinds():
    bare = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    llama3 = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"), bare])
    return {"byte-level BPE, GPT-2": byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False)),
            "byte-level BPE, Llama 3": byte_level(llama3), "SentencePiece BPE": sentencepiece_bpe(),
            "Unigram, NFKC": unigram(), "WordPiece, BERT": wordpiece()}


def as_converted(tokenizer, kind):
    """SentencePiece's BPE as converters write it: spaces by the normaliser, no pre-tokeniser, bytes not added."""
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = [t for t in data["added_tokens"] if not t["content"].startswith("<0x")]
    if kind == "SentencePiece BPE":
        steps = [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]
        data |= {"pre_tokenizer": None, "normalizer": {"type": "Sequence", "normalizers": steps}}
    return Tokenizer.from_str(json.dumps(data))


def peer_seconds(tokenizer, lines):
    """Processor seconds and tokens; a few lines at a time, so that memory does not grow."""
    start, tokens = time.process_time(), 0
    for at in range(0, len(lines), 1000):
        tokens += sum(len(e) for e in tokenizer.encode_batch_fast(lines[at:at + 1000], add_special_tokens=False))
    return time.process_time() - start, tokens


def measure(bench, tokenizer, lines, text_path, tuples):
    """A row: every tuple, and what they come to."""
    row = {"tuples": []}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "tokenizer.json"
        tokenizer.save(str(path))
        for _ in range(tuples):
            before, tokens = peer_seconds(tokenizer, lines)
            done = subprocess.run([bench, path, text_path], capture_output=True, text=True, check=True)
            after, _ = peer_seconds(tokenizer, lines)
            own = json.loads(done.stdout)
            if own["lines"]["tokens"] != tokens:
                raise SystemExit(f"{own['lines']['tokens']} tokens, but the peer has {tokens}")
            ratio = (before + after) / 2 / own["lines"]["seconds"]
            row["tuples"].append({"peer_seconds": [before, after], "pomona": own, "ratio": ratio,
                                  "steady": abs(before - after) <= 0.05 * max(before, after)})
    ratios = sorted(t["ratio"] for t in row["tuples"])
    row["ratio"] = statistics.median(ratios)
    row["quartiles"] = [statistics.quantiles(ratios, n=4)[i] for i in (0, 2)] if len(ratios) > 1 else ratios * 2
    return row


def table(rows):
    lines = [f"{'kind':24s} {'peer MB/s':>10s} {'Pomona':>8s} {'whole':>8s} {'ratio':>7s}  quartiles     tuples (steady)"]
    for kind, row in rows.items():
        each = row["tuples"]
        peer = BYTES / min(s for t in each for s in t["peer_seconds"]) / 1e6
        own, whole = (BYTES / min(t["pomona"][how]["seconds"] for t in each) / 1e6 for how in ("lines", "whole"))
        low, high = row["quartiles"]
        steady = sum(t["steady"] for t in each)
        lines.append(f"{kind:24s} {peer:10.2f} {own:8.1f} {whole:8.1f} {row['ratio']:7.2f}  {low:.2f} - {high:.2f}"
                     f"   {len(each)} ({steady})")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bench", type=pathlib.Path, help="the program tokenizer_bench")
    parser.add_argument("texts", type=pathlib.Path, nargs="+")
    parser.add_argument("--tuples", type=int, default=5)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "results")
    options = parser.parse_args()
    text = b"".join(path.read_bytes() for path in options.texts)
    text = (text * (BYTES // len(text) + 1))[:BYTES].decode("utf-8", errors="ignore")
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    rows = {}
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        for kind, (tokenizer, trainer) in kinds().items():
            tokenizer.train_from_iterator(text[:TRAINING].split("\n"), trainer)
            rows[kind] = measure(options.bench.resolve(), as_converted(tokenizer, kind), lines, file.name, options.tuples)
            print(table({kind: rows[kind]}), end="", flush=True)
    peer = types.SimpleNamespace(NAME="tokenizers", PACKAGE=f"tokenizers {tokenizers.__version__}")
    facts = machine.facts(HERE.parents[1] / "pomona", peer)
    result = {"bench": "tokenizer", "facts": facts, "rows": rows}
    (options.out / "tokenizer.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    title = f"{facts['pomona']} at {facts['commit']} beside {facts['peer']}, {facts['time']}\n"
    title += "10 MB of text line by line, one thread, the best of all runs in MB/s; ratios of processor time\n"
    (options.out / "tokenizer.txt").write_text(title + table(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
