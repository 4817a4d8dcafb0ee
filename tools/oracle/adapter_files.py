"""Trained adapters of training.py in other files: as GGUF, laid out as llama.cpp's convert_lora_to_gguf.py does, and
as PyTorch's pickle.

Writes tests/golden/training/llama_lora.gguf: names by gguf's own tensor map, rows of Llama's Q and K in the order that
its convert_hf_to_gguf.py gives them (LlamaModel.permute), one alpha; and llama_prompt_bin/. Needs gguf, safetensors,
numpy, torch.
"""

import json
import shutil

import gguf
import numpy as np
import safetensors.numpy
import safetensors.torch
import torch

import golden

FOLDER, MODELS = golden.FOLDER / "training", golden.FOLDER / "families"
PREFIX = "base_model.model."


def permuted(rows, heads):
    """The halves of each head's rows interleaved."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def write(case, family, architecture):
    folder = FOLDER / case
    config = json.loads((folder / "adapter_config.json").read_text())
    model = json.loads((MODELS / family / "config.json").read_text())
    names = gguf.get_tensor_name_map(architecture, model["num_hidden_layers"])
    heads = {"q_proj": model["num_attention_heads"], "k_proj": model["num_key_value_heads"]}
    writer = gguf.GGUFWriter(FOLDER / f"{case}.gguf", gguf.MODEL_ARCH_NAMES[architecture])
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(config["lora_alpha"]))
    tensors = safetensors.numpy.load_file(folder / "adapter_model.safetensors")
    for name in tensors:
        if not name.endswith(".lora_A.weight"):
            continue
        module = name.removesuffix(".lora_A.weight")
        a, b = tensors[name], tensors[module + ".lora_B.weight"]
        if (kind := module.rsplit(".", 1)[1]) in heads:
            b = permuted(b, heads[kind])
        target = names.get_name(module.removeprefix(PREFIX)) + ".weight"
        writer.add_tensor(target + ".lora_a", np.ascontiguousarray(a))
        writer.add_tensor(target + ".lora_b", np.ascontiguousarray(b))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def pickle(case):
    """The same folder with adapter_model.bin, as PEFT wrote it before safetensors."""
    made = FOLDER / f"{case}_bin"
    made.mkdir(exist_ok=True)
    shutil.copy(FOLDER / case / "adapter_config.json", made)
    torch.save(safetensors.torch.load_file(FOLDER / case / "adapter_model.safetensors"), made / "adapter_model.bin")


write("llama_lora", "llama", gguf.MODEL_ARCH.LLAMA)
pickle("llama_prompt")
