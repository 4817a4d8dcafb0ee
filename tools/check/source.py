"""What the checks share: the files of the project, C++ without comments and texts, and how a check ends."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Comments, raw texts, texts and characters, in the order in which C++ sees them. A ' inside a number is no character.
PIECE = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r'|R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.S,
)


def blank(code):
    """C++ code with comments and the insides of texts replaced by blanks; lines keep their numbers."""

    def replace(match):
        piece = match.group(0)
        inside = re.sub(r"[^\n]", " ", piece)
        return inside if piece.startswith("/") else '"' + inside[1:-1] + '"'

    return PIECE.sub(replace, code)


def files(folders, endings, root=ROOT):
    """Paths below the folders that have one of the endings, sorted. Folders that are not there have none."""
    found = (path for folder in folders for path in (root / folder).rglob("*") if path.suffix in endings)
    return sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)


def tracked(root=ROOT):
    """Every file under version control, or that would be if it were added; the owner of the folder does not matter."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=root, capture_output=True, check=True)  # fmt: skip
    return [root / name for name in listed.stdout.decode().split("\0") if name and (root / name).is_file()]


def program(name):
    """The newest of name-19 and name on the PATH. Ends the check where there is neither."""
    import shutil

    found = shutil.which(f"{name}-19") or shutil.which(name)
    if not found:
        sys.exit(f"{name} is missing: ./test installs it (tools/packages.txt)")
    return found


def finish(faults, well):
    """Prints the faults, or the sentence that all is well; the exit code."""
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(faults)} faults" if faults else well)
    return 1 if faults else 0
