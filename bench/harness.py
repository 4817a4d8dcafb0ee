"""What a bench is: rows of commands to run side by side, and the metrics read from their output."""

import dataclasses
import json
import pathlib
import subprocess
from collections.abc import Callable

import protocol


@dataclasses.dataclass(frozen=True)
class Metric:
    """One figure of a row. `pomona` and `peer` read it from the text a program printed.

    `limit` names the roof it stands under; `roof` turns that into this metric's unit. Both are None
    where there is no roof.
    `bar`: the ratio that must be reached, None where the figure is only told.
    """

    name: str
    unit: str
    pomona: Callable[[str], float]
    peer: Callable[[str], float]
    limit: str | None = None
    roof: Callable[[float], float] | None = None
    bar: float | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    """One comparison: both commands print what the metrics read."""

    label: str
    threads: int
    pomona: list
    peer: list
    roof: list
    metrics: tuple
    peer_settings: str = ""


def field(name):
    """Reads one number from a JSON object that a program printed."""
    return lambda output: float(json.loads(output)[name])


def call(command, environment):
    """Standard output of a command; its failure ends the bench with the command and its message."""
    command = [str(c) for c in command]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        tail = done.stderr.strip().splitlines()[-3:]
        raise SystemExit(f"{' '.join(command)}\nended with {done.returncode}: " + "\n".join(tail))
    return done.stdout


def portable(command):
    """The words of a command without the folders of this machine."""
    return [pathlib.PurePath(str(c)).name if "/" in str(c) else str(c) for c in command]


def run_row(row, tuples, attempts, limits, environment, patience, note):
    """Measures one row -> a dict for the results file."""

    roof_names = {m.limit for m in row.metrics}

    def roof():
        measured = json.loads(call(row.roof, environment))["roof"]
        return {name: measured[name] for name in roof_names if name}

    def peer():
        output = call(row.peer, environment)
        return {m.name: m.peer(output) for m in row.metrics}

    isa = set()

    def pomona():
        output = call(row.pomona, environment)
        isa.add(json.loads(output).get("isa", "unknown"))
        return {m.name: m.pomona(output) for m in row.metrics}

    def take_one():
        protocol.wait_for_quiet(limits, patience)
        return protocol.take(roof, peer, pomona, limits)

    for warm in (row.pomona, row.peer):  # files into the page cache, before anything counts
        call(warm, environment)
    taken = protocol.measure(take_one, roof_names, tuples, attempts, note)
    return {
        "label": row.label,
        "threads": row.threads,
        "isa": sorted(isa),
        "pomona_command": portable(row.pomona),
        "peer_command": portable(row.peer),
        "peer_settings": row.peer_settings,
        "discarded": [reason for t in taken for reason in protocol.reasons_of(t)],
        "tuples": [dataclasses.asdict(t) for t in taken],
        "metrics": [summary(m, taken, tuples) for m in row.metrics],
    }


def summary(metric, taken, wanted):
    """Medians and quartiles of one metric over the tuples that count for it; `kept` is None without
    a bar or with too few tuples to judge."""
    admitted = [t for t in taken if t.reason(metric.limit) is None]
    result = {"name": metric.name, "unit": metric.unit, "bar": metric.bar, "n": len(admitted),
              "kept": None}  # fmt: skip
    if not admitted:
        return result
    result["ratio"] = protocol.quartiles([t.ratio(metric.name) for t in admitted])
    result["pomona"] = protocol.quartiles([t.pomona[metric.name] for t in admitted])
    result["peer"] = protocol.quartiles([t.peer(metric.name) for t in admitted])
    if metric.roof:
        roofs = [metric.roof(t.roof(metric.limit)) for t in admitted]
        result["roof"] = protocol.quartiles(roofs)
    if metric.bar is not None and len(admitted) >= wanted:
        result["kept"] = result["ratio"][1] >= metric.bar
    return result
