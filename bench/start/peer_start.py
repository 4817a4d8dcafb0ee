"""The peer's part of start.py: from the model object to the first token, in this process.

usage: peer_start.py MODEL THREADS PROMPT_FILE        (with llama-cpp-python's package on PYTHONPATH)
Importing the package is no part of the time, and the interpreter's own memory is told apart.
"""

import json
import pathlib
import sys
import time

from llama_cpp import Llama

CONTEXT = 2048


def peak_bytes():
    status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def main():
    model, threads, prompt = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]).read_bytes()
    before = peak_bytes()
    start = time.perf_counter()
    llama = Llama(model, n_ctx=CONTEXT, n_threads=threads, n_threads_batch=threads, flash_attn=True, verbose=False)
    tokens = llama.tokenize(prompt, add_bos=True, special=False)
    first = next(llama.generate(tokens, temp=0.0))
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak_bytes": peak_bytes(), "bytes_before": before, "prompt_tokens": len(tokens),
                      "tokens": [first]}))


main()
