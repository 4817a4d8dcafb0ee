#!/usr/bin/env python3
"""Writes docs/commands.md from what the program says about itself, or checks that it is up to date.

usage: commands_page.py POMONA [--check]
"""

import difflib
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parents[1] / "docs" / "commands.md"
HEAD = """# Commands

What `pomona help` says, all on one page. Written by `tools/commands_page.py`; `./test` compares it with the program.
`--json` and the exit codes are for scripts: fields may be added, never renamed.

"""


def say(program, *words):
    """Help text as the program writes it into a pipe."""
    done = subprocess.run([program, *words], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    return re.sub(r" +$", "", done.stdout, flags=re.M).rstrip()


def page(program):
    overview = say(program)
    parts = [HEAD, "```text\n" + overview + "\n```\n"]
    parts += [f"\n## {name}\n\n```text\n{say(program, 'help', name)}\n```\n" for name in commands(overview)]
    return "".join(parts)


def commands(overview):
    """Names of the sub-commands: the first words of the rows under the headings after the first."""
    rows = overview.split("\n\n", 2)[2]
    return re.findall(r"^  ([a-z]+) ", rows, flags=re.M)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    wanted = page(pathlib.Path(sys.argv[1]).resolve())
    if "--check" not in sys.argv:
        PAGE.write_text(wanted)
        return 0
    there = PAGE.read_text() if PAGE.is_file() else ""
    if there == wanted:
        print("commands: docs/commands.md is what the program says")
        return 0
    print("\n".join(list(difflib.unified_diff(there.splitlines(), wanted.splitlines(), "docs/commands.md", "pomona help", "", "", 1))[:30]))
    print("docs/commands.md is out of date: python3 tools/commands_page.py build/release/pomona")
    return 1


if __name__ == "__main__":
    sys.exit(main())
