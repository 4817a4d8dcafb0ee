"""What is recorded beside every figure: processor, system, commit and versions."""

import os
import pathlib
import platform
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]


def processor():
    """The processor's name and the instruction sets that matter here."""
    text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields = {}
    for line in text.split("\n\n")[0].splitlines():
        key, _, value = line.partition(":")
        fields[key.strip()] = value.strip()
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile")
    flags = set(fields.get("flags", "").split())
    return {
        "name": fields.get("model name", platform.machine()),
        "family_model": f"{fields.get('cpu family', '?')}/{fields.get('model', '?')}",
        "cores": os.cpu_count(),
        "flags": [w for w in wanted if w in flags],
    }


def commit():
    """The commit this tree stands on, with "+" when tracked files differ from it."""
    head = _git("rev-parse", "--short=12", "HEAD")
    return head + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*arguments):
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True,
                          check=False)  # fmt: skip
    return done.stdout.strip() or ("" if arguments[0] == "status" else "unknown")


def version_of(program):
    done = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[0] if done.returncode == 0 else "unknown"


def facts(pomona, peer):
    """Everything that is the same for all rows of a bench."""
    return {
        "processor": processor(),
        "kernel": platform.release(),
        "commit": commit(),
        "pomona": version_of(pomona),
        "peer": f"{peer.NAME} ({peer.PACKAGE})",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
