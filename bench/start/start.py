#!/usr/bin/env python3
"""Starting: from the model object to the first token of a prompt of 16, and the memory of it, beside llama-cpp-python.

usage: start.py MODEL.gguf [--tuples 7] [--pomona PATH] [--out FOLDER]
       (with a Python that has numpy, diskcache, jinja2 and typing_extensions, which the peer's package imports)

One tuple is peer, Pomona, peer, with the file in the page cache; it is discarded as protocol.py says. Each of the three
is the fastest of four processes, one right after the other: a hypervisor that takes free memory back (free page
reporting) makes the first touch of it slow, 0.1 s for a model of this size, and a page that was in use just now is not
such a page. Times are taken inside the processes, without starting an interpreter or importing. Both take the same file, the
same number of threads and a context of 2048 tokens, and must give the same first token. Peaks of memory are the
processes', at 16 tokens and, in a run of its own, with 2000 of the context filled; the peer's holds its interpreter,
so the table tells that part. Writes bench/results/start.{json,txt}; ends with 0 when every bar was reached.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import machine  # noqa: E402
import protocol  # noqa: E402
from peers import llama_cpp as peer  # noqa: E402

PROMPT = "Question: What is the capital of France? Answer: The capital of France is"
LENGTHS = (16, 2000)
TYPES, THREADS = ("Q4_1", "Q4_0", "Q8_0"), (1, 2)
TIME_BAR, MEMORY_BAR, PROGRAM_BAR = 0.5, 1.0, 20_000_000
PROCESSES = 4  # of each step of a tuple
ATTEMPTS, PATIENCE = 4, 60  # attempts for each tuple wanted; seconds to wait for a quiet machine


def environment():
    tree = peer.peers_root() / peer.PACKAGE
    peer.tool("llama-quantize")  # builds the libraries, too
    return peer.environment() | {"PYTHONPATH": str(tree), "LLAMA_CPP_LIB_PATH": str(peer.source() / "build" / "bin")}


def run(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=environment(), check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\nended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def fastest(once):
    return min((once() for _ in range(PROCESSES)), key=lambda out: out["seconds"])


class Side:
    """Both programs on one model, with one number of threads and one prompt."""

    def __init__(self, pomona, model, threads, prompt):
        self.own = [pomona, "generate", model, "--raw", "--prompt-file", prompt, "-n", 1, "--temperature", 0, "--context",
                    2048, "--threads", threads, "--json"]  # fmt: skip
        self.other = [sys.executable, HERE / "peer_start.py", model, threads, prompt]

    def pomona(self):
        return fastest(self._pomona)

    def peer(self):
        return fastest(lambda: run(self.other))

    def _pomona(self):
        out = run(self.own)
        out["seconds"] = out["cold_first_token_seconds"]
        return {k: out[k] for k in ("seconds", "load_seconds", "peak_bytes", "prompt_tokens", "tokens", "isa")}


def take(side):
    """One tuple."""
    protocol.wait_for_quiet(protocol.Limits(), PATIENCE)
    first = protocol.Snapshot.now()
    before, own, after = side.peer(), side.pomona(), side.peer()
    disturbance = protocol.Disturbance.between(first, protocol.Snapshot.now())
    if own["tokens"] != before["tokens"] or own["prompt_tokens"] != before["prompt_tokens"]:
        raise SystemExit(f"start: not the same work: {own} beside {before}")
    return {"peer": [before, after], "pomona": own, "discarded": protocol.reason_to_discard(disturbance, protocol.Limits())}


def ratio(one, key):
    return one["pomona"][key] / (sum(p[key] for p in one["peer"]) / 2)


def measure(side, full, wanted):
    side.pomona(), side.peer()  # files into the page cache
    tuples = []
    while sum(t["discarded"] is None for t in tuples) < wanted and len(tuples) < ATTEMPTS * wanted:
        tuples.append(take(side))
    good = [t for t in tuples if t["discarded"] is None]
    row = {"tuples": tuples, "n": len(good)}
    for key, bar in (("seconds", TIME_BAR), ("peak_bytes", MEMORY_BAR)):
        if good:
            row[key] = {"ratio": protocol.quartiles([ratio(t, key) for t in good]),
                        "pomona": protocol.quartiles([t["pomona"][key] for t in good])[1],
                        "peer": protocol.quartiles([p[key] for t in good for p in t["peer"]])[1]}  # fmt: skip
            row[key]["kept"] = row[key]["ratio"][1] <= bar if len(good) >= wanted else None
    own, other = full.pomona(), full.peer()
    row["full_peak_bytes"] = {"pomona": own["peak_bytes"], "peer": other["peak_bytes"],
                              "kept": own["peak_bytes"] <= MEMORY_BAR * other["peak_bytes"]}  # fmt: skip
    return row


def line(label, row):
    if not row["n"]:
        return f"{label:16s} no tuple was admitted"
    time, peak, full = row["seconds"], row["peak_bytes"], row["full_peak_bytes"]
    interpreter = row["tuples"][0]["peer"][0]["bytes_before"]
    low, middle, high = time["ratio"]
    mark = {True: "ok", False: "MISSED", None: "too few"}
    return (f"{label:16s} {time['pomona'] * 1e3:7.0f} {time['peer'] * 1e3:7.0f}   {middle:.2f}  {low:.2f} - {high:.2f}  {row['n']:2d} "
            f"{mark[time['kept']]:8s} {peak['pomona'] / 1e6:6.0f} {peak['peer'] / 1e6:6.0f} ({interpreter / 1e6:.0f})  {mark[peak['kept']]:7s}"
            f"{full['pomona'] / 1e6:6.0f} {full['peer'] / 1e6:6.0f}        {mark[full['kept']]}")  # fmt: skip


def stripped_bytes(program):
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(program, folder)
        subprocess.run(["strip", copy], check=True)
        return os.path.getsize(copy)


def prompts(pomona, model, folder):
    """A file for each of LENGTHS: the prompt, and it again and again up to that many tokens."""
    files = []
    for length in LENGTHS:
        text = " ".join([PROMPT] * (length // LENGTHS[0]))
        files.append(pathlib.Path(folder) / str(length))
        files[-1].write_text(text, encoding="utf-8")
        found = len(run([pomona, "tokenize", model, "--file", files[-1], "--json"])["tokens"])
        if not 0.95 * length <= found <= length:
            raise SystemExit(f"start: a prompt of {found} tokens instead of {length}")
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, help="the Q4_1 file of SmolLM2-135M-Instruct")
    parser.add_argument("--tuples", type=int, default=7, help="admitted tuples wanted for each row")
    parser.add_argument("--pomona", type=pathlib.Path, default=HERE.parents[1] / "pomona", help="the program to measure")
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "results")
    options = parser.parse_args()
    facts = machine.facts(options.pomona, peer)
    facts["stripped_bytes"] = stripped_bytes(options.pomona.resolve())
    rows, kept = {}, [facts["stripped_bytes"] <= PROGRAM_BAR]
    text = (f"{facts['pomona']} at {facts['commit']} beside {facts['peer']}, flash attention; {facts['processor']['name']}, {facts['time']}\n"
            f"model object to first token in ms, process peaks in MB (of the peer's, its interpreter); bars: time 0.5, memory 1\n"
            f"{'file, threads':16s}  Pomona    peer  ratio  quartiles     n           16 tokens: peer            2000: peer\n")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        short, long = prompts(options.pomona, options.model, folder)
        for threads in THREADS:
            for kind in TYPES:
                model = options.model if kind == TYPES[0] else peer.model_of_type(options.model, kind)
                row = measure(Side(options.pomona, model, threads, short), Side(options.pomona, model, threads, long), options.tuples)
                rows[f"{kind}, {threads}"] = row
                text += line(f"{kind}, {threads}", row) + "\n"
                kept += [row["full_peak_bytes"]["kept"]] + [row[key]["kept"] if row["n"] else None for key in ("seconds", "peak_bytes")]
                print(text.splitlines()[-1], flush=True)
    text += f"stripped program: {facts['stripped_bytes'] / 1e6:.1f} MB, bar {PROGRAM_BAR / 1e6:.0f}\n"
    (options.out / "start.json").write_text(json.dumps({"bench": "start", "facts": facts, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    (options.out / "start.txt").write_text(text, encoding="utf-8")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
