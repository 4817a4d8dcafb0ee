#!/usr/bin/env python3
"""Checks who includes whom: a file of src/ may include its own folder and those listed earlier in docs/architecture.md.

The folder list there is the rule. Folders under a heading that says "independent" may not include each other, save
what the heading allows ("save that A and B may use C"). A library's headers may be included by one folder alone, or by
any: the table of docs/decisions.md says which. Headers of the system are free; others are faults. Also refused: circles between
headers.
"""

import pathlib
import re
import sys
import tempfile

from source import ROOT, files, finish

FOLDER = re.compile(r"^  ([a-z]+)/ +\S")
HEADING = re.compile(r"^  -- (.*?) --$")
EXCEPTION = re.compile(r"save that ([a-z, ]+?) may use ([a-z]+)")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)
LIBRARY = re.compile(r"^\| [^|]+\| `<([^>`]+)>` \| (?:`([a-z]+)/`|any) \|", re.M)
SYSTEM = re.compile(
    r"^(unistd|fcntl|poll|spawn|signal|sched|termios|pthread|netdb|dlfcn|immintrin)\.h$"
    r"|^(sys|netinet|arpa|linux)/[a-z_]+\.h$"
)


class Rule:
    """Order of the folders, their boxes, and the homes of libraries."""

    def __init__(self, architecture, decisions):
        self.order, self.box, self.allowed = [], {}, set()
        listing = architecture.split("\nsrc/\n", 1)[-1]
        heading = ""
        for line in listing.splitlines():
            if line and not line.startswith(" "):
                break
            if match := HEADING.match(line):
                heading = match.group(1)
                for users, used in EXCEPTION.findall(heading):
                    self.allowed.update((user, used) for user in re.split(r",? and |, ", users))
            elif match := FOLDER.match(line):
                self.order.append(match.group(1))
                self.box[match.group(1)] = heading if "independent" in heading else None
        self.home = {prefix.rstrip(".*"): folder for prefix, folder in LIBRARY.findall(decisions)}

    def objection(self, user, used):
        """Why folder user may not include folder used; empty when it may."""
        for folder in (user, used):
            if folder not in self.order:
                return f"folder {folder}/ is not in the list of docs/architecture.md"
        if self.order.index(used) > self.order.index(user):
            return f"{used}/ comes after {user}/ in docs/architecture.md"
        box = self.box[user]
        if used != user and box and box == self.box[used] and (user, used) not in self.allowed:
            return f"{user}/ and {used}/ are independent of each other in docs/architecture.md"
        return ""

    def foreign(self, user, header):
        """Why folder user may not include <header>; empty when it may."""
        if re.fullmatch(r"[a-z_]+", header) or SYSTEM.match(header):
            return ""
        for prefix, folder in self.home.items():
            if header.startswith(prefix):
                return "" if folder in ("", user) else f"<{header}> belongs to {folder}/ alone (docs/decisions.md)"
        return f"<{header}> is of no library in the table of docs/decisions.md"


def circles(graph):
    """Headers that reach themselves, as 'a -> b -> a'; one for each circle found."""
    found, done = [], set()

    def visit(name, path):
        if name in path:
            found.append(" -> ".join(path[path.index(name) :] + [name]))
        elif name not in done:
            for used in graph.get(name, ()):
                visit(used, path + [name])
            done.add(name)

    for name in graph:
        visit(name, [])
    return found


def check(root):
    rule = Rule((root / "docs/architecture.md").read_text(), (root / "docs/decisions.md").read_text())
    faults, graph = [], {}
    if not rule.order or not rule.home:
        faults.append("docs/architecture.md or docs/decisions.md: the list of folders or of libraries is missing")
    for path in files(["src"], {".h", ".cpp"}, root):
        name = path.relative_to(root / "src").as_posix()
        code = path.read_text()
        for match in INCLUDE.finditer(code):
            kind, header = match.groups()
            where = f"src/{name}:{code.count(chr(10), 0, match.start(2)) + 1}"
            if kind == '"':
                if not (root / "src" / header).is_file():
                    faults.append(f'{where}: "{header}" is not a path below src/')
                    continue
                graph.setdefault(name, []).append(header)
                why = rule.objection(name.split("/")[0], header.split("/")[0])
            else:
                why = rule.foreign(name.split("/")[0], header)
            if why:
                faults.append(f"{where}: {why}")
    return faults + [f"src/: headers include each other: {circle}" for circle in circles(graph)]


def self_test():
    """Plants one fault of each kind and returns those that went unnoticed."""
    architecture = "x\nsrc/\n  base/   a\n  op/     b\n  -- makers (independent, save that align may use train) --\n"
    architecture += "  train/  c\n  align/  d\n  diffuse/ e\n  -- faces --\n  cli/    f\n  web/    g\nend\n"
    decisions = "| JSON | `<nlohmann/...>` | `base/` | why |\n| text | `<fmt/...>` | any | why |\n"
    plants = {
        "an earlier folder": ("op/a.cpp", '#include "base/b.h"\n', None),
        "faces may use each other": ("web/a.cpp", '#include "cli/b.h"\n', None),
        "an allowed sibling": ("align/a.cpp", '#include "train/b.h"\n', None),
        "a later folder": ("base/a.cpp", '#include <map>\n#include "op/b.h"\n', "src/base/a.cpp:2: op/ comes after"),
        "a sibling": ("diffuse/a.cpp", '#include "train/b.h"\n', "independent of each other"),
        "the allowance is one-way": ("train/a.cpp", '#include "align/b.h"\n', "comes after"),
        "an unknown folder": ("misc/a.cpp", '#include "base/b.h"\n', "is not in the list"),
        "a library at home": ("base/a.h", "#include <nlohmann/json.hpp>\n", None),
        "a library for all": ("op/a.h", "#include <fmt/format.h>\n", None),
        "a library elsewhere": ("op/a.h", "#include <nlohmann/json.hpp>\n", "belongs to base/"),
        "an unknown library": ("op/a.h", "#include <boost/any.hpp>\n", "is of no library"),
        "a system header": ("op/a.h", "#include <sys/mman.h>\n", None),
        "a relative path": ("op/a.h", '#include "b.h"\n', "is not a path below src/"),
        "a circle": ("op/b.h", '#include "op/c.h"\n', "op/b.h -> op/c.h -> op/b.h"),
    }
    missed = []
    for what, (name, code, expected) in plants.items():
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch)
            for folder in ("base", "op", "train", "align", "diffuse", "cli", "web", "misc"):
                (root / "src" / folder).mkdir(parents=True)
                (root / "src" / folder / "b.h").write_text("")
            (root / "src/op/c.h").write_text('#include "op/b.h"\n')
            (root / "docs").mkdir()
            (root / "docs/architecture.md").write_text(architecture)
            (root / "docs/decisions.md").write_text(decisions)
            (root / "src" / name).write_text(code)
            faults = check(root)
        if (expected is None and faults) or (expected and not any(expected in fault for fault in faults)):
            missed.append(f"self-test: {what}: got {faults or 'no fault'}")
    return missed


if __name__ == "__main__":
    sys.exit(finish(self_test() + check(ROOT), "layers: every include goes down"))
