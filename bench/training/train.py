#!/usr/bin/env python3
"""Training: tokens per second and peak memory of `pomona tune` beside PyTorch + transformers + PEFT, on the same rows.

usage: train.py MODEL.gguf --data FOLDER [--tuples 5] [--only TEXT] [--pomona PATH] [--out FOLDER]
       (MODEL.gguf: the Q4_1 file of SmolLM2-135M-Instruct; FOLDER holds summarization/mts-dialog and text/wikitext-2)

Programs run in turn, peer, Pomona, peer, Pomona, peer ...: a tuple is one run of Pomona and the two of the peer around
it, neighbours share one, and the bf16 roof is measured before each run of Pomona. A tuple is discarded when one of its
runs was disturbed as protocol.py says or took longer than --seconds, never for its speed. Each run is a process of its own that goes once over the
same rows, in batches of 8; the peer's first step is not counted, all of Pomona's are. The rate is the median over the steps of
real tokens over seconds; overall is all tokens over the sum of the steps' seconds. Before a row is measured the peer tries its settings on
two of the batches and keeps the fastest. The number of tokens and of targets must be the same, and the mean losses (the rate of learning is
1e-6, so that order does not matter) must agree within 2 %. Writes bench/results/training.{json,txt}; ends with 0 when every bar was reached.
"""

import argparse
import dataclasses
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import machine  # noqa: E402
import protocol  # noqa: E402
from harness import portable  # noqa: E402
from peers import torch_peft as peer  # noqa: E402
from peers.cache import cache  # noqa: E402

BATCH, LENGTH, RATE = 8, 512, 1e-6
DIALOGUES, EQUAL = "summarization/mts-dialog/TrainingSet.csv", "text/wikitext-2/valid.txt"
SAME_LOSS, PATIENT = 0.02, 4
# SmolLM2-135M: width, layers, heads, kv heads, head size, feed-forward, vocabulary
D, L, H, G, E, F, V = 576, 30, 9, 3, 64, 1536, 49152
GPT2 = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12,
        "n_positions": 1024, "n_ctx": 1024, "vocab_size": 50257, "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new",
        "tie_word_embeddings": True, "bos_token_id": 50256, "eos_token_id": 50256}  # fmt: skip
PRECISIONS = ("f32", "autocast", "bf16")


@dataclasses.dataclass(frozen=True)
class Row:
    """One comparison. Bars: ratio of the rates at least, of the peaks at most, share of the roof at least."""

    label: str
    method: str
    rows: str  # dialogues or equal
    base: str  # of Pomona: BF16 or Q4_1; the peer's is always the same weights, dequantised
    rate: float
    peak: float | None = None
    share: float | None = None


ROWS = (
    Row("LoRA, dialogues, BF16", "lora", "dialogues", "BF16", 2.5, 0.35),
    Row("LoRA, dialogues, Q4_1", "lora", "dialogues", "Q4_1", 2.2, 0.35),
    Row("LoRA, 512, BF16", "lora", "equal", "BF16", 1.8, 0.35),
    Row("LoRA, 512, Q4_1", "lora", "equal", "Q4_1", 1.7, 0.35),
    Row("full, dialogues", "full", "dialogues", "BF16", 1.5, 0.6),
    Row("full, 512", "full", "equal", "BF16", 1.5, 0.6, 0.55),
    Row("GPT-2 from scratch, 512", "scratch", "equal", "Q4_1", 1.5),
)


def call(command, environment=None, seconds=None):
    """Standard output, or None when it took longer; a failure raises with the last line it wrote."""
    try:
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=environment,
                              check=False, timeout=seconds)  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    if done.returncode != 0:
        raise RuntimeError(f"{portable(command)} ended with {done.returncode}: {(done.stderr.strip().splitlines() or [''])[-1]}")
    return done.stdout


def rates(steps):
    """Rates, loss and sizes of a run, from what each step told."""
    seconds = [s["seconds"] for s in steps]
    tokens, targets = sum(s["tokens"] for s in steps), sum(s["supervised_tokens"] for s in steps)
    return {
        "rate": statistics.median(s["tokens"] / s["seconds"] for s in steps),
        "overall": tokens / sum(seconds),
        "tokens": tokens,
        "supervised_tokens": targets,
        "loss": sum(s["loss"] * s["supervised_tokens"] for s in steps) / targets,
        "steps": [{k: s[k] for k in ("tokens", "seconds", "loss")} for s in steps],
    }


