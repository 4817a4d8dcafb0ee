#!/usr/bin/env python3
"""Checks the symbols of kernel objects: those compiled for one instruction set must not leak into the rest.

usage: symbols.py BUILD_FOLDER

A weak symbol (an inline function of a header, a template of std::) in an object compiled with AVX-512 may be the copy
that the linker keeps for the whole program, which then ends with SIGILL on a lesser processor. So a kernel object
defines no weak symbol, and every global one lies in the namespace of its own level (or is an extern "C" name that
contains the level).
"""

import pathlib
import re
import subprocess
import sys
import tempfile

from source import finish

LEVEL = re.compile(r"pomona_kernels_([a-z0-9]+)\.dir")
WEAK = set("WwVvu")
GLOBAL = set("TDBRGSC")


def symbols(path):
    """(type, demangled name) of each symbol that an object defines."""
    listed = subprocess.run(["nm", "--defined-only", "-C", path], capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        match = re.match(r"[0-9a-f]* +([A-Za-z]) (.*)", line)
        if match:
            yield match.groups()


def check(build, expected_levels=("portable",)):
    faults, levels = [], set()
    for path in sorted(pathlib.Path(build).rglob("*.o")):
        match = LEVEL.search(str(path))
        if not match:
            continue
        level = match.group(1)
        levels.add(level)
        for kind, name in symbols(path):
            where = f"{level}/{path.name}"
            if kind in WEAK:
                faults.append(f"{where}: weak symbol {name}: the linker may keep it for the whole program")
            elif kind in GLOBAL and level not in re.split(r"\W+|_", name.split("(")[0]):
                faults.append(f"{where}: global symbol {name} is not in namespace {level}")
    for level in expected_levels:
        if level not in levels:
            faults.append(f"{build}: no kernel objects of level {level}: build first")
    return faults


def self_test():
    """Compiles one fault of each kind and returns those that went unnoticed."""
    plants = {
        "a good kernel": ("namespace avx2 { static int g(int x) { return x; } int f(int x) { return g(x); } }", None),
        "an inline function": ("inline int h(int x) { return x; } namespace avx2 { auto p = h; }", "weak symbol h"),
        "std::": ("#include <vector>\nnamespace avx2 { int f(std::vector<int>& v) { v.push_back(1); return v[0]; } }",
                  "weak symbol std::vector"),
        "another namespace": ("namespace avx512 { int f() { return 1; } }", "avx512::f() is not in namespace avx2"),
    }  # fmt: skip
    missed = []
    for what, (code, expected) in plants.items():
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch) / "pomona_kernels_avx2.dir"
            folder.mkdir()
            subprocess.run(["g++", "-std=c++20", "-O0", "-xc++", "-c", "-", "-o", folder / "a.o"],
                           input=code, text=True, check=True)  # fmt: skip
            faults = check(scratch, ("avx2",))
        if (expected is None and faults) or (expected and not any(expected in fault for fault in faults)):
            missed.append(f"self-test: {what}: got {faults or 'no fault'}")
    if not check(tempfile.gettempdir() + "/no such folder"):
        missed.append("self-test: a folder without objects went unnoticed")
    return missed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(finish(self_test() + check(sys.argv[1]), "symbols: kernel objects keep to themselves"))
