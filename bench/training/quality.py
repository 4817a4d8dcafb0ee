#!/usr/bin/env python3
"""The course's comparison table on MTS-Dialog: examples in the prompt, soft prompt, LoRA and full, from one command.

usage: quality.py MODEL.gguf --data FOLDER [--methods soft-prompt lora full] [--peer lora full] [--pomona PATH] [--out FOLDER]

Writes an application file, runs `pomona run` on it and reads report.json. Every tenth of the 1201 training rows chooses the
method, the others train (rows above 1024 tokens are left out), the 100 validation rows only report. --peer also trains PyTorch + PEFT,
one epoch over the same rows, answers the 100 rows and scores the answers with `pomona score`, so that times stand side by side from one session;
the peer takes --peer-settings, which training.txt names as its best. Writes bench/results/quality.{json,md} and the curves of each training as
bench/results/quality-METHOD.html. --work keeps everything between runs, so that what is done is not done again.
"""

import argparse
import csv
import json
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import machine  # noqa: E402
from peers import torch_peft as peer  # noqa: E402
from peers.cache import cache  # noqa: E402
from rows import INSTRUCTION, LONGEST  # noqa: E402

TRAINING, VALIDATION = "summarization/mts-dialog/TrainingSet.csv", "summarization/mts-dialog/ValidationSet.csv"
GENERAL = "text/wikitext-2/valid.txt"
CHOOSES = 10  # every tenth training row
NEW_TOKENS = 128
SCORES = ("rouge1", "rouge2", "rougeL")
PEER_RATES = {"lora": 5e-4, "full": 5e-5}
PEER_WARMUP, BATCH = 10, 8


def call(command, environment=None):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, env=environment, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\nended with {done.returncode}")
    return done.stdout


def split(data, work):
    """The three files of the application -> how many rows each has."""
    def read(name):
        with open(data / name, encoding="utf-8") as lines:
            return [{"dialogue": row["dialogue"], "note": row["section_text"]} for row in csv.DictReader(lines)]

    training = read(TRAINING)
    parts = {"train": [row for i, row in enumerate(training) if i % CHOOSES], "valid": training[::CHOOSES], "test": read(VALIDATION)}
    for name, rows in parts.items():
        (work / f"{name}.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return {name: len(rows) for name, rows in parts.items()}


def app_file(options):
    """The application as TOML; JSON's strings are TOML's, too."""
    quoted = json.dumps
    text = (f'[app]\nname = "mts-dialog"\nuse_case = "summarize"\nlanguage = "en"\n'
            f"[model]\nbase = {quoted(str(options.model.resolve()))}\n"
            f'[data]\ntrain = "train.jsonl"\nvalid = "valid.jsonl"\ntest = "test.jsonl"\ninput = "dialogue"\noutput = "note"\n'
            f'[prompt]\ninstruction = {quoted(INSTRUCTION + chr(10) * 2 + "{input}")}\nshots = {options.shots}\n'
            f'[evaluate]\nmetrics = ["rouge"]\nmax_new_tokens = {NEW_TOKENS}\n' + (f"limit = {options.limit}\n" if options.limit else "")
            + '[gate]\nmetric = "rougeL"\nsignificance = 0.05\n')  # fmt: skip
    if options.methods:
        text += f"[tune]\nmethods = {quoted(options.methods)}\n"
    for method in options.methods:
        text += (f'[tune.{method}]\ndata.max_length = {LONGEST}\ndata.overlong = "drop"\n'
                 f"data.forgetting = {quoted(str((options.data / GENERAL).resolve()))}\n" + (f"train.steps = {options.steps}\n" if options.steps else ""))  # fmt: skip
    return text


def run_pomona(options):
    """-> (what `run` printed, report.json)."""
    command = [options.pomona, "run", options.work / "app.toml", "--no-serve", "--json"]
    for setting in options.set:
        command += ["--set", setting]
    if options.threads:
        command += ["--threads", options.threads]
    told = json.loads(call(command))
    return told, json.loads(pathlib.Path(told["report_json"]).read_text(encoding="utf-8"))


def cut_to(file, limit):
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[:limit]), encoding="utf-8")


