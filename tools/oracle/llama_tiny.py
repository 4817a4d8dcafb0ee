"""A tiny random Llama as a GGUF file, and what PyTorch computes with it in f64 and in f32.

Writes tests/golden/llama_tiny.{gguf,json,bin}. Needs torch, transformers, gguf.
H * E differs from D, G from H, and V is prime, so mixed-up sizes and forgotten tails show up.
"""

import copy

import gguf
import numpy as np
import torch
import transformers

import golden
import residual

SEED = 4
D, L, H, G, E, F = 32, 2, 4, 2, 16, 96
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = [
    ("Ġ", "t"), ("h", "e"), ("i", "n"), ("Ġ", "a"), ("r", "e"), ("o", "n"), ("Ġt", "he"),
    ("e", "r"), ("Ġ", "s"), ("a", "t"), ("Ġ", "w"), ("o", "u"), ("Ġ", "c"), ("n", "d"),
    ("i", "s"), ("Ġ", "m"), ("o", "r"), ("e", "n"), ("in", "g"), ("Ġ", "p"), ("Ġa", "nd"),
    ("e", "s"), ("l", "l"), ("t", "o"),
]  # fmt: skip
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content']"
    " + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n'"
    " }}{% endif %}"
)
TEXTS = ["The pear tree and the pruning knife", "in the 7 hills"]
WHOLE_GRADIENTS = [
    "model.embed_tokens.weight",
    "model.layers.0.input_layernorm.weight",
    "model.layers.0.self_attn.q_proj.weight",
    "model.layers.0.self_attn.k_proj.weight",
    "model.layers.1.mlp.down_proj.weight",
    "model.norm.weight",
]


def byte_alphabet():
    """GPT-2's printable stand-in for each byte value (Radford et al. 2019)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    stand_in = {b: chr(b) for b in printable}
    for b in range(256):
        if b not in stand_in:
            stand_in[b] = chr(256 + len(stand_in) - len(printable))
    return [stand_in[b] for b in range(256)]


def vocabulary():
    return SPECIAL + byte_alphabet() + [a + b for a, b in MERGES]


def encode(text, vocab):
    """Merges the lowest rank first over the whole text, which must have no two-word tokens."""
    alphabet = byte_alphabet()
    pieces = [alphabet[b] for b in text.encode()]
    for a, b in MERGES:
        merged, i = [], 0
        while i < len(pieces):
            if pieces[i : i + 2] == [a, b]:
                merged.append(a + b)
                i += 2
            else:
                merged.append(pieces[i])
                i += 1
        pieces = merged
    return [vocab.index(p) for p in pieces]


def build(vocab):
    """A model whose layers outweigh the embedding, so that greedy text is not one token repeated.

    Tokens that are not printable ASCII get short embedding rows: greedy text stays readable.
    """
    config = transformers.LlamaConfig(
        vocab_size=len(vocab), hidden_size=D, intermediate_size=F, num_hidden_layers=L,
        num_attention_heads=H, num_key_value_heads=G, head_dim=E, max_position_embeddings=512,
        rms_norm_eps=1e-5, tie_word_embeddings=True, attn_implementation="eager",
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        bos_token_id=1, eos_token_id=2, pad_token_id=2,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config).eval()
    generator = torch.Generator().manual_seed(SEED)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "norm" in name:
            parameter.data = 1 + 0.25 * noise
        elif "embed" in name:
            plain = [("!" <= t[-1] <= "~") and t not in SPECIAL for t in vocab]
            parameter.data = noise * torch.where(torch.tensor(plain), 0.5, 0.1)[:, None]
        else:
            parameter.data = 1.6 * noise / parameter.shape[1] ** 0.5
    return model


def permute(weight, heads):
    """GGUF's row order for Q and K: within a head, rows i and i + E/2 become neighbours."""
    rows, columns = weight.shape
    halves = weight.reshape(heads, 2, rows // heads // 2, columns)
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(rows, columns)


def write_gguf(model, vocab):
    writer = gguf.GGUFWriter(golden.FOLDER / "llama_tiny.gguf", "llama")
    writer.add_name("Tiny random Llama")
    writer.add_license("apache-2.0")
    writer.add_context_length(512)
    writer.add_embedding_length(D)
    writer.add_block_count(L)
    writer.add_feed_forward_length(F)
    writer.add_head_count(H)
    writer.add_head_count_kv(G)
    writer.add_key_length(E)
    writer.add_value_length(E)
    writer.add_rope_dimension_count(E)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(vocab))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(vocab)
    kinds = [gguf.TokenType.CONTROL] * len(SPECIAL)
    writer.add_token_types(kinds + [gguf.TokenType.NORMAL] * (len(vocab) - len(SPECIAL)))
    writer.add_token_merges([f"{a} {b}" for a, b in MERGES])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, L)
    for name, parameter in model.named_parameters():
        data = parameter.detach().numpy()
        if "q_proj" in name:
            data = permute(data, H)
        if "k_proj" in name:
            data = permute(data, G)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


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


def in_f64(model):
    """The same weights with all arithmetic in f64.

    transformers computes norms, eager softmax and rotary tables in f32 whatever the model's type is:
    norms and tables are replaced here, and SDPA is used, which keeps the type.
    """
    config = copy.deepcopy(model.config)
    config._attn_implementation = "sdpa"
    wide = transformers.LlamaForCausalLM(config).double().eval()
    wide.load_state_dict(model.state_dict())
    frequency = 10000.0 ** (-torch.arange(0, E, 2, dtype=torch.float64) / E)

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


def main():
    vocab = vocabulary()
    model = build(vocab)
    wide = in_f64(model)
    write_gguf(model, vocab)
    rows = [encode(text, vocab) for text in TEXTS]

    out = golden.Golden("llama_tiny", golden.versions(torch, transformers))
    out.fact("texts", TEXTS)
    for i, tokens in enumerate(rows):
        out.array(f"tokens.{i}", tokens, "i32")
        narrow_trace = residual.trace(model, tokens)
        for name, value in residual.trace(wide, tokens).items():
            out.array(f"row.{i}.{name}", value, "f64")
            error = (narrow_trace[name].double() - value).abs().max() / value.abs().max()
            print(f"row {i} {name}: f32 differs by {float(error):.1e} of max")
    greedy = [residual.greedy(model, tokens, 32) for tokens in rows]
    for i, (ids, margins) in enumerate(greedy):
        assert ids == residual.greedy(wide, rows[i], 32)[0] and min(ids) >= len(SPECIAL)
        assert min(margins) > 0.01, "a margin that rounding could turn: choose another SEED"
        assert len(set(ids)) > 14, "too many repetitions: choose another SEED"
        out.array(f"greedy.{i}", ids, "i32")
        out.array(f"greedy_margin.{i}", margins, "f32")
        print(f"greedy {i}: least margin {min(margins):.3f}, text {''.join(vocab[t] for t in ids)}")

    loss32, narrow = gradients(model, rows)
    loss64, exact = gradients(wide, rows)
    check_slope(wide, rows, exact)
    out.array("loss", loss64, "f64")
    out.array("loss_f32", loss32, "f32")
    norms = {name: float(g.norm()) for name, g in exact.items()}
    out.fact("gradient_norms", norms)
    worst = max(float((narrow[n].double() - g).norm() / g.norm()) for n, g in exact.items())
    out.fact("worst_relative_gradient_error_in_f32", worst)
    for name in WHOLE_GRADIENTS:
        out.array("gradient." + name, exact[name], "f64")
    print(f"loss {loss64:.6f} (f32 off by {abs(loss32 - loss64):.1e}), gradients off by {worst:.1e}")
    out.write()


main()
