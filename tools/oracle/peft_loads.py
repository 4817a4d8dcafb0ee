"""Whether PEFT loads the adapters that `pomona tune` writes, and answers with them as Pomona does.

usage: peft_loads.py POMONA. Trains every kind on some tiny models of tests/golden/families and compares greedy tokens in
f32. Needs torch, transformers, peft, tokenizers.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import peft
import tokenizers
import torch
import transformers

MODELS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "families"
FAMILIES, KINDS = ("llama", "gpt2", "gemma2", "qwen3"), ("prompt", "prefix", "lora", "rslora")
ROWS = '{"text": "the pear tree in the hills"}\n{"text": "an hour we wait the knife"}\n'
PROMPTS, TOKENS = ("in the 7 hills", "The pear"), 12


def trained(pomona, folder, family, kind):
    (folder / "rows.jsonl").write_text(ROWS)
    virtual = "virtual_tokens = 3\n" if kind in ("prompt", "prefix") else ""
    (folder / "run.toml").write_text(
        f'[model]\nbase = "{MODELS / family}"\n[data]\ntrain = "rows.jsonl"\n[method]\nkind = "{kind}"\n{virtual}'
        f'[train]\nsteps = 3\nbatch_size = 2\n[output]\ndir = "{family}_{kind}"\n'
    )
    subprocess.run([pomona, "tune", "run.toml"], cwd=folder, check=True, capture_output=True)
    return folder / f"{family}_{kind}" / "adapter"


def pomonas(pomona, family, adapter, prompt):
    options = ["--raw", "-p", prompt, "-n", str(TOKENS), "--compute", "f32", "--adapter", adapter, "--json"]
    done = subprocess.run([pomona, "generate", MODELS / family, *options], check=True, capture_output=True)
    return json.loads(done.stdout)["tokens"]


def pefts(model, tokens, count, size):
    answer = []
    while len(answer) < count:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([tokens + answer]), use_cache=False).logits[0, -1]
        answer.append(int(logits[:size].argmax()))
    return answer


def main():
    pomona, failed = str(pathlib.Path(sys.argv[1]).resolve()), 0
    with tempfile.TemporaryDirectory() as folder:
        for family in FAMILIES:
            tokenizer = tokenizers.Tokenizer.from_file(str(MODELS / family / "tokenizer.json"))
            for kind in KINDS:
                adapter = trained(pomona, pathlib.Path(folder), family, kind)
                base = transformers.AutoModelForCausalLM.from_pretrained(
                    MODELS / family, attn_implementation="eager", dtype=torch.float32
                )
                with warnings.catch_warnings():
                    warnings.simplefilter("error", UserWarning)  # keys that are missing or not expected
                    model = peft.PeftModel.from_pretrained(base, adapter).eval()
                for prompt in PROMPTS:
                    wanted = pomonas(pomona, family, adapter, prompt)
                    ids = tokenizer.encode(prompt).ids
                    same = pefts(model, ids, len(wanted), tokenizer.get_vocab_size()) == wanted
                    failed += not same
                    print(family, kind, repr(prompt), "the same" if same else "DIFFERS")
    sys.exit(failed > 0)


main()