def run_peer(method, options):
    """The peer's training and answers on the 100 rows, as a line of the table."""
    precision, how, micro = options.peer_settings.split(":")
    made = {}
    for kind, source in (("all", TRAINING), ("prompts", VALIDATION)):
        made[kind] = options.work / "peer" / kind
        call([options.python, HERE / "rows.py", kind, options.model, options.data / source, made[kind], "--leave-out", CHOOSES],
             peer.environment())  # fmt: skip
    prompts = made["prompts"] / "tokens.jsonl"
    cut_to(prompts, options.limit)
    command = [options.python, HERE / "peer.py", made["all"] / "tokens.jsonl", options.model, "--method", method, "--batch", BATCH,
               "--micro", micro, "--precision", precision, "--warm", 0, "--rate", PEER_RATES[method], "--warmup", PEER_WARMUP,
               "--threads", options.threads or 2, "--answer", prompts, "--new-tokens", NEW_TOKENS]  # fmt: skip
    command += (["--compile"] if how == "compiled" else []) + (["--steps", options.steps] if options.steps else [])
    start = time.monotonic()
    told = json.loads(call(command, peer.environment(options.threads or 2)))
    wall = time.monotonic() - start
    answers, wanted = options.work / "peer" / f"{method}.jsonl", options.work / "peer" / "notes.jsonl"
    answers.write_text("".join(json.dumps({"text": a}) + "\n" for a in told["answers"]), encoding="utf-8")
    texts = (options.work / "test.jsonl").read_text(encoding="utf-8").splitlines()[: options.limit]
    notes = [json.loads(line)["note"] for line in texts]
    wanted.write_text("".join(json.dumps({"text": n}) + "\n" for n in notes), encoding="utf-8")
    scores = json.loads(call([options.pomona, "score", "rouge", "--stemmer", "--predictions", answers, "--references", wanted, "--json"]))
    return {"name": f"peer: {method}", "n": scores["n"], "scores": {s: scores[s] for s in SCORES},
            "trainable_parameters": told["trainable_parameters"], "peak_bytes": told["peak_bytes"], "training_seconds": told["seconds"],
            "evaluation_seconds": told["answer_seconds"], "wall_seconds": wall, "settings": told["settings"], "versions": told["versions"],
            "losses": [step["loss"] for step in told["steps"]]}  # fmt: skip


def training_of(method, told):
    """The stages of `run` that trained this method."""
    return [stage for stage in told["stages"] if stage["name"] == "tune" and method["name"] in stage.get("job", "").split()]


def own_lines(told, report):
    """The methods of the report with their times apart. A stage that was done before tells no time of now."""
    lines = []
    for method in report["methods"]:
        stages = training_of(method, told)
        line = {key: method.get(key) for key in ("name", "n", "scores", "p_value", "trainable_parameters", "bytes", "peak_bytes", "forgetting")}
        line["evaluation_seconds"] = method["seconds"]
        training = method.get("training") or {}
        line["training_seconds"] = training.get("seconds")
        line["peak_bytes"] = max(method["peak_bytes"], training.get("peak_bytes") or 0)
        line["cached"] = any(stage["status"] == "cached" for stage in stages)
        lines.append(line)
    return lines


def keep_curves(told, report, out):
    """Copies each training's page, which stands beside the report; -> {method: file name}."""
    kept = {}
    for method in report["methods"]:
        if method.get("training"):
            kept[method["name"]] = f"quality-{method['name']}.html"
            shutil.copy(pathlib.Path(told["report_json"]).parent / method["training"]["curves"], out / kept[method["name"]])
    return kept


def score(told):
    return f"{told['mean'] * 100:.1f} [{told['low'] * 100:.1f}, {told['high'] * 100:.1f}]"


def number(value, scale=1.0, form=".0f"):
    return "-" if value is None else format(value * scale, form)


