#!/usr/bin/env python3
"""Runs clang-tidy over the sources of a build, several at once, and remembers what was clean.

usage: tidy.py BUILD_FOLDER [--minutes M] [--all] [FILE ...]

A source is looked at again when it, a header of the project that it includes (at any depth), .clang-tidy or the
version of clang-tidy changes: the memory is a folder of empty files named by that hash, in $XDG_CACHE_HOME (it may be
deleted at any time). Sources whose last commit is newest come first. With --minutes no further source is begun once
that time is over, and the last line says how many are left.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from source import ROOT, files, finish, program

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def memory():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = pathlib.Path(base) / "pomona-check" / "tidy"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def closure(path, root, known):
    """The source and every project header that it includes, sorted. known: {path: headers} over several calls."""
    seen, open_paths = set(), [path]
    while open_paths:
        current = open_paths.pop()
        if current in seen:
            continue
        seen.add(current)
        if current not in known:
            found = INCLUDE.findall(current.read_text())
            known[current] = [p for name in found for p in (root / "src" / name, root / name) if p.is_file()]
        open_paths.extend(known[current])
    return sorted(seen)


def key(path, root, salt, known):
    digest = hashlib.sha256(salt)
    for part in closure(path, root, known):
        digest.update(part.relative_to(root).as_posix().encode() + b"\0" + part.read_bytes() + b"\0")
    return digest.hexdigest()


def by_age(paths):
    """Newest commit first; sources without one before all others."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "log", "--format=%x01", "--name-only"], cwd=ROOT, capture_output=True, text=True)
    order = {}
    for line in listed.stdout.splitlines():
        order.setdefault(line, len(order))
    return sorted(paths, key=lambda path: order.get(path.relative_to(ROOT).as_posix(), -1))


def look(tidy, build, path):
    """What clang-tidy has to say about one source; empty when it is clean."""
    command = [tidy, "-p", build, "--quiet", "--extra-arg=-Wno-unknown-warning-option", path]  # the flags are g++'s
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        return ""
    said = [line for line in (done.stdout + done.stderr).splitlines() if "error:" in line or "note:" in line]
    return "\n".join(said) or f"{path}: clang-tidy failed: {done.stderr[-300:]}"


def work(tidy, build, todo, seconds, clean):
    """({path: what was said}, paths not begun). Calls clean(path) for each clean one as soon as that is known."""
    end = time.monotonic() + seconds
    said, left = {}, []

    def one(path):
        if time.monotonic() > end:
            left.append(path)
            return
        said[path] = look(tidy, build, path)
        if not said[path]:
            clean(path)

    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(one, todo))
    return said, left


def self_test(tidy):
    """Whether clang-tidy with the project's rules finds a planted fault, and the memory a changed header."""
    missed = []
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(scratch)
        (root / "src").mkdir()
        (root / "src/b.h").write_text("int g();\n")
        (root / "src/a.cpp").write_text('#include "b.h"\nint BadName() { return g(); }\n')
        (root / ".clang-tidy").write_text((ROOT / ".clang-tidy").read_text())
        command = {"directory": scratch, "file": f"{root}/src/a.cpp", "command": f"g++ -I{root}/src -c {root}/src/a.cpp"}
        (root / "compile_commands.json").write_text(json.dumps([command]))
        if "BadName" not in look(tidy, scratch, root / "src/a.cpp"):
            missed.append("self-test: a badly named function went unnoticed")
        (root / "src/a.cpp").write_text('#include "b.h"\nint good_name() { return g(); }\n')
        if said := look(tidy, scratch, root / "src/a.cpp"):
            missed.append(f"self-test: a good source got {said}")
        before = key(root / "src/a.cpp", root, b"", {})
        (root / "src/b.h").write_text("int g();\nint h();\n")
        if key(root / "src/a.cpp", root, b"", {}) == before:
            missed.append("self-test: a changed header went unnoticed")
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="a build folder with compile_commands.json")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no source after this time")
    parser.add_argument("--all", action="store_true", help="also look at what was clean before")
    parser.add_argument("files", nargs="*", type=pathlib.Path, help="sources (default: all of src/ and tests/)")
    args = parser.parse_args()
    tidy = program("clang-tidy")
    version = subprocess.run([tidy, "--version"], capture_output=True, check=True).stdout
    salt = version + (ROOT / ".clang-tidy").read_bytes()
    built = {command["file"] for command in json.loads(pathlib.Path(args.build, "compile_commands.json").read_text())}
    paths = [p.resolve() for p in args.files] or [p for p in files(["src", "tests"], {".cpp"}) if str(p) in built]
    known = {}
    keys = {path: key(path, ROOT, salt, known) for path in paths}
    remembered = set() if args.all else {name.name for name in memory().iterdir()}
    todo = by_age(path for path in paths if keys[path] not in remembered)
    faults = self_test(tidy)
    said, left = work(tidy, args.build, todo, args.minutes * 60, lambda path: (memory() / keys[path]).touch())
    faults.extend(words for words in said.values() if words)
    well = f"tidy: {len(said)} sources looked at, {len(paths) - len(todo)} unchanged since they were clean"
    if left:
        well += f"; NOT looked at for want of time: {len(left)} (./test --long looks at all)"
    unique = sorted({line for fault in faults for line in fault.splitlines() if "note:" not in line})
    return finish(unique, well)


if __name__ == "__main__":
    sys.exit(main())
