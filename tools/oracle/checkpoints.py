"""Writes tests/golden/checkpoint: small checkpoints by torch and safetensors, and what those libraries read from them.

Each file's tensors stand in checkpoints.json with type, shape and the bits of their values as f32.
"""

import collections
import io
import json
import pathlib
import shutil
import zipfile
from importlib import metadata

import gguf
import numpy as np
import safetensors.torch
import torch
from golden import versions

TESTS = pathlib.Path(__file__).resolve().parents[2] / "tests"
FOLDER = TESTS / "golden" / "checkpoint"
NAMES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.uint16: "U16",
    torch.uint32: "U32", torch.uint64: "U64", torch.bool: "BOOL", torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2", torch.float8_e8m0fnu: "F8_E8M0",
}  # fmt: skip


def told(tensors):
    """What a reader must find: in the order of the dictionary."""
    return {
        name: {
            "type": NAMES[t.dtype],
            "shape": list(t.shape),
            "bits": t.detach().contiguous().float().view(torch.int32).flatten().tolist(),
        }
        for name, t in tensors.items()
    }


def every_type():
    tensors = collections.OrderedDict()
    for kind, name in NAMES.items():
        if kind is torch.float8_e8m0fnu:
            continue  # has no negative values
        values = torch.arange(6, dtype=torch.float64).reshape(2, 3) + (1 if name.startswith("U") else -2)
        tensors[f"t.{name}"] = values.to(kind)
    codes = torch.arange(256, dtype=torch.int16).to(torch.uint8)
    tensors["codes.F8_E4M3"] = codes.view(torch.float8_e4m3fn)
    tensors["codes.F8_E5M2"] = codes.clone().view(torch.float8_e5m2)
    tensors["codes.F8_E8M0"] = codes.clone().view(torch.float8_e8m0fnu)
    tensors["scalar"] = torch.tensor(2.5)
    tensors["empty"] = torch.zeros(0, 3)
    tensors["five"] = torch.arange(4.0).reshape(1, 2, 1, 2, 1)
    return tensors


def model(index):
    return collections.OrderedDict(
        (f"layer.{i}.weight", torch.full((2, 2), float(i), dtype=torch.bfloat16)) for i in range(index, index + 2)
    )


def views():
    """Strides, offsets, shared storages, parameters, attributes, containers, and values that are no tensors."""
    base = torch.arange(24.0)
    state = collections.OrderedDict(a=base[4:10].reshape(2, 3), transposed=base.reshape(6, 4).t())
    state["permuted"] = base.reshape(2, 3, 4).permute(2, 0, 1)
    state["stepped"] = base.reshape(6, 4)[::2, 1::2]
    state["parameter"] = torch.nn.Parameter(torch.tensor([1.0, -1.0]).half())
    state["tied"] = state["a"]
    state._metadata = {"": {"version": 1}}
    marked = torch.ones(2)
    marked.note = "an attribute"
    whole = {"epoch": 3, "loss": 0.5, "big": 1 << 70, "model": state, "list": [torch.zeros(1), None, {7: marked}],
             "size": torch.Size([2, 3]), "kind": torch.float16, "device": torch.device("cpu"), "ok": True}  # fmt: skip
    flat = {f"model.{k}": v for k, v in state.items()}
    return whole, flat | {"list.0": torch.zeros(1), "list.2.7": marked}


def big_endian(data):
    """The archive with every storage and the marker of its byte order turned round; torch.load reads it the same."""
    source, turned = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    width = {"0": 4, "1": 2}
    with zipfile.ZipFile(turned, "w") as target:
        for entry in source.infolist():
            raw, name = source.read(entry), entry.filename.split("/", 1)[1]
            if name == "byteorder":
                raw = b"big"
            elif name.startswith("data/"):
                raw = np.frombuffer(raw, dtype=f"u{width[name[5:]]}").byteswap().tobytes()
            target.writestr(zipfile.ZipInfo(entry.filename), raw)
    return turned.getvalue()


def zip64(data):
    """The archive with every size and offset in the fields of zip64, however small; torch.load reads it the same."""
    source, large = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    limits = zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT
    zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = -1, 0
    with zipfile.ZipFile(large, "w") as target:
        for entry in source.infolist():
            target.writestr(zipfile.ZipInfo(entry.filename), source.read(entry))
    zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = limits
    return large.getvalue()


def saved(value, protocol=2):
    stream = io.BytesIO()
    torch.save(value, stream, pickle_protocol=protocol)
    return stream.getvalue()


def sharded(pattern, write):
    names = [pattern.format(1), pattern.format(2)]
    for shard, name in enumerate(names):
        write(model(2 * shard), FOLDER / name)
    weights = {key: name for shard, name in enumerate(names) for key in model(2 * shard)}
    return json.dumps({"metadata": {"total_size": 32}, "weight_map": weights}, indent=2) + "\n"


