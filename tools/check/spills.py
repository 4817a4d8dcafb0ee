#!/usr/bin/env python3
"""Checks that micro-kernels keep their accumulators in registers: no vector register meets the stack in a loop.

usage: spills.py BUILD_FOLDER

Looks at the functions named *_micro in the objects of the levels avx512 (zmm registers) and avx2 (ymm). A loop is what lies between a backward jump and its
target; only innermost loops count, since an outer one may well reload what an inner one does not touch.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

from source import finish

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\t(.*)$")
JUMP = re.compile(r"^j[a-z]+ +([0-9a-f]+)")
STACK = re.compile(r"\((%rsp|%rbp)[,)]")
LEVELS = {"avx512": "zmm", "avx2": "ymm"}
MICRO = re.compile(r"_micro(?=[<(]|$)")


def disassemble(path):
    """{demangled function: [(address, instruction)]}"""
    dump = subprocess.run(["objdump", "-d", "-C", "--no-show-raw-insn", path], capture_output=True, text=True, check=True)
    functions, body = {}, []
    for line in dump.stdout.splitlines():
        if match := FUNCTION.match(line):
            body = functions.setdefault(match.group(1), [])
        elif match := INSTRUCTION.match(line):
            body.append((int(match.group(1), 16), match.group(2)))
    return functions


def inner_loops(body):
    """(first, last) addresses of the loops that hold no other loop."""
    loops = []
    for address, text in body:
        match = JUMP.match(text)
        if match and body[0][0] <= int(match.group(1), 16) <= address:
            loops.append((int(match.group(1), 16), address))
    return [a for a in loops if not any(b != a and a[0] <= b[0] and b[1] <= a[1] for b in loops)]


def spills(body, register):
    """Instructions in inner loops that name a register of that kind and the stack."""
    loops = inner_loops(body)
    return [
        text
        for address, text in body
        if "%" + register in text and STACK.search(text) and any(low <= address <= high for low, high in loops)
    ]


def check(build, levels=tuple(LEVELS)):
    faults = []
    for level in levels:
        seen = 0
        for path in sorted(pathlib.Path(build).rglob("*.o")):
            if f"pomona_kernels_{level}.dir" not in str(path):
                continue
            for function, body in disassemble(path).items():
                if not MICRO.search(function) or not body:
                    continue
                seen += 1
                found = spills(body, LEVELS[level])
                if found:
                    where = f"{level}/{path.name}: {function}"
                    faults.append(f"{where}: {len(found)} stack references in a loop, first: {found[0]}")
        if not seen:
            faults.append(f"{build}: no function named *_micro in objects of level {level}: build first")
    return faults


def self_test():
    """Assembles one fault of each kind and returns those that went unnoticed."""
    loop = "f_micro:\n{before}\n1: vaddps %zmm0, %zmm1, %zmm1\n{inside}\n dec %rax\n jne 1b\n{after}\n ret\n"
    load, store = "vmovups 64(%rsp), %zmm2", "vmovaps %zmm3, -128(%rbp)"
    plants = {
        "outside the loop": (loop.format(before=load, inside="", after=store), None),
        "a load": (loop.format(before="", inside=load, after=""), "1 stack references"),
        "a store": (loop.format(before="", inside=store, after=""), "1 stack references"),
        "an operand": (loop.format(before="", inside="vaddps 64(%rsp,%rcx), %zmm4, %zmm4", after=""), "1 stack"),
        "other memory": (loop.format(before="", inside="vmovups (%rdi), %zmm2", after=""), None),
        "a lesser register": (loop.format(before="", inside="mov 8(%rsp), %rdx", after=""), None),
        "another function": (loop.format(before="", inside=load, after="").replace("f_micro", "f_macro"), "no function"),
        "an outer loop": (f"f_micro:\n2: {load}\n1: vaddps %zmm0, %zmm1, %zmm1\n dec %rax\n jne 1b\n dec %rdx\n"
                          " jne 2b\n ret\n", None),
    }  # fmt: skip
    missed = []
    for what, (code, expected) in plants.items():
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch) / "pomona_kernels_avx512.dir"
            folder.mkdir()
            subprocess.run(["as", "-", "-o", folder / "a.o"], input=".text\n.globl f_micro\n" + code, text=True, check=True)
            faults = check(scratch, ("avx512",))
        if (expected is None and faults) or (expected and not any(expected in fault for fault in faults)):
            missed.append(f"self-test: {what}: got {faults or 'no fault'}")
    return missed


if __name__ == "__main__":
    import platform

    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if platform.machine() != "x86_64":
        print("spills: only x86-64 has these levels")
        sys.exit(0)
    sys.exit(finish(self_test() + check(sys.argv[1]), "spills: micro-kernels keep their sums in registers"))
