#!/usr/bin/env python3
"""PyTorch + transformers + PEFT: trains on rows of tokens, and answers prompts. Prints one JSON object.

usage: peer.py TOKENS.jsonl MODEL.gguf --method lora|full|scratch [--precision f32|bf16|autocast] [--compile]
               [--batch 8] [--micro 8] [--threads 2] [--warm 1] [--rate 1e-6] [--warmup 0] [--answer PROMPTS.jsonl]

Rows are grouped by length: sorted, cut into batches, the batches in an order drawn from --seed; a batch runs as
micro-batches of --micro rows. The loss is the mean over the targets of the whole batch. precision: f32; bf16: all
weights are bf16 (adapters stay f32, as PEFT has it); autocast: f32 weights, matrix products in bf16. The model is the GGUF file, dequantised by
transformers; scratch takes only GPT-2's shape (124 M parameters, no dropout) with random weights. AdamW (fused), clip 1.
Every step is told with its tokens (no padding), targets, seconds and loss; --warm steps run before that, untold.
"""

import argparse
import contextlib
import json
import pathlib
import random
import resource
import time

import peft
import torch
import transformers

IGNORED = -100  # the label that the loss leaves out


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def build(options):
    """The model to train, in its precision."""
    if options.method == "scratch":
        torch.manual_seed(options.seed)
        shape = transformers.GPT2Config(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
        model = transformers.GPT2LMHeadModel(shape)
    else:
        model = transformers.AutoModelForCausalLM.from_pretrained(
            options.model.parent, gguf_file=options.model.name, dtype=torch.float32
        )
    if options.precision == "bf16":
        model = model.to(torch.bfloat16)
    if options.method == "lora":
        torch.manual_seed(options.seed)
        settings = peft.LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
        model = peft.get_peft_model(model, settings)
    model.config.use_cache = False
    return model


def batches(rows, size, seed):
    """Rows of like length together, the batches in a random order."""
    rows = sorted(rows, key=lambda row: len(row["tokens"]))
    cut = [rows[i : i + size] for i in range(0, len(rows), size)]
    random.Random(seed).shuffle(cut)
    return cut


def padded(rows):
    """input_ids, labels and mask (B, T); no mask where nothing is padded, which is the faster way."""
    longest = max(len(row["tokens"]) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    labels = torch.full((len(rows), longest), IGNORED)
    mask = torch.zeros(len(rows), longest, dtype=torch.long)
    for i, row in enumerate(rows):
        tokens = torch.tensor(row["tokens"])
        ids[i, : len(tokens)] = tokens
        labels[i, row["first"] : len(tokens)] = tokens[row["first"] :]
        mask[i, : len(tokens)] = 1
    inputs = {"input_ids": ids, "labels": labels}
    return inputs if bool(mask.all()) else inputs | {"attention_mask": mask}


class Training:
    """Steps of gradient descent on one model."""

    def __init__(self, model, options, steps):
        self.options = options
        self.called = torch.compile(model, dynamic=not options.equal) if options.compile else model
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(self.parameters, lr=options.rate, weight_decay=0.0, fused=True)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, lambda step: self.share(step, steps) if options.warmup else 1.0
        )

    def share(self, step, steps):
        """Of the peak rate: linear up, then linear down to 0."""
        warmup = self.options.warmup
        return min((step + 1) / warmup, (steps - step) / max(1, steps - warmup))

    def step(self, rows):
        """One batch -> what is told of it."""
        start = time.perf_counter()
        rows = sorted(rows, key=lambda row: len(row["tokens"]))
        targets = sum(len(row["tokens"]) - row["first"] for row in rows)
        autocast = self.options.precision == "autocast"
        total = 0.0
        for i in range(0, len(rows), self.options.micro):
            inputs = padded(rows[i : i + self.options.micro])
            with torch.autocast("cpu", torch.bfloat16) if autocast else contextlib.nullcontext():
                loss = self.called(**inputs, num_items_in_batch=torch.tensor(targets)).loss
            loss.backward()
            total += float(loss.detach())
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.schedule.step()
        return {"loss": total, "tokens": sum(len(row["tokens"]) for row in rows), "supervised_tokens": targets,
                "seconds": time.perf_counter() - start}  # fmt: skip


def answer(model, options):
    """Greedy answers to prompts of tokens, batches of like length padded on the left."""
    prompts = [json.loads(line)["tokens"] for line in options.answer.read_text(encoding="utf-8").splitlines()]
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model.parent, gguf_file=options.model.name)
    end = [tokenizer.eos_token_id, *tokenizer.convert_tokens_to_ids(["<|im_end|>"])]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    answers = [""] * len(prompts)
    model.eval()
    model.config.use_cache = True
    for at in range(0, len(order), options.answer_batch):
        part = order[at : at + options.answer_batch]
        longest = max(len(prompts[i]) for i in part)
        ids = torch.tensor([[end[0]] * (longest - len(prompts[i])) + prompts[i] for i in part])
        mask = torch.tensor([[0] * (longest - len(prompts[i])) + [1] * len(prompts[i]) for i in part])
        with torch.no_grad():
            out = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=options.new_tokens, do_sample=False,
                                 eos_token_id=end, pad_token_id=end[0], use_cache=True)  # fmt: skip
        for i, tokens in zip(part, out[:, longest:].tolist(), strict=True):
            answers[i] = tokenizer.decode(tokens, skip_special_tokens=True)
    return answers


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokens", type=pathlib.Path, help="rows as {tokens, first}")
    parser.add_argument("model", type=pathlib.Path, help="the GGUF file")
    parser.add_argument("--method", choices=("lora", "full", "scratch"), default="lora")
    parser.add_argument("--precision", choices=("f32", "bf16", "autocast"), default="f32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--micro", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--warm", type=int, default=1)
    parser.add_argument("--steps", type=int, help="batches at most; default: all rows once")
    parser.add_argument("--rate", type=float, default=1e-6)
    parser.add_argument("--warmup", type=int, default=0, help="steps; 0: a constant rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--answer", type=pathlib.Path, help="prompts as {tokens}, answered after training")
    parser.add_argument("--answer-batch", type=int, default=10)
    parser.add_argument("--new-tokens", type=int, default=128)
    return parser.parse_args()


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    interpreter = peak_bytes()
    rows = [json.loads(line) for line in options.tokens.read_text(encoding="utf-8").splitlines()]
    options.equal = len({len(row["tokens"]) for row in rows}) == 1
    cut = batches(rows, options.batch, options.seed)[: options.steps]
    model = build(options)
    training = Training(model, options, len(cut))
    model.train()
    longest = max(cut, key=lambda batch: max(len(row["tokens"]) for row in batch))
    for _ in range(options.warm):  # the longest, so that memory is there before anything counts
        training.step(longest)
    start = time.perf_counter()
    steps = [training.step(batch) for batch in cut]
    told = {
        "steps": steps,
        "seconds": time.perf_counter() - start,
        "trainable_parameters": sum(p.numel() for p in training.parameters),
        "training_peak_bytes": peak_bytes(),
        "interpreter_bytes": interpreter,
        "settings": {"precision": options.precision, "compile": options.compile, "micro": options.micro},
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__},
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
    if options.answer:
        start = time.perf_counter()
        told["answers"] = answer(model, options)
        told["answer_seconds"] = time.perf_counter() - start
    told["peak_bytes"] = peak_bytes()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
