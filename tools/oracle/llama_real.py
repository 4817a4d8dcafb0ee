"""SmolLM2-135M-Instruct from its Q4_1 GGUF, block by block, as transformers computes it in f32.

Usage: python tools/oracle/llama_real.py MODEL.gguf. Writes tests/golden/llama_real.{json,bin}.
Kept small: every residual stream at three positions, 200 logits and the ten best at each position.
"""

import hashlib
import pathlib
import sys

import torch
import transformers

import golden
import residual

TEXT = "The old orchard keeper prunes each pear tree in late winter, because a cut made then heals before"
PROMPTS = [
    "Photosynthesis is the process by which",
    "import numpy as np\n\ndef softmax(x):\n    ",
    "The meeting notes say that Anna will",
]
LOGIT_IDS = list(range(3, 49152, 245))[:200]


def load(path):
    folder, file = path.parent, path.name
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, gguf_file=file)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=file, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    return tokenizer, model


def main():
    path = pathlib.Path(sys.argv[1])
    tokenizer, model = load(path)
    out = golden.Golden("llama_real", golden.versions(torch, transformers))
    out.fact("model_sha256", hashlib.sha256(path.read_bytes()).hexdigest())
    out.fact("text", TEXT)
    out.fact("prompts", PROMPTS)

    tokens = tokenizer(TEXT, add_special_tokens=False).input_ids
    positions = [0, len(tokens) // 2, len(tokens) - 1]
    out.array("tokens", tokens, "i32")
    out.array("positions", positions, "i32")
    out.array("logit_ids", LOGIT_IDS, "i32")
    traced = residual.trace(model, tokens)
    logits = traced.pop("logits")
    for name, value in traced.items():
        out.array(name, value[positions], "f32")
    out.array("logits", logits[:, LOGIT_IDS], "f32")
    best = torch.topk(logits, 10)
    out.array("best_ids", best.indices, "i32")
    out.array("best_logits", best.values, "f32")

    for i, prompt in enumerate(PROMPTS):
        ids = tokenizer(prompt, add_special_tokens=False).input_ids
        continued, margins = residual.greedy(model, ids, 32)
        assert min(margins) > 0.01, "a margin that rounding could turn: choose another prompt"
        out.array(f"prompt.{i}", ids, "i32")
        out.array(f"greedy.{i}", continued, "i32")
        out.array(f"greedy_margin.{i}", margins, "f32")
        print(f"{i}: least margin {min(margins):.3f}: {tokenizer.decode(continued)!r}")
    for name, value in traced.items():
        print(name, [f"{float(v):.3g}" for v in value[positions].abs().amax(-1)])
    out.write()


main()
