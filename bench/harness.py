"""What a bench is: rows of commands to run side by side, and the metrics read from their output."""

import dataclasses
import json
import subprocess
from collections.abc import Callable

import protocol


@dataclasses.dataclass(frozen=True)
class Metric:
    """One figure of a row. `pomona` and `peer` read it from the text a program printed.

    `roof` turns the measured roofs into this metric's unit; None where there is no roof.
    `bar`: the ratio that must be reached, None where the figure is only told.
    """

    name: str
    unit: str
    pomona: Callable[[str], float]
    peer: Callable[[str], float]
    roof: Callable[[dict], float] | None = None
    bar: float | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    """One comparison: both commands print what the metrics read, `roofs` names the roofs used."""

    label: str
    threads: int
    pomona: list
    peer: list
    roof: list
    roofs: tuple
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


def run_row(row, tuples, attempts, limits, environment, patience, note):
    """Measures one row -> a dict for the results file."""

    def roof():
        measured = json.loads(call(row.roof, environment))["roof"]
        return {name: measured[name] for name in row.roofs}

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
    admitted, reasons = protocol.measure(take_one, tuples, attempts, note)
    return {
        "label": row.label,
        "threads": row.threads,
        "isa": sorted(isa),
        "pomona_command": [str(c) for c in row.pomona],
        "peer_command": [str(c) for c in row.peer],
        "peer_settings": row.peer_settings,
        "discarded": reasons,
        "tuples": [dataclasses.asdict(t) for t in admitted],
        "metrics": [summary(m, admitted, tuples) for m in row.metrics],
    }


def summary(metric, admitted, wanted):
    """Medians and quartiles of one metric over the admitted tuples; `kept` is None without a bar or
    with too few tuples to judge."""
    result = {"name": metric.name, "unit": metric.unit, "bar": metric.bar, "n": len(admitted),
              "kept": None}  # fmt: skip
    if not admitted:
        return result
    result["ratio"] = protocol.quartiles([t.ratio(metric.name) for t in admitted])
    result["pomona"] = protocol.quartiles([t.pomona[metric.name] for t in admitted])
    result["peer"] = protocol.quartiles([t.peer(metric.name) for t in admitted])
    if metric.roof:
        roofs = [metric.roof({n: t.roof(n) for n in t.roof_before}) for t in admitted]
        result["roof"] = protocol.quartiles(roofs)
    if metric.bar is not None and len(admitted) >= wanted:
        result["kept"] = result["ratio"][1] >= metric.bar
    return result
