#!/usr/bin/env python3
"""Runs a bench: Pomona beside a peer, by the protocol of bench/README.md.

usage: run.py NAME [MODEL] [--only TEXT] [--tuples N] [--pomona PATH]
e.g.   run.py inference model.gguf --only "1 thread"
Ends with 0 when every bar was reached, with 1 when one was missed or could not be judged.
"""

import argparse
import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import harness  # noqa: E402
import machine  # noqa: E402
import protocol  # noqa: E402
import report  # noqa: E402


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="a file of this folder that has rows(), e.g. inference")
    parser.add_argument("model", type=pathlib.Path, nargs="?",
                        help="the model file, for benches that need one")  # fmt: skip
    parser.add_argument("--only", default="", help="rows whose label contains this text")
    parser.add_argument("--tuples", type=int, default=5, help="admitted tuples wanted for each row")
    parser.add_argument("--attempts", type=int, default=20, help="tuples tried at most for each row")
    parser.add_argument("--runs", type=int, default=2, help="runs of each program within a tuple")
    parser.add_argument("--patience", type=int, default=120,
                        help="seconds to wait for a quiet machine before each tuple")  # fmt: skip
    parser.add_argument("--pomona", default=HERE.parent / "pomona", help="the program to measure")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "results")
    return parser.parse_args(argv)


def main(argv=None):
    options = arguments(argv)
    bench = importlib.import_module(options.name)
    rows = [r for r in bench.rows(options.pomona, options.model, options.runs)
            if options.only in r.label]  # fmt: skip
    if not rows:
        raise SystemExit(f"run.py: no row of {options.name} has {options.only!r} in its label")
    result = {"bench": options.name, "facts": machine.facts(options.pomona, bench.peer), "rows": []}
    result["facts"]["runs"] = options.runs
    for row in rows:
        print(f"{row.label}:", file=sys.stderr)
        measured = harness.run_row(
            row, options.tuples, options.attempts, protocol.Limits(), bench.peer.environment(),
            options.patience, lambda text: print("  " + text, file=sys.stderr))  # fmt: skip
        result["rows"].append(measured)
        text = report.write(result, options.out)
    print(text, end="")
    barred = [m for r in result["rows"] for m in r["metrics"] if m["bar"] is not None]
    return 0 if all(m["kept"] for m in barred) else 1


if __name__ == "__main__":
    sys.exit(main())
