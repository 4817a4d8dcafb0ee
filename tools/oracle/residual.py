"""What a transformers Llama computes, block by block, and its greedy continuation."""

import contextlib

import torch


@contextlib.contextmanager
def _capture(modules, into):
    """Within the context each module's output (a tensor or a tuple's first) is kept in `into`."""

    def keep(name):
        def hook(_module, _inputs, output):
            into[name] = output[0] if isinstance(output, tuple) else output

        return hook

    handles = [m.register_forward_hook(keep(name)) for name, m in modules.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def trace(model, tokens):
    """tokens (list of T ids) -> {embedding, block.0 ..., norm: (T, D), logits: (T, V)}.

    block.i is the residual stream after block i.
    """
    modules = {"embedding": model.model.embed_tokens, "norm": model.model.norm}
    for i, layer in enumerate(model.model.layers):
        modules[f"block.{i}"] = layer
    kept = {}
    with torch.no_grad(), _capture(modules, kept):
        logits = model(torch.tensor([tokens]), use_cache=False).logits
    order = ["embedding"] + [f"block.{i}" for i in range(len(model.model.layers))] + ["norm"]
    result = {name: kept[name][0] for name in order}
    result["logits"] = logits[0]
    return result


def greedy(model, tokens, steps):
    """Continues by the best token, recomputed from scratch each time, past any end token.

    Returns (ids, margins): margins are the best logit less the second best.
    """
    ids, margins = list(tokens), []
    for _ in range(steps):
        with torch.no_grad():
            last = model(torch.tensor([ids]), use_cache=False).logits[0, -1]
        best = torch.topk(last, 2)
        ids.append(int(best.indices[0]))
        margins.append(float(best.values[0] - best.values[1]))
    return ids[len(tokens) :], margins
