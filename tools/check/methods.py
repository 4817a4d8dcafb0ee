#!/usr/bin/env python3
"""Pages of methods and their run files: each page shows its file word by word, every file has a page, and each file runs.

usage: methods.py [POMONA]

Without a program only the texts are compared. With one, every examples/tuning/*.toml is trained for two steps, on a tiny
model that takes only the beginnings of the rows, into a temporary folder.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

from source import ROOT, finish

BLOCK = re.compile(r"^```toml\n(.*?)^```$", re.M | re.S)
TINY = ROOT / "tests/golden/llama_tiny.gguf"
FEW = [f"model.base={TINY}", "data.max_length=256", "method.last_layers=1", "train.steps=2"]


def compare(pages, files):
    """Faults of {name: text} of both kinds."""
    faults = [f"docs/methods/{name}.md: there is no examples/tuning/{name}.toml" for name in pages.keys() - files.keys()]
    faults += [f"examples/tuning/{name}.toml: there is no docs/methods/{name}.md" for name in files.keys() - pages.keys()]
    for name in sorted(pages.keys() & files.keys()):
        if files[name] not in BLOCK.findall(pages[name]):
            faults.append(f"docs/methods/{name}.md: shows another run file than examples/tuning/{name}.toml")
    return faults


def texts(folder, ending):
    return {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / folder).glob("*" + ending)}


def train(pomona, file, folder):
    """Two steps -> a fault or None."""
    out = pathlib.Path(folder) / file.stem
    command = [pomona, "tune", str(file), "--json"]
    long_rows = [] if 'format = "text"' in file.read_text(encoding="utf-8") else ["data.overlong=truncate"]
    for setting in [*FEW, *long_rows, f"output.dir={out}"]:
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"{file.name}: ended with {done.returncode}: {done.stderr.strip()[-300:]}"
    told = json.loads(done.stdout.strip().splitlines()[-1])
    if told["steps"] != 2 or not pathlib.Path(told["output"]).exists():
        return f"{file.name}: {told['steps']} steps, output {told['output']}"
    return None


def self_test():
    page = "x\n```toml\na = 1\n```\n"
    cases = (
        ("the same", {"a": page}, {"a": "a = 1\n"}, 0),
        ("another text", {"a": page}, {"a": "a = 2\n"}, 1),
        ("no page", {}, {"a": "a = 1\n"}, 1),
        ("no file", {"a": page}, {}, 1),
    )
    return [f"self-test: {what}: got {compare(pages, files)}" for what, pages, files, wanted in cases if len(compare(pages, files)) != wanted]


def main(arguments):
    files = sorted((ROOT / "examples/tuning").glob("*.toml"))
    faults = self_test() + compare(texts("docs/methods", ".md"), texts("examples/tuning", ".toml"))
    if arguments:
        with tempfile.TemporaryDirectory() as folder:
            faults += [fault for file in files if (fault := train(arguments[0], file, folder))]
    return finish(faults, f"methods: {len(files)} pages show their run files" + (", which train" if arguments else ""))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
