"""Training of the tiny models of families.py by PyTorch, transformers and PEFT: losses, gradients, ten steps.

Writes tests/golden/training/CASE.{json,bin} for each case given, for all without one, and what PEFT saves of
an adapter as tests/golden/training/CASE/. Values are computed in f64; how far the same run in f32 lies from
them is a fact beside them. Needs torch, transformers, peft, tokenizers.
"""

import copy
import sys

import numpy as np
import peft
import tokenizers
import torch
import transformers

import golden
from double import in_f64, widened

FOLDER = golden.FOLDER / "training"
MODELS = golden.FOLDER / "families"
TEXTS = ["The pear tree and the pruning knife", "in the 7 hills we wait"]
UNSUPERVISED = [range(0, 9), [3, 4, 10]]  # positions whose next token is no target
STEPS, RATE, CLIP = 10, 1e-3, 1.0
VIRTUAL = 4
WHOLE, STRIDE = 256, 31  # larger tensors are stored as every 31st value, which meets every column

LORA = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"}
SOFT = {"num_virtual_tokens": VIRTUAL, "task_type": "CAUSAL_LM"}
CASES = {
    "llama": ("llama", None),
    "gpt2": ("gpt2", None),
    "qwen2": ("qwen2", None),
    "gemma2": ("gemma2", None),
    "llama_lora": ("llama", lambda: peft.LoraConfig(**LORA)),
    "llama_rslora": ("llama", lambda: peft.LoraConfig(**LORA, use_rslora=True)),
    "llama_prompt": ("llama", lambda: peft.PromptTuningConfig(**SOFT)),
    "llama_prefix": ("llama", lambda: peft.PrefixTuningConfig(**SOFT)),
    "gpt2_lora": ("gpt2", lambda: peft.LoraConfig(**LORA, fan_in_fan_out=True)),
    "gpt2_prompt": ("gpt2", lambda: peft.PromptTuningConfig(**SOFT)),
    "gpt2_prefix": ("gpt2", lambda: peft.PrefixTuningConfig(**SOFT)),
}


def targets_of(tokens, unsupervised):
    """The next token of each position, -1 where it is no target and after the last."""
    targets = [*tokens[1:], -1]
    for position in unsupervised:
        targets[position] = -1
    return targets


def logits_of(model, tokens):
    """(T, V), without those of virtual tokens."""
    return model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -len(tokens) :]


def loss_of(model, rows):
    """Mean over the targets of all rows, each row a sequence of its own."""
    total, count = 0.0, 0
    for tokens, targets in rows:
        wanted = torch.tensor(targets)
        total = total + torch.nn.functional.cross_entropy(
            logits_of(model, tokens), wanted, ignore_index=-1, reduction="sum"
        )
        count += int((wanted >= 0).sum())
    return total / count


def short(name):
    return name.replace(".default", "")


def parameters_of(model):
    return {short(n): p for n, p in model.named_parameters() if p.requires_grad}


class Run:
    """Ten steps of AdamW: losses before each and after the last, norms before clipping, the first
    gradients, the updates."""

    def __init__(self, model, rows):
        parameters = parameters_of(model)
        start = {n: p.detach().clone() for n, p in parameters.items()}
        optimiser = torch.optim.AdamW(parameters.values(), lr=RATE, weight_decay=0.0)
        self.losses, self.norms, self.gradients = [], [], None
        for _ in range(STEPS):
            optimiser.zero_grad()
            loss = loss_of(model, rows)
            loss.backward()
            self.losses.append(float(loss.detach()))
            if self.gradients is None:
                self.gradients = {n: p.grad.clone().double() for n, p in parameters.items()}
            self.norms.append(float(torch.nn.utils.clip_grad_norm_(parameters.values(), CLIP)))
            optimiser.step()
        with torch.no_grad():
            self.losses.append(float(loss_of(model, rows)))
        self.updates = {n: (p.detach() - start[n]).double() for n, p in parameters.items()}


def adapted(base, make_config, start=None):
    """`base` with an adapter in base's type, of the values in `start`."""
    config = make_config()
    model = peft.get_peft_model(copy.deepcopy(base), config, autocast_adapter_dtype=False).eval()
    config.base_model_name_or_path = "a tiny random model"
    with torch.no_grad():
        for name, parameter in parameters_of(model).items():
            parameter.data = parameter.data.to(base.get_input_embeddings().weight.dtype)
            parameter.copy_(start[name] if start else noise(name, parameter.shape))
    return model


