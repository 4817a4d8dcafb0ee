"""A tiny random Llama as a GGUF file, and what PyTorch computes with it in f64 and in f32.

Writes tests/golden/llama_tiny.{gguf,json,bin}, llama_tiny_q4_1.{gguf,json,bin} and
llama_tiny_llama3.{json,bin}. Needs torch, transformers, gguf.
"""

import copy

import gguf
import torch
import transformers

import golden
import residual
import tiny_model
from tiny_model import E

TEXTS = ["The pear tree and the pruning knife", "in the 7 hills"]
WHOLE_GRADIENTS = [
    "model.embed_tokens.weight",
    "model.layers.0.input_layernorm.weight",
    "model.layers.0.self_attn.q_proj.weight",
    "model.layers.0.self_attn.k_proj.weight",
    "model.layers.1.mlp.down_proj.weight",
    "model.norm.weight",
]


def loss_of(model, rows):
    """Mean cross-entropy of every next token of all rows (each row is a sequence of its own)."""
    total, count = 0.0, 0
    for tokens in rows:
        logits = model(torch.tensor([tokens]), use_cache=False).logits[0]
        total = total + torch.nn.functional.cross_entropy(
            logits[:-1], torch.tensor(tokens[1:]), reduction="sum"
        )
        count += len(tokens) - 1
    return total / count


def gradients(model, rows):
    model.zero_grad()
    loss = loss_of(model, rows)
    loss.backward()
    return float(loss.detach()), {n: p.grad.clone() for n, p in model.named_parameters()}


def in_f64(model, factors=None):
    """The same weights with all arithmetic in f64; `factors` divide the rotary frequencies.

    transformers computes norms, eager softmax and rotary tables in f32 whatever the model's type is:
    norms and tables are replaced here, and SDPA is used, which keeps the type.
    """
    config = copy.deepcopy(model.config)
    config._attn_implementation = "sdpa"
    wide = transformers.LlamaForCausalLM(config).double().eval()
    wide.load_state_dict(model.state_dict())
    frequency = 10000.0 ** (-torch.arange(0, E, 2, dtype=torch.float64) / E)
    if factors is not None:
        frequency = frequency / torch.from_numpy(factors).double()
    torch.testing.assert_close(model.model.rotary_emb.inv_freq.double(), frequency, rtol=1e-6, atol=0)

    def rotary(_x, position_ids):
        angle = position_ids[0].double()[:, None] * frequency[None, :]
        angle = torch.cat([angle, angle], dim=-1)[None]
        return angle.cos(), angle.sin()

    def norm(module):
        def forward(x):
            return module.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)

        return forward

    wide.model.rotary_emb.forward = rotary
    for module in wide.modules():
        if isinstance(module, transformers.models.llama.modeling_llama.LlamaRMSNorm):
            module.forward = norm(module)
    return wide


def check_slope(model, rows, exact):
    """The loss's central difference along a random direction must agree with the gradient in f64."""
    generator = torch.Generator().manual_seed(1)
    step = {n: torch.randn(p.shape, generator=generator).double() for n, p in exact.items()}
    losses = []
    with torch.no_grad():
        for sign in (1e-6, -2e-6):
            for name, parameter in model.named_parameters():
                parameter += sign * step[name]
            losses.append(float(loss_of(model, rows)))
        for name, parameter in model.named_parameters():
            parameter += 1e-6 * step[name]
    slope = float(sum((exact[n] * step[n]).sum() for n in exact))
    error = abs((losses[0] - losses[1]) / 2e-6 / slope - 1)
    print(f"central difference agrees to {error:.1e}")
    assert error < 1e-7


def add_greedy(out, model, wide, rows, vocab):
    """32 tokens after each row, which f32 and f64 must agree on with room to spare."""
    for i, tokens in enumerate(rows):
        ids, margins = residual.greedy(model, tokens, 32)
        assert ids == residual.greedy(wide, tokens, 32)[0] and min(ids) >= len(tiny_model.SPECIAL)
        assert min(margins) > 0.01, "a margin that rounding could turn: choose another SEED"
        assert len(set(ids)) > 14, "too many repetitions: choose another SEED"
        out.array(f"greedy.{i}", ids, "i32")
        out.array(f"greedy_margin.{i}", margins, "f32")
        text = "".join(vocab[t] for t in ids)
        print(f"greedy {i}: least margin {min(margins):.3f}, text {text}")


