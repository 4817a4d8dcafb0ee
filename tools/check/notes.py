#!/usr/bin/env python3
"""Checks that no file holds a note to oneself or a path of one machine, and that no large or binary file slipped in.

Looks at every file under version control. Texts of the notes are put together here so that this file does not hold them.
"""

import pathlib
import re
import sys
import tempfile

from source import ROOT, finish, tracked

NOTE = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
MACHINE = re.compile(r"(?<![\w.~/$}])/(home/(?!u\b)|root/|work/|Users/)\w")  # /home/u serves as an example
CONFLICT = re.compile(r"^(<{7} |={7}$|>{7} )", re.M)
LARGEST = 1_000_000
EXEMPT = ("LICENSE",)


def check(paths, root):
    faults = []
    for path in paths:
        name = path.relative_to(root).as_posix()
        data = path.read_bytes()
        if len(data) > LARGEST:
            faults.append(f"{name}: {len(data)} bytes; a file here has at most {LARGEST}")
        if b"\0" in data[:8000] or name in EXEMPT:
            continue
        text = data.decode("utf-8", "replace")
        for number, line in enumerate(text.split("\n"), 1):
            if match := NOTE.search(line):
                faults.append(f"{name}:{number}: a note to oneself ({match.group(1)}): do it, or write an issue")
            if MACHINE.search(line):
                faults.append(f"{name}:{number}: a path of one machine")
        if CONFLICT.search(text):
            faults.append(f"{name}: marks of a merge")
    return faults


def self_test():
    plants = {
        "good": ("x = 1  # as in ~/.local/home/x and $HOME/work/y or /home/u/z\n", None),
        "a note": ("// TO" + "DO: later\n", "a note to oneself"),
        "part of a word": ("AUTO" + "TODOX\n", None),
        "a path": ('open("/ho' + 'me/ann/x")\n', "a path of one machine"),
        "a merge": ("a\n" + "<" * 7 + " HEAD\n", "marks of a merge"),
        "a large file": ("a" * (LARGEST + 1), "at most"),
    }
    missed = []
    for what, (text, expected) in plants.items():
        with tempfile.TemporaryDirectory() as scratch:
            path = pathlib.Path(scratch) / "a.txt"
            path.write_text(text)
            faults = check([path], pathlib.Path(scratch))
        if (expected is None and faults) or (expected and not any(expected in fault for fault in faults)):
            missed.append(f"self-test: {what}: got {faults or 'no fault'}")
    return missed


if __name__ == "__main__":
    sys.exit(finish(self_test() + check(tracked(), ROOT), "notes: none left, and no path of one machine"))
