#!/usr/bin/env python3
"""Runs the examples of the documentation: what README.md and docs/ show is what the program prints.

usage: readme.py POMONA [FILE.md ...]

A block ```console run holds lines "$ command" and after each the output of both streams; a line "..." stands for any
lines, "..." within a line for any text. Commands start in the top folder, where ./pomona is the given program, with an
empty $POMONA_HOME. Blocks ```console model need the real model and use the user's own $POMONA_HOME; they are left out,
and counted, where the model is not there. Plain ```console blocks are only shown.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from source import ROOT, finish

BLOCK = re.compile(r"^```console (run|model)\n(.*?)^```$", re.M | re.S)


def examples(text):
    """(line number, kind, command, expected output) of each command in Markdown text."""
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start()) + 2
        for part in re.split(r"^(?=\$ )", block.group(2), flags=re.M):
            if part.startswith("$ "):
                command, _, output = part.partition("\n")
                yield line, block.group(1), command[2:], output.rstrip("\n")
            line += part.count("\n")


def matches(expected, actual):
    """Whether output is as expected: "..." alone on a line is any lines, within a line any text."""
    pattern = ""
    for line in expected.rstrip().split("\n"):
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += r".*?".join(re.escape(part.rstrip() if not rest else part) for part, rest in pieces(line))
            pattern += r" *\n"
    return re.fullmatch(pattern, actual.rstrip() + "\n") is not None


def pieces(line):
    """The parts of a line between its "...", each with whether another follows."""
    parts = line.split("...")
    return [(part, number + 1 < len(parts)) for number, part in enumerate(parts)]


def run(command, program, folder, home):
    """Exit code aside, what a command prints on both streams."""
    with tempfile.TemporaryDirectory() as path:
        (pathlib.Path(path) / "pomona").symlink_to(program)
        env = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "COLUMNS": "100", "TERM": "dumb"}
        if home:
            env["POMONA_HOME"] = env["HF_HOME"] = home
            env["HF_HUB_CACHE"] = env["HUGGINGFACE_HUB_CACHE"] = ""
        command = re.sub(r"(?<!\S)\./pomona\b", "pomona", command)
        done = subprocess.run(["sh", "-c", command], cwd=folder, env=env, stdin=subprocess.DEVNULL, timeout=600,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    return done.stdout.decode("utf-8", "replace")


def has_model(program):
    shown = subprocess.run([program, "show", "smollm2-135m"], capture_output=True, stdin=subprocess.DEVNULL)
    return shown.returncode == 0


def check(program, paths):
    """(faults, commands run, commands left out)"""
    faults, count, left_out = [], 0, 0
    model = None
    for path in paths:
        for line, kind, command, expected in examples(path.read_text()):
            if kind == "model":
                model = has_model(program) if model is None else model
                if not model:
                    left_out += 1
                    continue
            with tempfile.TemporaryDirectory() as home:
                actual = run(command, program, ROOT, home if kind == "run" else None)
            count += 1
            if not matches(expected, actual):
                name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
                faults.append(f"{name}:{line}: $ {command}\nshown:\n{expected}\nprinted:\n{actual}")
    return faults, count, left_out


def self_test():
    """Plants one fault of each kind and returns those that went unnoticed."""
    plants = {
        "right": ("```console run\n$ echo a; echo b >&2\na\nb\n$ echo c\nc\n```\n", None, 2),
        "wrong": ("```console run\n$ echo a\nb\n```\n", "shown:\nb\nprinted:\na", 1),
        "too little": ("```console run\n$ echo a; echo b\na\n```\n", "printed:\na\nb", 1),
        "the second": ("```console run\n$ echo a\na\n$ echo d\nc\n```\n", "a.md:4: $ echo d", 2),
        "any lines": ("```console run\n$ seq 9\n1\n...\n9\n```\n", None, 1),
        "any text": ("```console run\n$ echo took 3 s\ntook ... s\n```\n", None, 1),
        "any text, wrong end": ("```console run\n$ echo took 3 h\ntook ... s\n```\n", "printed", 1),
        "only shown": ("```console\n$ echo a\nb\n```\n", None, 0),
        "the program": ("```console run\n$ ./pomona a\nhello\n```\n", None, 1),
    }
    missed = []
    for what, (text, expected, commands) in plants.items():
        with tempfile.TemporaryDirectory() as scratch:
            program = pathlib.Path(scratch) / "program"
            program.write_text("#!/bin/sh\necho hello\n")
            program.chmod(0o755)
            page = pathlib.Path(scratch) / "a.md"
            page.write_text(text)
            faults, count, _ = check(program, [page])
        if count != commands or (expected is None and faults) or (expected and not any(expected in f for f in faults)):
            missed.append(f"self-test: {what}: ran {count}, got {faults or 'no fault'}")
    return missed


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    paths = [pathlib.Path(name).resolve() for name in sys.argv[2:]]
    paths = paths or [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("examples/*/*.md"))]
    faults, count, left_out = check(pathlib.Path(sys.argv[1]).resolve(), paths)
    well = f"readme: {count} commands print what is shown"
    if left_out:
        well += f"; {left_out} left out, since the model is not here"
    return finish(self_test() + faults, well)


if __name__ == "__main__":
    sys.exit(main())