def split(name, **options):
    """A GGUF model of five tensors, in one file or split by the reference writer (which has no other alignment then)."""
    writer = gguf.GGUFWriter(FOLDER / name, "llama", **options)
    writer.add_array("a.texts", ["x", "yy", ""])
    writer.add_bool("a.flag", True)
    for i in range(5):
        writer.add_tensor(f"t.{i}", np.full((i + 1, 3), i, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def seeds():
    """The valid seeds of the fuzz targets; the pickles go with storages of 64 bytes called 0 and 1."""
    for name in ("safetensors", "torch", "torch_pickle", "shard_index"):
        (TESTS / "corpus" / name).mkdir(parents=True, exist_ok=True)
    small = {"a": torch.ones(2, 3), "b": torch.zeros(2, dtype=torch.bfloat16)}
    objects = {
        "two": small,
        "ordered": collections.OrderedDict(w=torch.nn.Parameter(torch.ones(4, 4).t()), step=torch.tensor(3)),
        "nested": {"model": {"w": torch.zeros(2, 2, dtype=torch.float8_e5m2)}, "list": [1, 2.5, None, ("x", True)]},
    }
    safetensors.torch.save_file(small, TESTS / "corpus/safetensors/valid_two.safetensors", {"format": "pt"})
    safetensors.torch.save_file({}, TESTS / "corpus/safetensors/valid_none.safetensors")
    kinds = {"i": torch.tensor(1), "e": torch.zeros(0), "f": torch.zeros(3, 1).to(torch.float8_e4m3fn)}
    safetensors.torch.save_file(kinds, TESTS / "corpus/safetensors/valid_kinds.safetensors")
    for name, value in objects.items():
        (TESTS / f"corpus/torch/valid_{name}.pt").write_bytes(saved(value))
        pickle = zipfile.ZipFile(io.BytesIO(saved(value))).read("archive/data.pkl")
        (TESTS / f"corpus/torch_pickle/valid_{name}.pkl").write_bytes(pickle)
    torch.save(small, TESTS / "corpus/torch/valid_legacy.pt", _use_new_zipfile_serialization=False)
    pickle = zipfile.ZipFile(io.BytesIO(saved(objects["nested"], 5))).read("archive/data.pkl")
    (TESTS / "corpus/torch_pickle/valid_protocol_5.pkl").write_bytes(pickle)
    for name in ("model.safetensors", "pytorch_model.bin"):
        shutil.copy(FOLDER / f"{name}.index.json", TESTS / f"corpus/shard_index/valid_{name}.json")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    whole, flat = views()
    pair = {"x": torch.tensor([1.0, -2.5]), "y": torch.tensor([[3.0, 0.5]]).bfloat16()}
    safetensors.torch.save_file(every_type(), FOLDER / "types.safetensors", {"format": "pt", "note": "ü"})
    (FOLDER / "types.pt").write_bytes(saved(every_type()))
    (FOLDER / "views.pt").write_bytes(saved(whole))
    (FOLDER / "views_protocol_5.pt").write_bytes(saved(whole, 5))
    (FOLDER / "big_endian.pt").write_bytes(big_endian(saved(pair)))
    (FOLDER / "zip64.pt").write_bytes(zip64(saved(pair)))
    for name in ("big_endian.pt", "zip64.pt"):
        loaded = torch.load(FOLDER / name)
        assert all(torch.equal(loaded[k], pair[k]) for k in pair)
    torch.save(whole, FOLDER / "legacy.pt", _use_new_zipfile_serialization=False)
    index = sharded("model-{:05}-of-00002.safetensors", lambda t, p: safetensors.torch.save_file(t, p, {"format": "pt"}))
    (FOLDER / "model.safetensors.index.json").write_text(index)
    index = sharded("pytorch_model-{:05}-of-00002.bin", lambda t, p: p.write_bytes(saved(t)))
    (FOLDER / "pytorch_model.bin.index.json").write_text(index)
    split("whole.gguf")
    split("split.gguf", split_max_tensors=2)
    five = {f"t.{i}": torch.full((i + 1, 3), float(i)) for i in range(5)}
    shards = told(model(0) | model(2))
    expected = {
        "script": "tools/oracle/checkpoints.py",
        "made_with": versions(torch, safetensors) + f", gguf {metadata.version('gguf')}",
        "files": {
            "types.safetensors": told(every_type()), "types.pt": told(every_type()), "views.pt": told(flat),
            "views_protocol_5.pt": told(flat), "big_endian.pt": told(pair),
            "zip64.pt": told(pair), "legacy.pt": told(flat),
            "model.safetensors.index.json": shards, "pytorch_model.bin.index.json": shards,
            "whole.gguf": told(five), "split-00002-of-00003.gguf": told(five),
        },
    }  # fmt: skip
    (FOLDER / "checkpoints.json").write_text(json.dumps(expected) + "\n")
    seeds()


if __name__ == "__main__":
    main()
