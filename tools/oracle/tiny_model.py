"""The tiny random Llama of the quick tests: its numbers, its vocabulary, and how it becomes GGUF.

H * E differs from D, G from H, and V is prime, so mixed-up sizes and forgotten tails show up.
"""

import gguf
import numpy as np
import torch
import transformers

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


DEFAULT_ROPE = {"rope_type": "default", "rope_theta": 10000.0}
LLAMA3_ROPE = {
    "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 128,
}  # fmt: skip


def rope_factors(rope):
    """What GGUF's rope_freqs.weight divides each frequency by, (E/2) in f32.

    1 for waves that turn high_freq_factor times within the original context, `factor` for those
    that turn fewer than low_freq_factor times, and between them shares of both in the frequency.
    """
    turns = rope["original_max_position_embeddings"] / (2 * np.pi)
    turns *= rope["rope_theta"] ** (-np.arange(0, E, 2) / E)
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    share = np.clip((turns - low) / (high - low), 0, 1)
    return (1 / ((1 - share) / rope["factor"] + share)).astype(np.float32)


def build(vocab, rope=DEFAULT_ROPE):
    """A model whose layers outweigh the embedding, so that greedy text is not one token repeated.

    Tokens that are not printable ASCII get short embedding rows: greedy text stays readable.
    """
    config = transformers.LlamaConfig(
        vocab_size=len(vocab), hidden_size=D, intermediate_size=F, num_hidden_layers=L,
        num_attention_heads=H, num_key_value_heads=G, head_dim=E, max_position_embeddings=512,
        rms_norm_eps=1e-5, tie_word_embeddings=True, attn_implementation="eager",
        rope_parameters=dict(rope),
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


F32 = gguf.GGMLQuantizationType.F32
Q4_1 = gguf.GGMLQuantizationType.Q4_1
Q8_0 = gguf.GGMLQuantizationType.Q8_0


def all_f32(_name, _data):
    return F32


def as_q4_1_files_do(name, data):
    """Norms stay F32, the embedding is Q8_0, every other matrix Q4_1."""
    return F32 if data.ndim == 1 else Q8_0 if "embed" in name else Q4_1


def decode_weights(model, type_of):
    """Replaces every weight by what its stored form decodes to."""
    for name, parameter in model.named_parameters():
        kind = type_of(name, parameter)
        if kind != F32:
            stored = gguf.quants.quantize(parameter.detach().numpy(), kind)
            parameter.data = torch.from_numpy(gguf.quants.dequantize(stored, kind))


def write_gguf(model, vocab, path, file_type, type_of):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_file_type(file_type)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_metadata(writer, vocab)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, L)
    for name, parameter in model.named_parameters():
        data = parameter.detach().numpy()
        kind = type_of(name, data)
        if "q_proj" in name:
            data = permute(data, H)
        if "k_proj" in name:
            data = permute(data, G)
        stored = data if kind == F32 else gguf.quants.quantize(data, kind)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), stored, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_metadata(writer, vocab):
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