def noise(name, shape):
    """Values of the sizes that weights have after some training; no matrix is zero."""
    size = 0.3 if "lora_A" in name else 0.1 if "lora_B" in name else 0.5
    draws = np.random.default_rng(list(name.encode())).normal(0, size, tuple(shape))
    return torch.from_numpy(draws.astype(np.float32))


def values(tensor):
    flat = tensor.detach().reshape(-1)
    return flat[::STRIDE] if flat.numel() > WHOLE else tensor.detach()


def errors(exact, rough):
    return {n: float((rough[n] - v).norm() / v.norm()) for n, v in exact.items()}


def add_run(out, exact, rough):
    out.array("losses", exact.losses, "f64")
    out.array("norms", exact.norms, "f64")
    out.fact("f32_loss_error", max(abs(a / b - 1) for a, b in zip(rough.losses, exact.losses)))
    for what in ("gradient", "update"):
        tensors, narrow = getattr(exact, what + "s"), getattr(rough, what + "s")
        out.fact(what + "_norms", {n: float(t.norm()) for n, t in tensors.items()})
        found = errors(tensors, narrow)
        out.fact(f"f32_{what}_errors", found)
        print(f"  {what}s: f32 differs by up to {max(found.values()):.1e} of a norm")
        for name, tensor in tensors.items():
            out.array(f"{what}.{name}", values(tensor), "f32")


def add_adapter(case, out, narrow, wide, rows):
    """The trained adapter as PEFT saves it, rounded to f32, and what it does."""
    trained = parameters_of(wide)
    with torch.no_grad():
        for name, parameter in parameters_of(narrow).items():
            parameter.copy_(trained[name])
            trained[name].copy_(parameter)
    folder = FOLDER / case
    narrow.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    (folder / "adapter_model.safetensors").chmod(0o644)
    for i, (tokens, _targets) in enumerate(rows):
        with torch.no_grad(), in_f64():
            out.array(f"logits.{i}", values(logits_of(wide, tokens)), "f32")
    if "lora" in case:
        with in_f64():
            merged = wide.merge_and_unload()
        for name, parameter in merged.named_parameters():
            if parameter.ndim == 2 and "wte" not in name and "wpe" not in name and "embed" not in name:
                out.array("merged." + name, values(parameter), "f32")


def write(case):
    print(case)
    name, make_config = CASES[case]
    tokenizer = tokenizers.Tokenizer.from_file(str(MODELS / name / "tokenizer.json"))
    ids = [tokenizer.encode(text).ids for text in TEXTS]
    rows = [(t, targets_of(t, u)) for t, u in zip(ids, UNSUPERVISED)]
    base = transformers.AutoModelForCausalLM.from_pretrained(
        MODELS / name, attn_implementation="eager", dtype=torch.float32
    ).eval()
    wide = widened(base)
    out = golden.Golden(f"training/{case}", golden.versions(torch, transformers, peft))
    out.fact("model", f"families/{name}")
    out.fact("adamw", {"learning_rate": RATE, "weight_decay": 0.0, "clip": CLIP, "steps": STEPS})
    for i, (tokens, targets) in enumerate(rows):
        out.array(f"tokens.{i}", tokens, "i32")
        out.array(f"targets.{i}", targets, "i32")
    if make_config:
        base = adapted(base, make_config)
        with in_f64():
            wide = adapted(wide, make_config, parameters_of(base))
        for parameter, tensor in parameters_of(base).items():
            out.array(f"start.{parameter}", tensor.detach(), "f32")
    out.fact("stride", STRIDE)
    out.fact("whole", WHOLE)
    rough = Run(copy.deepcopy(base), rows)
    with in_f64():
        exact = Run(wide, rows)
    add_run(out, exact, rough)
    if make_config:
        add_adapter(case, out, base, wide, rows)
    out.write()


def main():
    FOLDER.mkdir(exist_ok=True)
    for case in sys.argv[1:] or CASES:
        write(case)


main()
