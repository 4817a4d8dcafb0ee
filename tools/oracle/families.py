"""Tiny random models of every decoder family, as hub folders and as GGUF files, and what PyTorch computes.

Writes tests/golden/families/NAME/ (hub folder), NAME.gguf and NAME.{json,bin} for each name given, for
all without one. Needs torch, transformers, tokenizers, gguf, and the environment variable LLAMA_CPP: a
source tree of llama.cpp, whose own converter makes the GGUF files.
"""

import json
import os
import pathlib
import sys

import tokenizers
import torch
import transformers

LLAMA_CPP = pathlib.Path(os.environ["LLAMA_CPP"])
sys.path[1:1] = [str(LLAMA_CPP), str(LLAMA_CPP / "gguf-py")]
import conversion  # noqa: E402
import gguf  # noqa: E402
import golden  # noqa: E402
from double import in_f64, widened  # noqa: E402
from tiny_model import byte_alphabet  # noqa: E402

FOLDER = golden.FOLDER / "families"
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = [("h", "e"), ("i", "n"), ("Ġ", "t"), ("Ġt", "he"), ("e", "r"), ("o", "u"), ("a", "n"), ("an", "d")]
TEXTS = ["The pear tree and the pruning knife", "in the 7 hills we wait"]
STEPS = 32

# H * E differs from D where the family lets it; no two sizes are equal; V is prime.
SIZES = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "head_dim": 16, "intermediate_size": 48, "max_position_embeddings": 512,
}  # fmt: skip
LLAMA3 = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}  # fmt: skip
LONGROPE = {
    "rope_type": "longrope", "rope_theta": 10000.0, "partial_rotary_factor": 0.75,
    "original_max_position_embeddings": 16, "short_factor": [1.0, 1.0, 1.0, 1.1, 1.2, 1.5],
    "long_factor": [1.0, 1.5, 3.0, 8.0, 16.0, 32.0],
}  # fmt: skip
GEMMA = {"tie_word_embeddings": True, "hidden_activation": "gelu_pytorch_tanh", "sliding_window": 5}


class Weights:
    """How large random weights are, so that the layers outweigh the embedding and greedy text is not
    one token repeated."""

    def __init__(self, bias=0.3, embedding=0.5, matrix=1.6, norm=lambda _path: 1):
        self.bias, self.embedding, self.matrix, self.norm = bias, embedding, matrix, norm


def gemma_norm(path):
    """Gemma's norms add 1 to their weight. The last one makes up for the short rows of the head, which
    is the embedding, and that is scaled by sqrt(D) where it is read."""
    return 7 if path == "model.norm.weight" else 3 if "post_" in path else 0


PLAIN = Weights()
GPT = Weights(bias=0.1, embedding=0.25, matrix=2.1)
GEMMA_WEIGHTS = Weights(embedding=0.075, norm=gemma_norm)


class Family:
    """What differs between families in the making of their files."""

    def __init__(self, config, old=(), keys=(), without=(), variant=(), weights=PLAIN, **numbers):
        self.config, self.weights, self.numbers = config, weights, {**SIZES, **numbers}
        self.old = dict(old)  # how most of the hub's config.json say it, in place of rope_parameters
        self.keys = dict(keys)  # of GGUF, which the converter leaves out
        self.variant = dict(variant)  # other numbers for the same weights
        for name in without:
            del self.numbers[name]


