"""Blocks of every format that Pomona reads, and their values, by ggml's own quantiser and decoder.

usage: block_formats.py LIBGGML_BASE.so
Writes tests/golden/block_formats: for each format its blocks (`facts.blocks`, hexadecimal) and an
array of the values (f32, exact). The values before are bell-shaped, so that every code occurs.
"""

import ctypes
import sys

import numpy as np
from golden import Golden

FORMATS = {"Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q2_K": 10, "Q3_K": 11, "Q4_K": 12,
           "Q5_K": 13, "Q6_K": 14, "IQ4_NL": 20, "IQ4_XS": 23, "MXFP4": 39, "NVFP4": 40}  # fmt: skip
COUNT = 512


class Traits(ctypes.Structure):
    """struct ggml_type_traits"""

    _fields_ = [("name", ctypes.c_char_p), ("block", ctypes.c_int64), ("interleave", ctypes.c_int64),
                ("size", ctypes.c_size_t), ("quantized", ctypes.c_bool), ("to_float", ctypes.c_void_p),
                ("from_float", ctypes.c_void_p)]  # fmt: skip


class Parameters(ctypes.Structure):
    """struct ggml_init_params"""

    _fields_ = [("size", ctypes.c_size_t), ("buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool)]


def main():
    ggml = ctypes.CDLL(sys.argv[1])
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    ggml.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64,
                                         ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]  # fmt: skip
    ggml.ggml_get_type_traits.restype = ctypes.POINTER(Traits)
    ggml.ggml_version.restype = ctypes.c_char_p
    ggml.ggml_init.restype = ctypes.c_void_p
    ggml.ggml_init(Parameters(1 << 20, None, False))  # makes ggml's tables
    source = np.random.default_rng(1).standard_normal(COUNT).astype(np.float32)
    blocks = {}
    golden = Golden("block_formats", f"ggml {ggml.ggml_version().decode()}")
    for name, number in FORMATS.items():
        traits = ggml.ggml_get_type_traits(number).contents
        stored = np.zeros(COUNT // traits.block * traits.size, np.uint8)
        written = ggml.ggml_quantize_chunk(number, source.ctypes.data, stored.ctypes.data, 0, 1, COUNT, None)
        assert written == stored.size, name
        values = np.zeros(COUNT, np.float32)
        decode = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(traits.to_float)
        decode(stored.ctypes.data, values.ctypes.data, COUNT)
        blocks[name] = stored.tobytes().hex()
        golden.array(name, values, "f32")
    golden.fact("blocks", blocks)
    golden.write()


main()
