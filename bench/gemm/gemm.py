#!/usr/bin/env python3
"""Runs gemm_bench and writes its table and figures, with what they were taken on, to bench/results.

usage: gemm.py GEMM_BENCH [--out FOLDER]
"""

import argparse
import json
import pathlib
import subprocess
import sys
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import machine  # noqa: E402


def onednn():
    """oneDNN as Debian packages it."""
    asked = ["dpkg-query", "-W", "-f", "${Version}", "libdnnl-dev"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return types.SimpleNamespace(NAME="oneDNN", PACKAGE=f"libdnnl-dev {done.stdout or 'unknown'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bench", type=pathlib.Path, help="the program gemm_bench")
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "results")
    options = parser.parse_args()
    done = subprocess.run([options.bench.resolve()], capture_output=True, text=True, check=True)
    facts = machine.facts(HERE.parents[1] / "pomona", onednn())
    result = {"bench": "gemm", "facts": facts} | json.loads(done.stdout)
    (options.out / "gemm.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    title = f"{facts['pomona']} at {facts['commit']} beside {facts['peer']}, {facts['time']}\n"
    (options.out / "gemm.txt").write_text(title + done.stderr, encoding="utf-8")
    print(title + done.stderr, end="")


if __name__ == "__main__":
    main()
