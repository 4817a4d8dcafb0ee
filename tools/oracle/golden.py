"""Writes golden files: NAME.json describes the arrays that lie one after another in NAME.bin.

The format is in tests/golden/README.md; tests read it with tests/support/golden.h.
"""

import json
import pathlib
import sys

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
DTYPES = {"f64": "<f8", "f32": "<f4", "i32": "<i4"}


class Golden:
    """Collects arrays and facts, then writes both files at once."""

    def __init__(self, name, made_with):
        self.name = name
        self.header = {
            "script": "tools/oracle/" + pathlib.Path(sys.argv[0]).name,
            "made_with": made_with,
            "facts": {},
            "arrays": {},
        }
        self.bytes = bytearray()

    def fact(self, name, value):
        """A number, text or list that a test wants beside the arrays."""
        self.header["facts"][name] = value

    def array(self, name, values, dtype):
        """values (any shape, torch or numpy), stored row-major and little-endian as `dtype`."""
        data = np.ascontiguousarray(np.asarray(values), dtype=DTYPES[dtype])
        self.header["arrays"][name] = {
            "dtype": dtype,
            "shape": list(data.shape),
            "offset": len(self.bytes),
        }
        self.bytes += data.tobytes()
        self.bytes += bytes(-len(self.bytes) % 8)

    def write(self):
        FOLDER.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.header, indent=1, ensure_ascii=False)
        (FOLDER / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")
        (FOLDER / f"{self.name}.bin").write_bytes(self.bytes)
        print(f"{self.name}: {len(text)} + {len(self.bytes)} bytes", file=sys.stderr)


def versions(*modules):
    """E.g. "torch 2.13.0+cpu, transformers 5.23.0"."""
    return ", ".join(f"{m.__name__} {m.__version__}" for m in modules)
