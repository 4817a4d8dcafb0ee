#!/usr/bin/env python3
"""Does Pomona say what llama.cpp says? Teacher-forced best tokens, and perplexity.

usage: agreement.py MODEL.gguf [--pomona PATH] [--data FOLDER] [--threads K] [--peer-only]

Ten texts of 200 tokens are read by both programs; for every token read, the best next token is
compared. The reference answer is llama.cpp on an F32 copy of the model, with f32 KV and without
flash attention. Perplexity is llama-perplexity's: chunks of 512, the second half scored.
Writes bench/results/agreement.json; ends with 1 when a bar is missed.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))
import machine  # noqa: E402
from peers import cache, llama_cpp  # noqa: E402

CONTEXT = 200
TEXT_CHARACTERS = 3000  # more than 2 x CONTEXT tokens of any of the texts
WIKITEXT_STARTS = (20_000, 300_000, 600_000, 900_000)
SHAKESPEARE_STARTS = (50_000, 700_000)
MODEL_BAR = 1e-4  # a logit may be off by this part of the largest one (conventions.md, Tests)
BARS = {"same_in_f32": 0.995, "fast_below_peer": 0.005, "perplexity": 0.005}


def slice_of(text, start):
    """TEXT_CHARACTERS from the first line that begins at or after `start`."""
    start = text.index("\n", start) + 1
    return text[start : start + TEXT_CHARACTERS]


def json_lines(path, field, skip, count):
    lines = path.read_text(encoding="utf-8").splitlines()[skip : skip + count]
    return "\n\n".join(json.loads(line)[field] for line in lines)[:TEXT_CHARACTERS]


def texts(data):
    """Ten texts: encyclopaedia, verse, novels, meetings, source code."""
    wiki = (data / "text/wikitext-2/test.txt").read_text(encoding="utf-8")
    verse = (data / "text/tinyshakespeare/input.txt").read_text(encoding="utf-8")
    meetings = ROOT / "examples/meeting-notes/train.jsonl"
    return (
        [slice_of(wiki, start) for start in WIKITEXT_STARTS]
        + [slice_of(verse, start) for start in SHAKESPEARE_STARTS]
        + [json_lines(data / "text/lambada/test.jsonl", "text", skip, 12) for skip in (0, 500)]
        + [json_lines(meetings, "dialogue", 0, 6)]
        + [(HERE / "peer_logits.cpp").read_text(encoding="utf-8")[:TEXT_CHARACTERS]]
    )


def build_client():
    """Compiles peer_logits.cpp against the peer's header and library, once per source."""
    source, program = HERE / "peer_logits.cpp", cache.cache() / "peer_logits"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        llama_cpp.tool("llama-quantize")
        tree = llama_cpp.source()
        libraries = tree / "build" / "bin"
        subprocess.run(
            ["c++", "-std=c++20", "-O2", f"-I{tree}/include", f"-I{tree}/ggml/include",
             str(source), f"-L{libraries}", f"-Wl,-rpath,{libraries}", "-lllama", "-lggml",
             "-lggml-base", "-o", str(program)], check=True)  # fmt: skip
    return program


