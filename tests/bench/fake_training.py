"""Stands for `pomona`, and for the peer's Python with rows.py and peer.py, in tests of bench/training."""

import json
import os
import pathlib
import sys
import tomllib

TOKENS, TARGETS, LOSS = 400, 100, 2.5


def steps(seconds):
    return [{"tokens": TOKENS, "supervised_tokens": TARGETS, "loss": LOSS, "seconds": seconds} for _ in range(3)]


def rows(arguments):
    out = pathlib.Path(arguments[3])
    out.mkdir(parents=True)
    (out / "rows.jsonl").write_text("{}\n")
    (out / "tokens.jsonl").write_text("{}\n")
    return {"rows": 1}


def peer(arguments):
    precision = arguments[arguments.index("--precision") + 1]
    if precision == "bf16" or "--compile" in arguments:
        raise SystemExit("no such luck")
    seconds = {"f32": 4.0, "autocast": 8.0}[precision] + 0.1 * float(arguments[arguments.index("--micro") + 1])
    return {"steps": steps(seconds), "peak_bytes": 4000, "interpreter_bytes": 300, "versions": {"torch": "0"}, "cpu_capability": "none"}


def tune(file):
    if "FAKE_REFUSES" in os.environ:
        raise SystemExit("not today")
    run = tomllib.loads(pathlib.Path(file).read_text())
    out = pathlib.Path(file).parent / run["output"]["dir"]
    out.mkdir(exist_ok=True)
    loss = float(os.environ.get("FAKE_LOSS", LOSS))
    records = [record | {"step": i, "loss": loss} for i, record in enumerate(steps(1.0), 1)]
    (out / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in [*records, {"step": 3, "eval_loss": 2.0}]))
    return {"tokens_per_second": 400, "peak_bytes": 1000, "trainable_parameters": 1}


def main(arguments):
    name = pathlib.Path(arguments[0]).name
    if name == "rows.py":
        return rows(arguments[1:])
    if name == "peer.py":
        return peer(arguments[1:])
    if name == "tune":
        return tune(arguments[1])
    if name == "bench":
        return {"roof": {"bf16_gflops": 1000.0}}
    return {}


if __name__ == "__main__":
    if sys.argv[1] == "--version":
        print("fake 0")
    else:
        print(json.dumps(main(sys.argv[1:])))