class Peer:
    """PyTorch on one row; `settings` are (precision, compiled, rows of a micro-batch)."""

    def __init__(self, row, options, folder):
        self.base = [options.python, HERE / "peer.py", folder / "tokens.jsonl", options.model, "--method", row.method,
                     "--batch", BATCH, "--threads", options.threads, "--rate", RATE]  # fmt: skip
        self.environment = peer.environment(options.threads)
        self.options, self.tried, self.settings, self.work = options, {}, None, (row.method, row.rows)

    def command(self, settings, *more):
        precision, compiled, micro = settings
        return [*self.base, "--precision", precision, "--micro", micro, *(["--compile"] if compiled else []), *more]

    def choose(self, known):
        """Tries settings, each time going on from the best so far, and keeps the fastest. `known`: attempts by work, as
        rows of the same work share them."""
        if self.options.peer:
            precision, how, micro = self.options.peer.split(":")
            self.settings = (precision, how == "compiled", int(micro))
            return
        self.tried = known.setdefault(self.work, {})
        for precision in PRECISIONS:
            self.attempt((precision, False, BATCH))
        precision = self.best()[0]
        for micro in (BATCH // 2, BATCH // 4):
            self.attempt((precision, False, micro))
        self.attempt((precision, True, self.best()[2]))
        self.settings = self.best()
        if not self.tried[self.settings].get("rate"):
            raise SystemExit(f"training: no settings of the peer work: {self.tried}")

    def attempt(self, settings):
        """An eager attempt that takes PATIENT times as long as the first, loading included, is given up: it is not the fastest."""
        if settings in self.tried:
            return
        first = next(iter(self.tried.values()), {}).get("seconds")
        longest = self.options.trial_seconds if first is None or settings[1] else PATIENT * first
        start = time.monotonic()
        try:
            out = call(self.command(settings, "--steps", 2), self.environment, longest)
            told = {"rate": rates(json.loads(out)["steps"])["rate"]} if out else {"failed": f"not done in {longest:.0f} s"}
        except RuntimeError as error:
            told = {"failed": str(error)}
        told["seconds"] = time.monotonic() - start
        self.tried[settings] = told
        print(f"  peer {name_of(settings)}: {told.get('rate') or told['failed']}", file=sys.stderr)

    def best(self):
        return max(self.tried, key=lambda s: self.tried[s].get("rate", 0))

    def run(self):
        told = json.loads(call(self.command(self.settings), self.environment))
        return rates(told["steps"]) | {key: told[key] for key in ("peak_bytes", "interpreter_bytes", "versions", "cpu_capability")}


class Pomona:
    """`pomona tune` on one row."""

    def __init__(self, row, options, folder, base):
        self.options, self.folder, self.row = options, folder, row
        self.file = folder / f"{row.method}-{row.base}.toml"
        scratch = ""
        if row.method == "scratch":
            (folder / "config.json").write_text(json.dumps(GPT2), encoding="utf-8")
            scratch = 'scratch = "config.json"\n'
        kind = "lora" if row.method == "lora" else "full"
        self.file.write_text(
            f'[model]\nbase = {json.dumps(str(base))}\n[data]\ntrain = "rows.jsonl"\n[method]\nkind = "{kind}"\n{scratch}'
            f'[optimiser]\nlearning_rate = {RATE}\n[schedule]\nkind = "constant"\nwarmup = 0\n'
            f"[train]\nepochs = 1\nbatch_size = {BATCH}\nthreads = {options.threads}\nprecision = \"{options.precision}\"\n"
            f'checkpoint_every = 0\n[output]\ndir = "out-{row.method}-{row.base}"\n',
            encoding="utf-8")  # fmt: skip

    def run(self):
        told = json.loads(call([self.options.pomona, "tune", self.file, "--json"]).strip().splitlines()[-1])
        log = pathlib.Path(self.folder / f"out-{self.row.method}-{self.row.base}" / "metrics.jsonl")
        records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        steps = [record for record in records if "loss" in record]
        return rates(steps) | {key: told.get(key) for key in ("peak_bytes", "tokens_per_second", "trainable_parameters", "isa")}


def name_of(settings):
    precision, compiled, micro = settings
    return f"{precision}, {'compiled' if compiled else 'eager'}, micro-batches of {micro}"


def step_operations(tokens, length):
    """Operations of a full step: 2 for each weight and token forward, twice that back; attention sees half of its row."""
    weights = L * (D * (H + 2 * G) * E + H * E * D + 3 * D * F) + V * D
    return 3 * (2 * weights * tokens + 2 * L * H * E * length * tokens)


def check_same(own, other):
    """Ends the bench when both did not do the same work."""
    for key in ("tokens", "supervised_tokens"):
        if own[key] != other[key]:
            raise SystemExit(f"training: not the same work: {own[key]} {key} beside the peer's {other[key]}")
    if abs(own["loss"] - other["loss"]) > SAME_LOSS * other["loss"]:
        raise SystemExit(f"training: not the same loss: {own['loss']:.4f} beside the peer's {other['loss']:.4f}")


def watched(run, limits):
    """A run with the reason why it does not count, if there is one."""
    first = protocol.Snapshot.now()
    told = run()
    return told | {"discarded": protocol.reason_to_discard(protocol.Disturbance.between(first, protocol.Snapshot.now()), limits)}


def measure(row, options, folder, base, known):
    """All tuples of one row -> a dict for the results file."""
    limits = dataclasses.replace(protocol.Limits(), seconds=options.seconds)
    other, own = Peer(row, options, folder), Pomona(row, options, folder, base)
    other.choose(known)
    tuples, admitted = [], 0
    protocol.wait_for_quiet(limits, options.patience)
    before = watched(other.run, limits)
    while admitted < options.tuples and len(tuples) < options.attempts:
        roof = json.loads(call([options.pomona, "bench", "--roof", "--threads", options.threads, "--json"]))["roof"]
        mine = watched(own.run, limits)
        after = watched(other.run, limits)
        check_same(mine, before)
        reason = before["discarded"] or mine["discarded"] or after["discarded"]
        tuples.append({"roof": roof, "peer": [before, after], "pomona": mine, "discarded": reason})
        admitted += reason is None
        print(f"  {admitted} of {options.tuples}" + (f"; {reason}" if reason else ""), file=sys.stderr)
        before = after
    tried = {name_of(settings): told for settings, told in other.tried.items()}
    return summary(row, tuples, options.tuples) | {
        "peer_settings": name_of(other.settings), "peer_tried": tried, "pomona_run_file": own.file.read_text(encoding="utf-8"),
        "peer_command": portable(other.command(other.settings)), "tuples": tuples}  # fmt: skip


def mean(one, key):
    return statistics.mean(p[key] for p in one["peer"])


def summary(row, tuples, wanted):
    """Medians and quartiles of the admitted tuples; `kept` is None without a bar or with too few tuples."""
    good = [t for t in tuples if t["discarded"] is None]
    told = {"label": row.label, "n": len(good), "metrics": {}}
    for key, bar in (("rate", row.rate), ("overall", None), ("peak_bytes", row.peak)):
        if not good:
            continue
        ratio = protocol.quartiles([t["pomona"][key] / mean(t, key) for t in good])
        reached = bar is not None and (ratio[1] >= bar if key == "rate" else ratio[1] <= bar)
        told["metrics"][key] = {"ratio": ratio, "pomona": protocol.quartiles([t["pomona"][key] for t in good])[1],
                                "peer": protocol.quartiles([mean(t, key) for t in good])[1], "bar": bar,
                                "kept": reached if bar is not None and len(good) >= wanted else None}  # fmt: skip
    if good and row.share is not None:
        shares = protocol.quartiles([t["pomona"]["rate"] * step_operations(1, LENGTH) / (t["roof"]["bf16_gflops"] * 1e9) for t in good])
        told["metrics"]["roof_share"] = {"ratio": shares, "bar": row.share, "kept": shares[1] >= row.share if len(good) >= wanted else None}
    return told


MARK = {True: "ok", False: "MISSED", None: ""}


def lines(row):
    """The table's lines of one row."""
    if not row["n"]:
        return [f"{row['label']:24s} " + row.get("failed", "no tuple was admitted")]
    out = []
    for key, name, scale in (("rate", "tokens/s", 1), ("overall", "tokens/s overall", 1), ("peak_bytes", "peak MB", 1e-6)):
        m = row["metrics"][key]
        low, middle, high = m["ratio"]
        bar = "" if m["bar"] is None else f"{m['bar']:.2f}"
        out.append(f"{row['label'] if not out else '':24s} {name:17s} {m['pomona'] * scale:8.0f} {m['peer'] * scale:8.0f} {middle:7.2f}"
                   f" {low:6.2f}-{high:<6.2f} {bar:>5} {row['n']:3d} {MARK[m['kept']]}".rstrip())  # fmt: skip
    if "roof_share" in row["metrics"]:
        m = row["metrics"]["roof_share"]
        out.append(f"{'':24s} {'of the bf16 roof':17s} {'':17s} {m['ratio'][1]:7.2f} {m['ratio'][0]:6.2f}-{m['ratio'][2]:<6.2f}"
                   f" {m['bar']:5.2f} {row['n']:3d} {MARK[m['kept']]}".rstrip())  # fmt: skip
    out.append(f"{'':24s} peer: {row['peer_settings']}")
    return out


def write(result, out):
    """training.json and training.txt after each row, so that an interrupted bench leaves what it has."""
    facts = result["facts"]
    cpu = facts["processor"]
    versions = next((p["versions"] for r in result["rows"] for t in r["tuples"] for p in t["peer"]), {})
    text = "\n".join([
        f"training: {facts['pomona']} at {facts['commit']} beside " + (", ".join(f"{k} {v}" for k, v in versions.items()) or facts["peer"]),
        f"{cpu['name']} ({cpu['family_model']}; {' '.join(cpu['flags'])}), {facts['threads']} threads, Pomona computes in {facts['precision']}, {facts['time']}",
        f"real tokens a second and process peaks; {facts['batches']} batches of {BATCH} rows; ratios are Pomona's over the peer's", "",
        f"{'':24s} {'':17s} {'Pomona':>8} {'peer':>8} {'ratio':>7} {'quartiles':>13} {'bar':>5}   n",
        *(line for row in result["rows"] for line in lines(row))]) + "\n"  # fmt: skip
    (out / "training.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (out / "training.txt").write_text(text, encoding="utf-8")
    return text


def rows_for(kind, options, folder):
    """Makes the rows of one kind once."""
    target = folder / kind
    if not (target / "rows.jsonl").exists():
        source = options.data / (EQUAL if kind == "equal" else DIALOGUES)
        told = call([options.python, HERE / "rows.py", kind, options.model, source, target, "--rows", options.batches * BATCH,
                     "--batch", BATCH, "--length", LENGTH], peer.environment())  # fmt: skip
        print(f"{kind}: {told.strip()}", file=sys.stderr)
    return target


def base_for(kind, options):
    """The given Q4_1 file, or its copy in BF16, made once by Pomona."""
    if kind == "Q4_1":
        return options.model.resolve()
    folder = cache() / "models"
    folder.mkdir(exist_ok=True)
    target = folder / f"{options.model.stem}-{options.model.stat().st_size}-from-Q4_1-{kind}.gguf"
    if not target.exists():
        call([options.pomona, "quantize", options.model, target, "--type", kind, "--allow-requantize"])
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, help="the Q4_1 file of SmolLM2-135M-Instruct")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the folder of real data")
    parser.add_argument("--tuples", type=int, default=5, help="admitted tuples wanted for each row")
    parser.add_argument("--attempts", type=int, default=15, help="tuples tried at most for each row")
    parser.add_argument("--only", default="", help="rows whose label contains this text")
    parser.add_argument("--batches", type=int, default=4, help="steps of a run")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="auto", help="what Pomona computes in; auto: bf16 where the processor multiplies it")
    parser.add_argument("--peer", help="the peer's settings instead of trying, e.g. f32:eager:8 or autocast:compiled:4")
    parser.add_argument("--seconds", type=float, default=400, help="the longest that a run may take and count")
    parser.add_argument("--trial-seconds", type=float, default=600, help="the longest that the peer may try one of its settings")
    parser.add_argument("--patience", type=int, default=60, help="seconds to wait for a quiet machine")
    parser.add_argument("--python", help="the peer's interpreter; default: that of peers/torch_peft.py")
    parser.add_argument("--pomona", type=pathlib.Path, default=HERE.parents[1] / "pomona", help="the program to measure")
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "results")
    options = parser.parse_args()
    options.python = options.python or peer.python()
    facts = machine.facts(options.pomona, peer)
    facts |= {"threads": options.threads, "precision": options.precision, "batches": options.batches}
    result = {"bench": "training", "facts": facts, "rows": []}
    chosen = [row for row in ROWS if options.only in row.label]
    if not chosen:
        raise SystemExit(f"training: no row has {options.only!r} in its label; there are: " + "; ".join(r.label for r in ROWS))
    text, known = "", {}
    with tempfile.TemporaryDirectory() as folder:
        for row in chosen:
            print(f"{row.label}:", file=sys.stderr)
            rows = rows_for(row.rows, options, pathlib.Path(folder))
            try:
                measured = measure(row, options, rows, base_for(row.base, options), known)
            except RuntimeError as error:
                measured = {"label": row.label, "n": 0, "metrics": {}, "tuples": [], "failed": str(error)}
            result["rows"].append(measured)
            text = write(result, options.out)
    print(text, end="")
    kept = [m["kept"] for row in result["rows"] for m in row["metrics"].values() if m["bar"] is not None]
    return 0 if kept and all(kept) and all(row["n"] for row in result["rows"]) else 1


if __name__ == "__main__":
    sys.exit(main())
