"""Writes the valid seeds of tests/corpus/gguf with the reference writer (PyPI package gguf)."""
import pathlib

import gguf
import numpy as np

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "corpus" / "gguf"


def write(name, fill):
    writer = gguf.GGUFWriter(OUT / name, "llama")
    fill(writer)
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
    w.add_tensor("blk.0.attn_q.weight", np.zeros((2, 20), dtype=np.uint8),
                 raw_dtype=gguf.GGMLQuantizationType.Q4_1)


def aligned(w):
    w.add_custom_alignment(64)
    w.add_tensor("a", np.ones(3, dtype=np.float32))
    w.add_tensor("b", np.ones((2, 2, 2), dtype=np.float32))


def vocabulary(w):
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("smollm")
    w.add_token_list(["a", "b", "ab", "<|end|>"])
    w.add_token_types([1, 1, 1, 3])
    w.add_token_merges(["a b"])
    w.add_eos_token_id(3)


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    write("valid_types.gguf", every_type)
    write("valid_tensors.gguf", tensors)
    write("valid_alignment.gguf", aligned)
    write("valid_vocabulary.gguf", vocabulary)