def markdown(result):
    """The comparison table."""
    facts, curves = result["facts"], result["curves"]
    parameters = result["parameters"]
    lines = [f"# MTS-Dialog with {result['model']}", "",
             f"{facts['pomona']} at {facts['commit']}, {facts['processor']['name']} ({' '.join(facts['processor']['flags'])}), {facts['threads']} threads, {facts['time']}. "
             f"{result['rows']['train']} rows train, {result['rows']['valid']} choose, {result['rows']['test']} report. ROUGE F1 x 100 with stemmer, "
             "95 % bootstrap intervals; p: paired against zero-shot, Holm-corrected; forgetting: growth of the loss on general text; times in seconds.", "",
             "| Method | ROUGE-1 | ROUGE-2 | ROUGE-L | p | trainable | file, MB | training | evaluation | peak, MB | forgetting |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for line in result["methods"] + result["peer"]:
        share = line["trainable_parameters"] or 0
        whole = parameters + (0 if any(w in line["name"] for w in ("full", "freeze")) else share)  # what is added counts, as in PEFT
        name = f"[{line['name']}]({curves[line['name']]})" if line["name"] in curves else line["name"]
        trainable = f"{share:,} ({share / whole:.2%})".replace(",", " ") if share else "-"
        lines.append(f"| {name} | " + " | ".join(score(line["scores"][s]) for s in SCORES) +
                     f" | {number(line.get('p_value'), 1, '.2g')} | {trainable} | {number(line.get('bytes'), 1e-6, '.1f')}"
                     f" | {number(line.get('training_seconds'))} | {number(line['evaluation_seconds'])} | {number(line['peak_bytes'], 1e-6)}"
                     f" | {number(line.get('forgetting'), 1, '+.3f')} |")  # fmt: skip
    promoted = result["promoted"]
    lines += ["", f"Promoted: {promoted['method']}. {promoted['why']}"]
    for name, ratio in result["wall_ratio"].items():
        lines.append(f"\nTraining and evaluation of {name}: {ratio:.2f} of the peer's time.")
    return "\n".join(lines) + "\n"


def wall_ratios(own, others):
    """Time of training and evaluation over the peer's, for methods that were trained now."""
    ratios = {}
    for other in others:
        name = other["name"].removeprefix("peer: ")
        mine = next((m for m in own if m["name"] == name and m["training_seconds"] and not m["cached"]), None)
        if mine:
            ratios[name] = (mine["training_seconds"] + mine["evaluation_seconds"]) / (other["training_seconds"] + other["evaluation_seconds"])
    return ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, help="the Q4_1 file of SmolLM2-135M-Instruct")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the folder of real data")
    parser.add_argument("--methods", nargs="*", default=["soft-prompt", "lora", "full"])
    parser.add_argument("--shots", type=int, nargs="*", default=[0, 1, 4])
    parser.add_argument("--peer", nargs="*", default=[], choices=("lora", "full"), help="what PyTorch + PEFT trains beside it")
    parser.add_argument("--peer-settings", default="f32:eager:4", help="its precision, eager or compiled, rows of a micro-batch")
    parser.add_argument("--limit", type=int, help="rows that are answered, for a trial")
    parser.add_argument("--steps", type=int, help="steps of each training, for a trial")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the application file")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--work", type=pathlib.Path, help="where rows and runs are; default: in the cache folder")
    parser.add_argument("--python", help="the peer's interpreter; default: that of peers/torch_peft.py")
    parser.add_argument("--pomona", type=pathlib.Path, default=HERE.parents[1] / "pomona")
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "results")
    options = parser.parse_args()
    options.work = options.work or cache() / "training" / "mts-dialog"
    options.work.mkdir(parents=True, exist_ok=True)
    counts = split(options.data, options.work)
    (options.work / "app.toml").write_text(app_file(options), encoding="utf-8")
    if options.peer:
        options.python = options.python or peer.python()
    told, report = run_pomona(options)
    own = own_lines(told, report)
    others = [run_peer(method, options) for method in options.peer]
    shown = json.loads(call([options.pomona, "show", options.model, "--json"]))
    facts = machine.facts(options.pomona, peer) | {"threads": options.threads or machine.processor()["cores"]}
    result = {"bench": "quality", "facts": facts, "model": options.model.name, "rows": counts, "parameters": shown["parameters"],
              "methods": own, "peer": others, "promoted": report["promoted"], "curves": keep_curves(told, report, options.out),
              "wall_ratio": wall_ratios(own, others), "app": (options.work / "app.toml").read_text(encoding="utf-8")}  # fmt: skip
    (options.out / "quality.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (options.out / "quality.md").write_text(markdown(result), encoding="utf-8")
    print(markdown(result), end="")


if __name__ == "__main__":
    sys.exit(main())