def add_gradients(out, model, wide, rows):
    loss32, narrow = gradients(model, rows)
    loss64, exact = gradients(wide, rows)
    check_slope(wide, rows, exact)
    out.array("loss", loss64, "f64")
    out.array("loss_f32", loss32, "f32")
    out.fact("gradient_norms", {name: float(g.norm()) for name, g in exact.items()})
    worst = max(float((narrow[n].double() - g).norm() / g.norm()) for n, g in exact.items())
    out.fact("worst_relative_gradient_error_in_f32", worst)
    for name in WHOLE_GRADIENTS:
        out.array("gradient." + name, exact[name], "f64")
    print(f"loss {loss64:.6f} (f32 off by {abs(loss32 - loss64):.1e}), gradients off by {worst:.1e}")


def exact_file(vocab, rows):
    """llama_tiny: all F32, with every block's output and the gradients."""
    model = tiny_model.build(vocab)
    wide = in_f64(model)
    path = golden.FOLDER / "llama_tiny.gguf"
    tiny_model.write_gguf(
        model, vocab, path, gguf.LlamaFileType.ALL_F32, tiny_model.all_f32
    )
    out = golden.Golden("llama_tiny", golden.versions(torch, transformers))
    out.fact("texts", TEXTS)
    for i, tokens in enumerate(rows):
        out.array(f"tokens.{i}", tokens, "i32")
        narrow_trace = residual.trace(model, tokens)
        for name, value in residual.trace(wide, tokens).items():
            out.array(f"row.{i}.{name}", value, "f64")
            error = (narrow_trace[name].double() - value).abs().max() / value.abs().max()
            print(f"row {i} {name}: f32 differs by {float(error):.1e} of max")
    add_greedy(out, model, wide, rows, vocab)
    add_gradients(out, model, wide, rows)
    out.write()


def quantised_file(vocab, rows):
    """llama_tiny_q4_1: the same weights as Q4_1 files store them, with logits."""
    model = tiny_model.build(vocab)
    path = golden.FOLDER / "llama_tiny_q4_1.gguf"
    kinds = tiny_model.as_q4_1_files_do
    tiny_model.write_gguf(model, vocab, path, gguf.LlamaFileType.MOSTLY_Q4_1, kinds)
    tiny_model.decode_weights(model, kinds)
    wide = in_f64(model)
    out = golden.Golden("llama_tiny_q4_1", golden.versions(torch, transformers))
    for i, tokens in enumerate(rows):
        out.array(f"row.{i}.logits", residual.trace(wide, tokens)["logits"], "f32")
    add_greedy(out, model, wide, rows, vocab)
    out.write()


def stretched_model(vocab, rows):
    """llama_tiny_llama3: the same weights with Llama 3.1's rotation.

    Its file would be llama_tiny's with the tensor rope_freqs.weight, which tests add.
    """
    model = tiny_model.build(vocab, tiny_model.LLAMA3_ROPE)
    factors = tiny_model.rope_factors(tiny_model.LLAMA3_ROPE)
    wide = in_f64(model, factors)
    out = golden.Golden("llama_tiny_llama3", golden.versions(torch, transformers))
    out.array("rope_freqs", factors, "f32")
    for i, tokens in enumerate(rows):
        narrow, exact = (residual.trace(m, tokens)["norm"] for m in (model, wide))
        out.array(f"row.{i}.norm", exact, "f64")
        error = (narrow.double() - exact).abs().max() / exact.abs().max()
        print(f"row {i} with stretched waves: f32 differs by {float(error):.1e} of max")
    out.write()


def main():
    vocab = tiny_model.vocabulary()
    rows = [tiny_model.encode(text, vocab) for text in TEXTS]
    exact_file(vocab, rows)
    quantised_file(vocab, rows)
    stretched_model(vocab, rows)


main()