def run(command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout


def peer_rows(model, files, threads, key_values):
    lines = run([build_client(), model, CONTEXT, threads, key_values, *files]).splitlines()
    return [json.loads(line) for line in lines]


def pomona_rows(pomona, model, files, threads, compute):
    rows = []
    for file in files:
        answer = run([pomona, "perplexity", model, file, "--context", CONTEXT, "--chunks", 1,
                      "--threads", threads, "--compute", compute, "--per-token", "--json"])  # fmt: skip
        rows.append(json.loads(answer)["items"][0])
    return rows


def compare(reference, other):
    """Counts equal best tokens. A difference is explained when both programs have the same two
    tokens in front and rounding within MODEL_BAR on each could turn their order."""
    total = same = 0
    differences = []
    for i, (a, b) in enumerate(zip(reference, other, strict=True)):
        if a["tokens"] != b["tokens"]:
            raise ValueError(f"text {i}: the two programs read different tokens")
        for t in range(len(a["tokens"])):
            total += 1
            if a["best"][t] == b["best"][t]:
                same += 1
                continue
            room = 2 * MODEL_BAR * max(abs(a["best_logit"][t]), abs(b["best_logit"][t]))
            swapped = a["best"][t] == b["second"][t] and a["second"][t] == b["best"][t]
            margins = [a["margin"][t], b["margin"][t]]
            differences.append({"text": i, "position": t, "margins": margins,
                                "explained": swapped and max(margins) <= room})  # fmt: skip
    return {"positions": total, "same": same / total, "differences": differences}


def peer_perplexity(model, file, threads):
    done = subprocess.run(
        [llama_cpp.tool("llama-perplexity"), "-m", str(model), "-f", str(file), "-c", "512",
         "--chunks", "8", "-t", str(threads)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True, text=True)  # fmt: skip
    return parse_perplexity(done.stdout)


def parse_perplexity(output):
    found = re.search(r"Final estimate: PPL = ([\d.]+)", output)
    if not found:
        raise ValueError("llama-perplexity: no final estimate in its output")
    return float(found.group(1))


def pomona_perplexity(pomona, model, file, threads, compute):
    answer = run([pomona, "perplexity", model, file, "--context", 512, "--chunks", 8,
                  "--threads", threads, "--compute", compute, "--json"])  # fmt: skip
    return json.loads(answer)["perplexity"]


def verdicts(result):
    """(sentence, kept) of each bar; result as main() builds it."""
    rows = []
    f32, fast, peer = result["pomona_f32"], result["pomona_fast"], result["peer_quantised"]
    rows.append((f"f32 gives llama.cpp's best token at {f32['same']:.2%} of {f32['positions']} "
                 f"positions (bar {BARS['same_in_f32']:.1%})",
                 f32["same"] >= BARS["same_in_f32"]))  # fmt: skip
    odd = [d for d in f32["differences"] if not d["explained"]]
    rows.append((f"{len(f32['differences'])} differences, {len(odd)} of them not explained by "
                 "the margin", not odd))  # fmt: skip
    rows.append((f"fast on the quantised file gives the F32 answer at {fast['same']:.2%}, "
                 f"llama.cpp at {peer['same']:.2%} (bar: half a point below)",
                 fast["same"] >= peer["same"] - BARS["fast_below_peer"]))  # fmt: skip
    for name, (ours, theirs) in result["perplexity"].items():
        rows.append((f"perplexity, {name}: {ours:.4f}, llama.cpp {theirs:.4f} "
                     f"(bar {BARS['perplexity']:.1%})",
                     abs(ours / theirs - 1) <= BARS["perplexity"]))  # fmt: skip
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--pomona", default=ROOT / "pomona", help="the program to test")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--peer-only", action="store_true", help="print llama.cpp's own figures")
    options = parser.parse_args()
    exact = llama_cpp.model_of_type(options.model, "F32")
    wiki = options.data / "text/wikitext-2/test.txt"

    with tempfile.TemporaryDirectory() as folder:
        files = []
        for i, text in enumerate(texts(options.data)):
            files.append(pathlib.Path(folder) / f"{i}.txt")
            files[-1].write_text(text, encoding="utf-8")
        reference = peer_rows(exact, files, options.threads, "f32")
        quantised = peer_rows(options.model, files, options.threads, "f16")
        result = {"facts": machine.facts(options.pomona, llama_cpp), "model": options.model.name,
                  "threads": int(options.threads),
                  "peer_quantised": compare(reference, quantised)}  # fmt: skip
        theirs = {"F32": peer_perplexity(exact, wiki, options.threads),
                  "quantised": peer_perplexity(options.model, wiki, options.threads)}  # fmt: skip
        if options.peer_only:
            print(f"{result['peer_quantised']['same']:.4f}", theirs)
            return 0
        ask = (options.threads, "f32")
        result["pomona_f32"] = compare(reference, pomona_rows(options.pomona, exact, files, *ask))
        result["pomona_fast"] = compare(
            reference, pomona_rows(options.pomona, options.model, files, options.threads, "fast")
        )
        result["perplexity"] = {
            "F32 copy, f32": [pomona_perplexity(options.pomona, exact, wiki, *ask), theirs["F32"]],
            f"{options.model.name}, fast": [
                pomona_perplexity(options.pomona, options.model, wiki, options.threads, "fast"),
                theirs["quantised"],
            ],
        }
    rows = verdicts(result)
    for sentence, kept in rows:
        print(("ok      " if kept else "MISSED  ") + sentence)
    result["verdicts"] = [{"text": s, "kept": k} for s, k in rows]
    out = HERE.parent / "results" / "agreement.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0 if all(kept for _, kept in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
