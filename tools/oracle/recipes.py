"""Which type llama-quantize gives each tensor of a 16-layer Llama, for every recipe.

usage: recipes.py LLAMA_QUANTIZE
Writes tests/golden/recipes.json: for two shapes (rows of 256; rows of 96, which 256 does not divide),
tied and untied heads, with and without an importance matrix, `facts.CASE.tensors` (names) and `facts.CASE.types.RECIPE`, their types in
the same order. The weights are zeros: only the types are looked at.
"""

import pathlib
import subprocess
import sys
import tempfile

import gguf
import numpy as np
from golden import Golden

RECIPES = ["Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L", "IQ4_XS", "IQ4_NL", "Q4_0", "Q4_K_S", "Q4_K_M", "Q4_1",
           "Q5_0", "Q5_K_S", "Q5_K_M", "Q5_1", "Q6_K", "Q8_0", "BF16", "F16"]  # fmt: skip
LAYERS = 16


def write(path, width, kv_heads, tied):
    """A Llama whose weights are zeros."""
    vocabulary, inner = 64, 2 * width
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(8)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"t{i}" for i in range(vocabulary)])
    kv = width // 8 * kv_heads
    shapes = {"token_embd.weight": (vocabulary, width), "output_norm.weight": (width,)}
    if not tied:
        shapes["output.weight"] = (vocabulary, width)
    for i in range(LAYERS):
        layer = {"attn_norm": (width,), "attn_q": (width, width), "attn_k": (kv, width),
                 "attn_v": (kv, width), "attn_output": (width, width), "ffn_norm": (width,),
                 "ffn_gate": (inner, width), "ffn_up": (inner, width), "ffn_down": (width, inner)}  # fmt: skip
        shapes |= {f"blk.{i}.{name}.weight": shape for name, shape in layer.items()}
    for name, shape in shapes.items():
        writer.add_tensor(name, np.zeros(shape, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_importances(path, model):
    """Ones for every matrix."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", ["ones"])
    writer.add_uint32("imatrix.chunk_count", 1)
    writer.add_uint32("imatrix.chunk_size", 512)
    for tensor in gguf.GGUFReader(model).tensors:
        if len(tensor.shape) == 2:
            writer.add_tensor(tensor.name + ".in_sum2", np.ones((1, tensor.shape[0]), np.float32))
            writer.add_tensor(tensor.name + ".counts", np.ones((1, 1), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def types_of(path):
    return {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(path).tensors}


def main():
    golden = Golden("recipes", f"llama-quantize of {pathlib.Path(sys.argv[1]).parents[4].name}")
    cases = {"grouped": (256, 2, False), "weighed": (256, 2, False), "tied": (256, 8, True), "narrow": (96, 8, False)}
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder) / "in.gguf", pathlib.Path(folder) / "out.gguf"
        for case, (width, kv_heads, tied) in cases.items():
            write(source, width, kv_heads, tied)
            options = []
            if case == "weighed":
                options = ["--imatrix", pathlib.Path(folder) / "ones.gguf"]
                write_importances(options[1], source)
            chosen = {}
            for recipe in RECIPES:
                subprocess.run([sys.argv[1], *options, source, target, recipe, "1"], check=True, capture_output=True)
                chosen[recipe] = types_of(target)
            names = list(chosen["F16"])
            golden.fact(case, {"tensors": names,
                               "types": {recipe: [types[name] for name in names] for recipe, types in chosen.items()}})  # fmt: skip
    golden.write()


main()
