#!/usr/bin/env python3
"""Looks into the objects of the kernels that are compiled once per level (src/kernel/isa).

1. No weak symbols: the linker keeps one copy of those for the whole program, and it may be the one that
   only the newest processors can run.
2. No vector register is kept on the stack inside a loop of a micro-kernel (functions named *_micro): that
   is an accumulator that did not fit, and costs half of the speed.

Usage: kernels.py BUILD_DIR. Ends with 1 and one line for each fault.
"""
import pathlib
import re
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s*(\S+)\s*(.*)$")
STACK_VECTOR = re.compile(r"%[yz]mm.*\(%r[sb]p\)|\(%r[sb]p\).*%[yz]mm")


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def weak_symbols(obj):
    for line in output_of("nm", "--defined-only", "-C", obj).splitlines():
        _, kind, name = line.split(maxsplit=2)
        if kind in "WVu":
            yield f"{obj}: weak symbol {name}"


def functions(obj):
    """(name, [(address, mnemonic, operands)]) of each function."""
    name, body = None, []
    for line in output_of("objdump", "-d", "-C", "--no-show-raw-insn", obj).splitlines():
        if match := FUNCTION.match(line):
            if name:
                yield name, body
            name, body = match.group(1), []
        elif match := INSTRUCTION.match(line):
            body.append((int(match.group(1), 16), match.group(2), match.group(3)))
    if name:
        yield name, body


def loops(body):
    """(first, last) addresses between a backward jump's target and the jump, innermost only."""
    spans = []
    for address, mnemonic, operands in body:
        target = re.match(r"([0-9a-f]+) <", operands)
        if mnemonic.startswith("j") and target and int(target.group(1), 16) <= address:
            spans.append((int(target.group(1), 16), address))
    return [s for s in spans if not any(o != s and s[0] <= o[0] and o[1] <= s[1] for o in spans)]


def spills(obj):
    for name, body in functions(obj):
        if "_micro" not in name:
            continue
        for first, last in loops(body):
            count = sum(1 for a, _, operands in body if first <= a <= last and STACK_VECTOR.search(operands))
            if count:
                yield f"{obj}: {count} vector stack references in a loop of {name}"


def main():
    objects = sorted(str(p) for p in pathlib.Path(sys.argv[1]).glob("CMakeFiles/pomona_kernels_*.dir/src/kernel/isa/*.o"))
    if not objects:
        sys.exit(f"{sys.argv[1]}: no kernel objects here; build first")
    faults = [fault for obj in objects for check in (weak_symbols, spills) for fault in check(obj)]
    print("\n".join(faults) if faults else f"{len(objects)} kernel objects: no weak symbols, no spilled accumulators")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
