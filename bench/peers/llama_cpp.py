"""llama.cpp's own tools, built for this CPU from the source package of llama-cpp-python.

The tree is $POMONA_PEERS/llama_cpp_python-VERSION (or the same under the cache folder); there is no
Python in what is measured. Best settings: native build, weights repacked (its default), flash
attention as `FLASH_ATTENTION` says, f16 KV.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from peers.cache import cache, peers_root

NAME = "llama.cpp"
VERSION = "0.3.36"
PACKAGE = "llama_cpp_python-" + VERSION
TOOLS = ["llama-bench", "llama-quantize", "llama-perplexity", "llama-completion"]
FLASH_ATTENTION = "on"


def source():
    return peers_root() / PACKAGE / "vendor" / "llama.cpp"


def tool(name):
    """The path of one of TOOLS; installs the peer when it is not there."""
    path = source() / "build" / "bin" / name
    if not path.exists():
        install()
    return str(path)


def install():
    """Downloads the source package, unpacks and builds it: about six minutes on two cores."""
    root = peers_root()
    if not source().exists():
        root.mkdir(parents=True, exist_ok=True)
        _call(sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", "llama-cpp-python",
              "--dest", str(root), "llama-cpp-python==" + VERSION)  # fmt: skip
        with tempfile.TemporaryDirectory(dir=root) as folder:  # never half a tree under its name
            _call("tar", "-xzf", str(root / (PACKAGE + ".tar.gz")), "-C", folder)
            (pathlib.Path(folder) / PACKAGE).rename(root / PACKAGE)
    build = source() / "build"
    _call("cmake", "-S", str(source()), "-B", str(build), "-DCMAKE_BUILD_TYPE=Release",
          "-DGGML_NATIVE=ON", "-DLLAMA_CURL=OFF", "-DLLAMA_BUILD_TESTS=OFF",
          "-DLLAMA_BUILD_EXAMPLES=OFF")  # fmt: skip
    _call("cmake", "--build", str(build), "-j", str(os.cpu_count()), "--target", *TOOLS)


def _call(*command):
    print("+ " + " ".join(command), file=sys.stderr)
    subprocess.run(command, check=True, stdout=sys.stderr)


def environment():
    """The peer's environment: nothing that would slow a BLAS down."""
    slow = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    return {key: value for key, value in os.environ.items() if key not in slow}


def model_of_type(model, kind):
    """A copy of the GGUF file `model` with tensor type `kind`, made once by llama-quantize.

    All types come from the F32 copy, which decodes the given file exactly.
    """
    model = pathlib.Path(model)
    digest = hashlib.sha256(model.read_bytes()).hexdigest()[:12]
    target = cache() / "models" / f"{model.stem}-{digest}-{kind}.gguf"
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        origin = model if kind == "F32" else model_of_type(model, "F32")
        partial = target.with_suffix(".partial")
        print(f"{NAME}: making {target.name}", file=sys.stderr)
        command = [tool("llama-quantize"), "--allow-requantize", str(origin), str(partial), kind]
        subprocess.run(command, check=True, capture_output=True)
        partial.rename(target)
    return target


def bench(model, prefill, decode, runs, threads):
    """The llama-bench command that measures reading `prefill` and writing `decode` tokens."""
    return [tool("llama-bench"), "-m", str(model), "-p", str(prefill), "-n", str(decode),
            "-r", str(runs), "-t", str(threads), "-fa", FLASH_ATTENTION, "-o", "json"]  # fmt: skip


def rate(output, prefill=0, decode=0):
    """Median tokens a second of the test with these sizes in llama-bench's JSON output."""
    for test in json.loads(output):
        if (test["n_prompt"], test["n_gen"]) == (prefill, decode):
            samples = sorted(test["samples_ts"])
            middle = len(samples) // 2
            return samples[middle] if len(samples) % 2 else sum(samples[middle - 1 : middle + 1]) / 2
    raise ValueError(f"llama-bench: no test of {prefill} + {decode} tokens in its output")