FAMILIES = {
    "llama": Family(
        "LlamaConfig", rms_norm_eps=1e-5, rope_parameters={"rope_theta": 10000.0, **LLAMA3},
        old={"rope_theta": 10000.0, "rope_scaling": LLAMA3},
    ),
    "mistral": Family(
        "MistralConfig", rms_norm_eps=1e-5, sliding_window=4,
        rope_parameters={"rope_theta": 5000.0, "rope_type": "default"},
        old={"rope_theta": 5000.0}, keys={"llama.attention.sliding_window": 4},
    ),
    "qwen2": Family(
        "Qwen2Config", without=["head_dim"], hidden_size=64, intermediate_size=32,
        tie_word_embeddings=True, old={"rope_theta": 1000000.0},
        rope_parameters={"rope_theta": 1000000.0, "rope_type": "default"},
    ),
    "qwen3": Family(
        "Qwen3Config", rope_parameters={
            "rope_theta": 1000000.0, "rope_type": "yarn", "factor": 4.0,
            "original_max_position_embeddings": 64,
        },
    ),
    "phi3": Family(
        "Phi3Config", without=["head_dim"], hidden_size=48, num_attention_heads=3,
        num_key_value_heads=1, sliding_window=6, original_max_position_embeddings=512,
        rope_parameters={
            "rope_theta": 10000.0, "rope_type": "default", "partial_rotary_factor": 0.75,
            "original_max_position_embeddings": 512,
        },
        variant={"original_max_position_embeddings": 16, "rope_parameters": LONGROPE},
    ),
    "gemma2": Family(
        "Gemma2Config", weights=GEMMA_WEIGHTS, **GEMMA, query_pre_attn_scalar=24, attn_logit_softcapping=3.0,
        final_logit_softcapping=8.0, old={"rope_theta": 10000.0},
        rope_parameters={"rope_theta": 10000.0, "rope_type": "default"},
        keys={"gemma2.attention.scale": 24**-0.5},
    ),
    "gemma3": Family(
        "Gemma3TextConfig", weights=GEMMA_WEIGHTS, **{**SIZES, **GEMMA, "num_hidden_layers": 6, "intermediate_size": 32},
        query_pre_attn_scalar=16,
        rope_parameters={
            "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"},
            "full_attention": {"rope_theta": 1000000.0, "rope_type": "linear", "factor": 8.0},
        },
        old={
            "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0,
            "rope_scaling": {"rope_type": "linear", "factor": 8.0}, "sliding_window_pattern": 6,
        },
    ),
    "gpt2": Family(
        "GPT2Config", weights=GPT, without=SIZES, n_embd=48, n_head=3, n_layer=2, n_positions=128, n_ctx=128,
        variant={"activation_function": "gelu", "scale_attn_by_inverse_layer_idx": True, "scale_attn_weights": False},
    ),
    "gpt_neox": Family(
        "GPTNeoXConfig", weights=GPT, without=["head_dim", "num_key_value_heads"], hidden_size=48,
        num_attention_heads=3, intermediate_size=80, use_parallel_residual=True,
        rope_parameters={"rope_theta": 10000.0, "rope_type": "default", "partial_rotary_factor": 0.5},
        old={"rotary_emb_base": 10000, "rotary_pct": 0.5}, variant={"use_parallel_residual": False},
    ),
}  # fmt: skip


def vocabulary():
    """Special tokens, the stand-ins of printable ASCII, space and newline, merges."""
    letters = byte_alphabet()
    plain = [letters[b] for b in [*range(33, 127), 32, 10]]
    return SPECIAL + plain + [a + b for a, b in MERGES]


def tokenizer():
    vocab = {text: i for i, text in enumerate(vocabulary())}
    result = tokenizers.Tokenizer(tokenizers.models.BPE(vocab, MERGES, fuse_unk=False))
    result.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    result.decoder = tokenizers.decoders.ByteLevel()
    result.add_special_tokens(SPECIAL)
    return result


def fan_in(model, name, parameter):
    module = model.get_submodule(name.rpartition(".")[0])
    return parameter.shape[0 if isinstance(module, transformers.pytorch_utils.Conv1D) else 1]


def build(name, seed):
    """A model of random weights."""
    family = FAMILIES[name]
    config = getattr(transformers, family.config)(
        vocab_size=len(vocabulary()), bos_token_id=1, eos_token_id=2, pad_token_id=2,
        attn_implementation="eager", **family.numbers,
    )  # fmt: skip
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    generator = torch.Generator().manual_seed(seed)
    for path, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if path.endswith("bias"):
            parameter.data = family.weights.bias * noise
        elif parameter.ndim == 1:
            parameter.data = family.weights.norm(path) + 0.25 * noise
        elif "embed" in path or ".wte" in path or ".wpe" in path:
            parameter.data = family.weights.embedding * noise
        else:
            parameter.data = family.weights.matrix * noise / fan_in(model, path, parameter) ** 0.5
    return model


def trace(model, tokens):
    """tokens (T ids) -> {embedding, block.0 ..., norm: (T, D), logits: (T, V)}.

    block.i is the residual stream after block i, embedding what the first block is given.
    """
    base = model.base_model
    layers = base.h if hasattr(base, "h") else base.layers
    norm = next(m for m in (getattr(base, n, None) for n in ("norm", "ln_f", "final_layer_norm")) if m)
    kept = {}

    def keep(name):
        def hook(_module, _inputs, output):
            kept[name] = (output[0] if isinstance(output, tuple) else output).reshape(len(tokens), -1)

        return hook

    handles = [layers[0].register_forward_pre_hook(lambda _m, inputs: keep("embedding")(0, 0, inputs[0]))]
    handles += [m.register_forward_hook(keep(f"block.{i}")) for i, m in enumerate(layers)]
    handles += [norm.register_forward_hook(keep("norm"))]
    with torch.no_grad():
        kept["logits"] = model(torch.tensor([tokens]), use_cache=False).logits[0]
    for handle in handles:
        handle.remove()
    return kept


