"""Writes the valid seeds of tests/corpus/gguf, gguf_tokenizer, load and imatrix with the reference writer (PyPI package gguf)."""
import pathlib
import struct

import gguf
import numpy as np

CORPUS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "corpus"
F32, F16, BF16, Q4_1, Q8_0 = (
    gguf.GGMLQuantizationType[name] for name in ("F32", "F16", "BF16", "Q4_1", "Q8_0")
)


def write(name, fill, *arguments):
    (CORPUS / name).parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(CORPUS / name, "llama")
    fill(writer, *arguments)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def every_type(w):
    w.add_uint8("a.u8", 1)
    w.add_int8("a.i8", -1)
    w.add_uint16("a.u16", 2)
    w.add_int16("a.i16", -2)
    w.add_uint32("a.u32", 3)
    w.add_int32("a.i32", -3)
    w.add_float32("a.f32", 0.5)
    w.add_uint64("a.u64", 4)
    w.add_int64("a.i64", -4)
    w.add_float64("a.f64", 0.25)
    w.add_bool("a.bool", True)
    w.add_string("a.string", "text")
    w.add_array("a.ints", [1, 2, 3])
    w.add_array("a.reals", [0.5, 1.5])
    w.add_array("a.strings", ["x", "yy", ""])
    w.add_array("a.bools", [True, False])


def tensors(w):
    w.add_block_count(1)
    w.add_tensor("token_embd.weight", np.arange(8, dtype=np.float32).reshape(2, 4))
    w.add_tensor("output.weight", np.arange(6, dtype=np.float16))
    w.add_tensor("blk.0.attn_q.weight", np.zeros((2, 20), dtype=np.uint8), raw_dtype=Q4_1)


def aligned(w):
    w.add_custom_alignment(64)
    w.add_tensor("a", np.ones(3, dtype=np.float32))
    w.add_tensor("b", np.ones((2, 2, 2), dtype=np.float32))


def vocabulary(w, pretokenizer="smollm", tokens=("a", "b", "ab"), merges=("a b",)):
    """Normal tokens, then a control token, a user-defined one and the end of a turn."""
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre(pretokenizer)
    w.add_token_list([*tokens, "<|x|>", "it's", "<|im_end|>"])
    w.add_token_types([1] * len(tokens) + [3, 4, 3])
    w.add_token_merges(list(merges))
    w.add_bos_token_id(len(tokens))
    w.add_eos_token_id(len(tokens) + 2)
    w.add_add_bos_token(True)


def llama(w, D, L, H, G, F, types, head=False, template=None):
    """A Llama with heads of 16 whose matrices take the storage types in turn; norms are F32."""
    w.add_context_length(64)
    w.add_embedding_length(D)
    w.add_feed_forward_length(F)
    w.add_block_count(L)
    w.add_head_count(H)
    w.add_head_count_kv(G)
    w.add_key_length(16)
    w.add_layer_norm_rms_eps(1e-5)
    vocabulary(w)
    if template:
        w.add_chat_template(template)
    V, E = 6, 16
    matrices = [("token_embd", V, D)]
    for i in range(L):
        shapes = {
            "attn_q": (H * E, D), "attn_k": (G * E, D), "attn_v": (G * E, D), "attn_output": (D, H * E),
            "ffn_gate": (F, D), "ffn_up": (F, D), "ffn_down": (D, F),
        }  # fmt: skip
        matrices += [(f"blk.{i}.{name}", *shape) for name, shape in shapes.items()]
        for norm in ("attn_norm", "ffn_norm"):
            w.add_tensor(f"blk.{i}.{norm}.weight", np.ones(D, dtype=np.float32))
    w.add_tensor("output_norm.weight", np.ones(D, dtype=np.float32))
    matrices += [("output", V, D)] * head
    for index, (name, rows, columns) in enumerate(matrices):
        values = ((np.arange(rows * columns) * 7 % 16 - 8) / 8).astype(np.float32).reshape(rows, columns)
        kind = types[index % len(types)]
        w.add_tensor(f"{name}.weight", gguf.quants.quantize(values, kind), raw_dtype=kind)


def importances(w):
    """Sums of squares over four tokens by column, and a matrix that no token came by."""
    w.add_type("imatrix")
    for name, count in (("w", 4), ("v", 0)):
        w.add_tensor(f"{name}.in_sum2", np.arange(4, dtype=np.float32).reshape(1, 4))
        w.add_tensor(f"{name}.counts", np.full((1, 1), count, dtype=np.float32))


def dat_importances(name, entries):
    """The older kind: entries of (name, calls, means times calls)."""
    data = struct.pack("<i", len(entries))
    for tensor, calls, values in entries:
        data += struct.pack("<i", len(tensor)) + tensor.encode()
        data += struct.pack("<ii", calls, len(values)) + struct.pack(f"<{len(values)}f", *values)
    (CORPUS / name).write_bytes(data)


LETTERS = ["a", "b", "Ġ", "Ċ", "1", "Ã", "©", "'", "s", "ab", "Ġa", "aa", "aaaa"]
MERGES = ["a b", "Ġ a", "a a", "aa aa"]

if __name__ == "__main__":
    write("gguf/valid_types.gguf", every_type)
    write("gguf/valid_tensors.gguf", tensors)
    write("gguf/valid_alignment.gguf", aligned)
    write("gguf/valid_vocabulary.gguf", vocabulary)
    for name in ("smollm", "llama-bpe", "falcon", "deepseek-coder", "deepseek-v3"):
        write(f"gguf_tokenizer/valid_{name}.gguf", vocabulary, name, LETTERS, MERGES)
    write("load/valid_smallest.gguf", llama, 1, 1, 1, 1, 1, [F32])
    write("load/valid_blocks.gguf", llama, 32, 1, 2, 1, 32, [Q8_0, Q4_1])
    write("load/valid_head.gguf", llama, 8, 2, 2, 1, 3, [BF16, F16, F32], True,
          "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}")  # fmt: skip
    write("imatrix/valid_importances.gguf", importances)
    dat_importances("imatrix/valid_one.dat", [("w", 2, [0, 2, 4, 6])])
    dat_importances("imatrix/valid_two.dat", [("blk.0.attn_q.weight", 1, [1] * 3), ("w", 0, [0.5] * 4)])
