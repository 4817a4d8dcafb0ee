#!/usr/bin/env python3
"""60 requests with a common beginning of 300 tokens: together beside one after another; bench/results/batch.{json,txt}.

usage: batch.py BATCH_BENCH MODEL.gguf [--tuples 5] [--attempts 12] [--out FOLDER]

Each run of batch_bench measures both in one process, one after another first. One after another goes through one
scheduler, which keeps the common beginning, so that is computed once there too; the first run also takes each request by
a scheduler of its own. A run is discarded as the protocol of bench/README.md says, for what other processes did, never
for its speed. The bar: together has at least 2.5 times the tokens per second, and the same answers to the token.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import machine  # noqa: E402
import protocol  # noqa: E402

BAR = 2.5


def measure(command, alone, limits):
    """One run -> what the program tells, with the ratio and why it does not count, if so."""
    first = protocol.Snapshot.now()
    environment = os.environ | ({"ALONE": "1"} if alone else {})
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    told = json.loads(done.stdout)
    disturbance = protocol.Disturbance.between(first, protocol.Snapshot.now())
    told["discarded"] = protocol.reason_to_discard(disturbance, limits)
    told["ratio"] = told["together"]["tokens_per_second"] / told["one_after_another"]["tokens_per_second"]
    return told


def table(result):
    one, facts = result["runs"][0], result["facts"]
    low, middle, high = result["ratio"]
    rate = {how: one[how]["tokens_per_second"] for how in ("together", "one_after_another", "each_alone")}
    shared = one["together"]["shared_tokens"]
    return (
        f"{facts['pomona']} at {facts['commit']}, {facts['time']}\n"
        f"{one['requests']} requests, {one['prefix_tokens']} common and {one['own_tokens']} own tokens, {one['new_tokens']} new"
        f" tokens each; {one['threads']} threads, {one['isa']}, {result['model']}\n"
        f"together {rate['together']:.0f} tokens/s, one after another {rate['one_after_another']:.0f}, each by a scheduler of"
        f" its own {rate['each_alone']:.0f} (first run)\n"
        f"together over one after another: {middle:.2f} ({low:.2f} - {high:.2f}), {result['n']} runs of {len(result['runs'])};"
        f" bar {BAR}: {'reached' if result['kept'] else 'missed'}\n"
        f"prompt tokens not computed: {shared} = {one['requests'] - 1} x {shared // (one['requests'] - 1)};"
        f" same answers: {'yes' if all(r['same_answers'] for r in result['runs']) else 'NO'}\n"
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bench", type=pathlib.Path, help="the program batch_bench")
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--tuples", type=int, default=5, help="runs wanted that count")
    parser.add_argument("--attempts", type=int, default=12, help="runs at most")
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "results")
    options = parser.parse_args()
    runs = []
    while len(runs) < options.attempts and sum(r["discarded"] is None for r in runs) < options.tuples:
        limits = protocol.Limits(seconds=180 if not runs else 60)
        runs.append(measure([options.bench.resolve(), options.model], not runs, limits))
        print(f"{runs[-1]['ratio']:.2f} {runs[-1]['discarded'] or ''}", file=sys.stderr)
    counted = [r["ratio"] for r in runs if r["discarded"] is None]
    none = types.SimpleNamespace(NAME="itself", PACKAGE="one after another")
    result = {
        "bench": "batch", "facts": machine.facts(HERE.parents[1] / "pomona", none), "model": options.model.name,
        "runs": runs, "n": len(counted), "ratio": protocol.quartiles(counted) if counted else (0, 0, 0), "kept": None,
    }  # fmt: skip
    same = all(r["same_answers"] for r in runs)
    result["kept"] = len(counted) >= options.tuples and result["ratio"][1] >= BAR and same
    (options.out / "batch.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (options.out / "batch.txt").write_text(table(result), encoding="utf-8")
    print(table(result), end="")
    return 0 if result["kept"] else 1


if __name__ == "__main__":
    sys.exit(main())