def greedy(model, tokens):
    """STEPS tokens, each the best after all before it, past any end token; and each best logit less
    the second best."""
    ids, margins = list(tokens), []
    for _ in range(STEPS):
        with torch.no_grad():
            best = torch.topk(model(torch.tensor([ids]), use_cache=False).logits[0, -1], 2)
        ids.append(int(best.indices[0]))
        margins.append(float(best.values[0] - best.values[1]))
    return ids[len(tokens) :], margins


def clear_model(name, rows):
    """The first seed's model whose greedy tokens rounding cannot turn and that do not only repeat
    themselves; and what greedy() says of each row."""
    for seed in range(1, 200):
        model = build(name, seed)
        found = []
        for tokens in rows:
            ids, margins = greedy(model, tokens)
            if min(margins) < 0.011 or len(set(ids)) < 13:
                break
            found.append((ids, margins))
        if len(found) == len(rows):
            return model, seed, found
    raise RuntimeError(f"{name}: no seed gives clear greedy tokens")


def write_golden(name, rows):
    model, seed, continued = clear_model(name, rows)
    wide = widened(model)
    out = golden.Golden(f"families/{name}", golden.versions(torch, transformers))
    out.fact("texts", TEXTS)
    loss, worst = 0.0, 0.0
    for i, tokens in enumerate(rows):
        out.array(f"tokens.{i}", tokens, "i32")
        narrow = trace(model, tokens)
        with in_f64():
            exact = trace(wide, tokens)
        for array, value in exact.items():
            assert value.dtype == torch.float64
            out.array(f"row.{i}.{array}", value, "f32")
            worst = max(worst, float((narrow[array] - value).abs().max() / value.abs().max()))
        targets = torch.tensor(tokens[1:])
        loss += float(torch.nn.functional.cross_entropy(exact["logits"][:-1], targets, reduction="sum"))
        ids, margins = continued[i]
        with in_f64():
            assert ids == greedy(wide, tokens)[0]
        out.array(f"greedy.{i}", ids, "i32")
        out.array(f"greedy_margin.{i}", margins, "f32")
    if variant := FAMILIES[name].variant:
        out.fact("variant", variant)
        with in_f64():
            out.array("variant.logits", trace(widened(model, variant), rows[0])["logits"], "f32")
    out.array("loss", loss / sum(len(tokens) - 1 for tokens in rows), "f64")
    assert worst < 1e-4
    least = min(min(margins) for _, margins in continued)
    print(f"{name}: seed {seed}, f32 differs by {worst:.1e} of max, least margin {least:.3f}")
    out.write()
    return model


def write_folder(name, model):
    folder = FOLDER / name
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({
            "tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": False,
            "bos_token": SPECIAL[1], "eos_token": SPECIAL[2], "pad_token": SPECIAL[2],
        }, indent=2) + "\n"
    )  # fmt: skip
    return folder


def use_old_names(name, folder):
    """config.json as transformers before version 5 wrote it, where the family's entry says so."""
    if FAMILIES[name].old:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        config.pop("rope_parameters", None)
        if "sliding_window_pattern" in FAMILIES[name].old:
            del config["layer_types"]
        config["torch_dtype"] = config.pop("dtype")
        path.write_text(json.dumps({**config, **FAMILIES[name].old}, indent=2, sort_keys=True) + "\n")


def write_gguf(name, folder):
    """By llama.cpp's converter, save that every vocabulary is byte-level BPE and that keys are added."""
    config = conversion.ModelBase.load_hparams(folder, False)
    kind = conversion.get_model_class(config["architectures"][0])
    kind.set_vocab = conversion.TextModel._set_vocab_gpt2
    kind.get_vocab_base_pre = lambda _self, _tokenizer: "gpt-2"
    made = kind(folder, gguf.LlamaFileType.ALL_F32, FOLDER / f"{name}.gguf", eager=True)
    made.hparams.update(FAMILIES[name].old)  # which it reads through transformers 5, that renames
    for key, value in FAMILIES[name].keys.items():
        add = made.gguf_writer.add_float32 if isinstance(value, float) else made.gguf_writer.add_uint32
        add(key, value)
    made.write()


def main():
    rows = [tokenizer().encode(text).ids for text in TEXTS]
    for name in sys.argv[1:] or FAMILIES:
        folder = write_folder(name, write_golden(name, rows))
        use_old_names(name, folder)
        write_gguf(name, folder)


main()
