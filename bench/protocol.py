"""The measuring protocol (conventions.md, Speed claims).

One tuple is roof, peer, Pomona, peer, roof within a minute. It is discarded for foreign CPU use, for
steal or for taking too long, and for the metrics whose own roof moved: never for a speed. What
counts is the median of the tuples' ratios, with quartiles.
"""

import dataclasses
import os
import resource
import statistics
import time


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a tuple may suffer and still be admitted."""

    foreign_cores: float = 0.05  # mean number of cores that other processes kept busy
    stolen_cores: float = 0.02  # mean number of cores that the hypervisor took away
    roof_difference: float = 0.05  # of the two roofs, relative to the larger
    seconds: float = 60.0


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """Seconds since boot: of CPU time anyone used or that was stolen, of our own, and of the clock."""

    busy: float
    stolen: float
    own: float
    clock: float

    @staticmethod
    def now():
        with open("/proc/stat", encoding="ascii") as stat:
            busy, stolen = parse_stat(stat.readline())
        used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        own = sum(u.ru_utime + u.ru_stime for u in used)
        return Snapshot(busy, stolen, own, time.monotonic())


def parse_stat(line):
    """The first line of /proc/stat -> (busy, stolen) seconds; guest time is part of user time."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[1:9])
    tick = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) / tick, steal / tick


@dataclasses.dataclass(frozen=True)
class Disturbance:
    """What else happened between two snapshots, as mean numbers of cores."""

    foreign_cores: float
    stolen_cores: float
    seconds: float

    @staticmethod
    def between(first, last):
        seconds = max(last.clock - first.clock, 1e-9)
        foreign = (last.busy - first.busy) - (last.own - first.own)
        return Disturbance(
            max(0.0, foreign / seconds), (last.stolen - first.stolen) / seconds, seconds
        )


def reason_to_discard(disturbance, limits):
    """Why a tuple does not count for any metric, or None."""
    if disturbance.foreign_cores > limits.foreign_cores:
        return f"foreign CPU use of {disturbance.foreign_cores:.2f} cores"
    if disturbance.stolen_cores > limits.stolen_cores:
        return f"steal of {disturbance.stolen_cores:.2f} cores"
    if disturbance.seconds > limits.seconds:
        return f"took {disturbance.seconds:.0f} s"
    return None


def moved_roofs(before, after, limits):
    """{name: sentence} of the roofs that differ by more than the limit; no speed is seen."""
    return {
        name: f"{name} went from {value:.4g} to {after[name]:.4g}"
        for name, value in before.items()
        if abs(value - after[name]) > limits.roof_difference * max(value, after[name])
    }


@dataclasses.dataclass(frozen=True)
class Tuple:
    """One measurement: values by metric name, roofs by roof name."""

    roof_before: dict
    peer_before: dict
    pomona: dict
    peer_after: dict
    roof_after: dict
    disturbance: Disturbance
    discarded: str | None
    moved: dict

    def reason(self, roof):
        """Why this tuple does not count for a metric under that roof (None: under none), or None."""
        return self.discarded or self.moved.get(roof)

    def peer(self, metric):
        return (self.peer_before[metric] + self.peer_after[metric]) / 2

    def ratio(self, metric):
        """Pomona's rate over the peer's, which is the mean of before and after."""
        return self.pomona[metric] / self.peer(metric)

    def roof(self, name):
        """The better of the two: a roof is the best that was seen."""
        return max(self.roof_before[name], self.roof_after[name])


def take(roof, peer, pomona, limits, snapshot=Snapshot.now):
    """Runs the five steps (functions that return dicts) and judges the tuple."""
    first = snapshot()
    steps = [step() for step in (roof, peer, pomona, peer, roof)]
    disturbance = Disturbance.between(first, snapshot())
    return Tuple(*steps, disturbance, reason_to_discard(disturbance, limits),
                 moved_roofs(steps[0], steps[4], limits))  # fmt: skip


def measure(take_one, roofs, wanted, attempts, note):
    """Takes tuples until each of the roofs has `wanted` that count under it, or `attempts` were made.

    -> all tuples, in order, those that count for nothing too.
    """
    tuples = []
    for _ in range(attempts):
        one = take_one()
        tuples.append(one)
        counts = [sum(t.reason(roof) is None for t in tuples) for roof in roofs]
        note(f"{min(counts)} of {wanted}" + "".join(f"; {r}" for r in reasons_of(one)))
        if min(counts) >= wanted:
            break
    return tuples


def reasons_of(one):
    """The sentences that say for what this tuple does not count, and why."""
    return [one.discarded] if one.discarded else list(one.moved.values())


def wait_for_quiet(limits, patience, snapshot=Snapshot.now, sleep=time.sleep):
    """Waits until a second passes without disturbance, at most `patience` seconds; True if quiet."""
    waited = 0
    while True:
        first = snapshot()
        sleep(1)
        seen = Disturbance.between(first, snapshot())
        if seen.foreign_cores <= limits.foreign_cores and seen.stolen_cores <= limits.stolen_cores:
            return True
        waited += 1
        if waited >= patience:
            return False


def quartiles(values):
    """(lower quartile, median, upper quartile), by linear interpolation; needs one value at least."""
    if len(values) == 1:
        return (values[0],) * 3
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high
