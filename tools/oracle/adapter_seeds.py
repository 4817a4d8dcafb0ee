"""Writes the valid seeds of tests/corpus/adapter with the reference writers (PyPI packages safetensors, gguf)."""

import json
import pathlib

import gguf
import numpy as np
import safetensors.numpy

ROOT = pathlib.Path(__file__).resolve().parents[2] / "tests"
CORPUS, TRAINED = ROOT / "corpus" / "adapter", ROOT / "golden" / "training"
MODULE = "base_model.model.model.layers.1.self_attn.k_proj"


def write(name, config, tensors):
    (CORPUS / name).write_bytes(config + b"\0" + tensors)


def main():
    CORPUS.mkdir(parents=True, exist_ok=True)
    for kind in ("prompt", "prefix"):
        folder = TRAINED / f"llama_{kind}"
        files = [folder / name for name in ("adapter_config.json", "adapter_model.safetensors")]
        write(f"valid_{kind}", *(file.read_bytes() for file in files))
    a, b = np.full((1, 32), 0.5, np.float32), np.full((32, 1), 0.25, np.float32)
    config = {"peft_type": "LORA", "r": 1, "lora_alpha": 2, "use_rslora": True, "alpha_pattern": {"k_proj": 3}}
    tensors = {f"{MODULE}.lora_A.weight": a, f"{MODULE}.lora_B.weight": b}
    write("valid_lora", json.dumps(config).encode(), safetensors.numpy.save(tensors, {"format": "pt"}))
    writer = gguf.GGUFWriter(CORPUS / "valid_lora_gguf", "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 2.0)
    writer.add_tensor("blk.1.attn_k.weight.lora_a", a)
    writer.add_tensor("blk.1.attn_k.weight.lora_b", b)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main()
