"""A hundred steps of each optimiser and every schedule, by PyTorch and transformers in f32.

Writes tests/golden/optimisers.{json,bin} and schedules.{json,bin}. Needs torch and transformers.
"""

import torch
import transformers

import golden

STEPS = 100
SHAPES = {"matrix": (5, 7), "stack": (2, 3, 4), "bias": (9,)}
CASES = {
    "adamw": (torch.optim.AdamW, {"lr": 1e-2, "weight_decay": 0.0}),
    "adamw_decay": (torch.optim.AdamW, {"lr": 1e-2, "weight_decay": 0.1, "betas": (0.8, 0.95)}),
    "sgd": (torch.optim.SGD, {"lr": 1e-2, "momentum": 0.0}),
    "sgd_momentum": (torch.optim.SGD, {"lr": 1e-2, "momentum": 0.9, "weight_decay": 0.1}),
    "adafactor": (
        transformers.Adafactor,
        {"lr": 1e-2, "relative_step": False, "scale_parameter": False},
    ),
    "adafactor_decay": (
        transformers.Adafactor,
        {"lr": 1e-2, "relative_step": False, "scale_parameter": False, "weight_decay": 0.1},
    ),
}
KEPT = [1, 2, 10, 100]


def gradients():
    """Noise whose size differs by tensor, by step and by value, with a few exact zeros."""
    generator = torch.Generator().manual_seed(7)
    sizes = {n: torch.exp(torch.randn(s, generator=generator)) for n, s in SHAPES.items()}
    steps = []
    for step in range(STEPS):
        size = 3.0 if step % 9 == 0 else 0.3
        steps.append(
            {n: size * sizes[n] * torch.randn(s, generator=generator) for n, s in SHAPES.items()}
        )
    steps[3]["bias"][:4] = 0
    return steps


def optimisers():
    generator = torch.Generator().manual_seed(8)
    start = {n: torch.randn(s, generator=generator) for n, s in SHAPES.items()}
    steps = gradients()
    out = golden.Golden("optimisers", golden.versions(torch, transformers))
    out.fact("steps", STEPS)
    out.fact("tensors", list(SHAPES))
    out.fact("kept", KEPT)
    for name in SHAPES:
        out.array(f"start.{name}", start[name], "f32")
        out.array(f"gradient.{name}", torch.stack([s[name] for s in steps]), "f32")
    for case, (kind, settings) in CASES.items():
        out.fact(case, settings)
        for largest in (None, 1.0):
            weights = {n: torch.nn.Parameter(start[n].clone()) for n in SHAPES}
            optimiser = kind(weights.values(), **settings)
            norms = []
            for i, step in enumerate(steps):
                for name, weight in weights.items():
                    weight.grad = step[name].clone()
                if largest is not None:
                    norms.append(float(torch.nn.utils.clip_grad_norm_(weights.values(), largest)))
                optimiser.step()
                if i + 1 in KEPT:
                    suffix = "" if largest is None else ".clipped"
                    for name, weight in weights.items():
                        out.array(f"{case}{suffix}.{i + 1}.{name}", weight.detach(), "f32")
    out.array("norms", norms, "f64")
    out.write()


def rates(scheduler, optimiser, steps):
    seen = []
    for _ in range(steps):
        seen.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return seen


def schedules():
    out = golden.Golden("schedules", golden.versions(torch, transformers))
    cases = []
    for warmup, steps in ((0, 40), (7, 40), (1, 1), (40, 40)):
        for kind in ("constant", "linear", "cosine", "wsd"):
            for decay, least in ((10, 0.1), (13, 0.0)) if kind == "wsd" else ((0, 0.0),):
                if warmup + decay > steps:
                    continue
                optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
                if kind == "constant":
                    made = transformers.get_constant_schedule_with_warmup(optimiser, warmup)
                elif kind == "linear":
                    made = transformers.get_linear_schedule_with_warmup(optimiser, warmup, steps)
                elif kind == "cosine":
                    made = transformers.get_cosine_schedule_with_warmup(optimiser, warmup, steps)
                else:
                    made = transformers.get_wsd_schedule(
                        optimiser, warmup, decay, num_training_steps=steps, min_lr_ratio=least
                    )
                case = {"kind": kind, "warmup": warmup, "steps": steps, "decay": decay}
                out.array(f"rates.{len(cases)}", rates(made, optimiser, steps + 2), "f64")
                cases.append({**case, "least": least})
    out.fact("cases", cases)
    out.write()


optimisers()
schedules()
