"""PyTorch for CPUs with transformers and PEFT, in a Python environment of its own.

The environment is $POMONA_PEERS/torch-VERSION (or the same under the cache folder). What its best
settings are depends on the processor, so training/train.py tries them and keeps the fastest.
"""

import os
import subprocess
import sys

from peers.cache import peers_root

NAME = "PyTorch + transformers + PEFT"
VERSION = "2.13.0"
PACKAGE = "torch-" + VERSION
PACKAGES = ["torch==" + VERSION, "transformers==5.*", "peft==0.21.*", "gguf", "tokenizers"]


def python():
    """The path of its interpreter; makes the environment when it is not there."""
    folder = peers_root() / PACKAGE
    if not (folder / "bin" / "python").exists():
        _call(sys.executable, "-m", "venv", str(folder))
        _call(str(folder / "bin" / "pip"), "install", *PACKAGES)
    return str(folder / "bin" / "python")


def _call(*command):
    print("+ " + " ".join(command), file=sys.stderr)
    subprocess.run(command, check=True, stdout=sys.stderr)


def environment(threads=None):
    """The peer's environment: nothing that would slow a BLAS down, and no network."""
    slow = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    kept = {key: value for key, value in os.environ.items() if key not in slow}
    kept |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    return kept | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
