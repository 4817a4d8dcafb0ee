"""Admission, statistics, reports and the agreement count of bench/, with a fake program."""

import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "bench" / "agreement")]
import agreement  # noqa: E402
import harness  # noqa: E402
import inference  # noqa: E402
import protocol  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402
from peers import llama_cpp  # noqa: E402

FAKE = [sys.executable, str(pathlib.Path(__file__).with_name("fake_program.py"))]
LIMITS = protocol.Limits()
QUIET = protocol.Disturbance(foreign_cores=0.0, stolen_cores=0.0, seconds=20.0)
NO_LIMITS = protocol.Limits(foreign_cores=99, stolen_cores=99, roof_difference=99, seconds=999)


def discard(disturbance=QUIET):
    return protocol.reason_to_discard(disturbance, LIMITS)


def moved(before, after):
    return protocol.moved_roofs({"r": before, "s": 1.0}, {"r": after, "s": 1.0}, LIMITS)


class Admission(unittest.TestCase):
    def test_quiet_tuple_counts(self):
        self.assertIsNone(discard())

    def test_each_reason_has_its_limit(self):
        for disturbance, word in [
            (protocol.Disturbance(0.06, 0.0, 20.0), "foreign"),
            (protocol.Disturbance(0.0, 0.03, 20.0), "steal"),
            (protocol.Disturbance(0.0, 0.0, 61.0), "took"),
        ]:
            self.assertIn(word, discard(disturbance))
        self.assertIsNone(discard(protocol.Disturbance(0.05, 0.02, 60.0)))

    def test_roofs_may_differ_by_five_percent_either_way(self):
        self.assertEqual(moved(95.0, 100.0), {})
        self.assertEqual(moved(100.0, 95.0), {})
        self.assertEqual(moved(94.9, 100.0), {"r": "r went from 94.9 to 100"})
        self.assertEqual(moved(100.0, 94.9), {"r": "r went from 100 to 94.9"})

    def test_stat_line(self):
        # user nice system idle iowait irq softirq steal guest guest_nice; guest is within user
        busy, stolen = protocol.parse_stat("cpu  100 20 30 4000 50 6 7 8 90 0")
        tick = 1 / protocol.os.sysconf("SC_CLK_TCK")
        self.assertAlmostEqual(busy, 163 * tick)
        self.assertAlmostEqual(stolen, 8 * tick)

    def test_own_children_are_not_foreign(self):
        first = protocol.Snapshot(busy=100.0, stolen=1.0, own=10.0, clock=0.0)
        last = protocol.Snapshot(busy=125.0, stolen=1.5, own=34.0, clock=10.0)
        seen = protocol.Disturbance.between(first, last)
        self.assertAlmostEqual(seen.foreign_cores, 0.1)
        self.assertAlmostEqual(seen.stolen_cores, 0.05)

    def test_a_busy_child_of_ours_is_seen_as_our_own(self):
        spin = "import time\nwhile time.process_time() < 0.3: pass"
        first = protocol.Snapshot.now()
        harness.call([sys.executable, "-c", spin], None)
        last = protocol.Snapshot.now()
        self.assertGreater(last.own - first.own, 0.29)


class Tuples(unittest.TestCase):
    def take(self, pomona, clock=(0.0, 20.0), roof_after=51.0):
        times = iter([protocol.Snapshot(0.0, 0.0, 0.0, c) for c in clock])
        peers = iter([{"x": 90.0}, {"x": 110.0}])
        roofs = iter([{"r": 50.0, "s": 7.0}, {"r": roof_after, "s": 7.0}])
        return protocol.take(lambda: next(roofs), lambda: next(peers), lambda: {"x": pomona},
                             LIMITS, lambda: next(times))  # fmt: skip

    def test_order_and_ratio(self):
        order = []
        steps = {n: (lambda n=n: order.append(n) or {"x": 1.0}) for n in ("roof", "peer", "pomona")}
        protocol.take(steps["roof"], steps["peer"], steps["pomona"], NO_LIMITS)
        self.assertEqual(order, ["roof", "peer", "pomona", "peer", "roof"])
        one = self.take(pomona=250.0)
        self.assertEqual(one.ratio("x"), 2.5)
        self.assertEqual(one.roof("r"), 51.0)

    def test_speed_never_discards(self):
        for speed in (1e-9, 1e9):
            self.assertIsNone(self.take(pomona=speed).discarded)
        self.assertIn("took", self.take(pomona=100.0, clock=(0.0, 70.0)).discarded)

    def test_measuring_stops_at_the_wanted_number_or_the_last_attempt(self):
        good, bad = self.take(1.0), self.take(1.0, clock=(0.0, 70.0))
        queue = iter([good, bad, good, good])
        quiet = lambda _: None  # noqa: E731
        self.assertEqual(len(protocol.measure(lambda: next(queue), {"r"}, 2, 10, quiet)), 3)
        self.assertEqual(len(protocol.measure(lambda: bad, {"r"}, 2, 3, quiet)), 3)

    def test_a_roof_that_moved_discards_for_its_own_metrics_alone(self):
        good, moved_r = self.take(1.0), self.take(1.0, roof_after=60.0)
        self.assertIn("r went", moved_r.reason("r"))
        self.assertIsNone(moved_r.reason("s"))
        self.assertIsNone(moved_r.reason(None))
        queue = iter([moved_r, good, good, good])
        taken = protocol.measure(lambda: next(queue), {"r", "s"}, 2, 10, lambda _: None)
        self.assertEqual(len(taken), 3)
        metric = harness.Metric("x", "1/s", None, None, limit="r", roof=lambda r: 2 * r)
        self.assertEqual(harness.summary(metric, taken, 2)["n"], 2)
        self.assertEqual(harness.summary(metric, taken, 2)["roof"][1], 102.0)

    def test_waiting_for_quiet_gives_up(self):
        clock = iter(range(100))
        noisy = lambda: protocol.Snapshot(next(clock) * 1.0, 0.0, 0.0, 1.0 * next(clock))  # noqa: E731
        self.assertFalse(protocol.wait_for_quiet(LIMITS, 3, noisy, lambda _: None))
        clock = iter(range(100))
        quiet = lambda: protocol.Snapshot(0.0, 0.0, 0.0, 1.0 * next(clock))  # noqa: E731
        self.assertTrue(protocol.wait_for_quiet(LIMITS, 3, quiet, lambda _: None))


class Statistics(unittest.TestCase):
    def test_quartiles(self):
        self.assertEqual(protocol.quartiles([5.0, 1.0, 4.0, 2.0, 3.0]), (2.0, 3.0, 4.0))
        self.assertEqual(protocol.quartiles([1.0, 2.0]), (1.25, 1.5, 1.75))
        self.assertEqual(protocol.quartiles([7.0]), (7.0, 7.0, 7.0))

    def test_a_bar_needs_enough_tuples(self):
        one = protocol.Tuple({}, {"x": 10.0}, {"x": 20.0}, {"x": 10.0}, {}, QUIET, None, {})
        metric = harness.Metric("x", "1/s", None, None, bar=1.5)
        self.assertIs(harness.summary(metric, [one] * 5, 5)["kept"], True)
        self.assertIsNone(harness.summary(metric, [one] * 4, 5)["kept"])
        self.assertIsNone(harness.summary(metric, [], 5)["kept"])
        higher = harness.Metric("x", "1/s", None, None, bar=2.1)
        self.assertIs(harness.summary(higher, [one] * 5, 5)["kept"], False)


class Running(unittest.TestCase):
    def measure(self):
        metrics = (
            harness.Metric("prefill", "tokens/s", harness.field("prefill_tokens_per_second"),
                           lambda out: llama_cpp.rate(out, prefill=512), "int8_gops",
                           inference.prefill_roof, 3.0),
            harness.Metric("decode", "tokens/s", harness.field("decode_tokens_per_second"),
                           lambda out: llama_cpp.rate(out, decode=128), bar=1.6),
        )  # fmt: skip
        row = harness.Row("peer <fake>", 1, FAKE + ["bench", "--prefill"], FAKE + ["peer"],
                          FAKE + ["bench", "--roof"], metrics)  # fmt: skip
        return harness.run_row(row, 2, 4, NO_LIMITS, None, 1, lambda _: None)

    def test_a_row_from_commands_to_report(self):
        row = self.measure()
        prefill, decode = row["metrics"]
        self.assertEqual((prefill["ratio"][1], prefill["kept"]), (4.0, True))
        self.assertEqual((decode["ratio"][1], decode["kept"]), (1.5, False))
        self.assertEqual(row["isa"], ["avx512"])
        self.assertEqual(row["peer_command"][1:], ["fake_program.py", "peer"])
        facts = {"processor": {"name": "CPU", "family_model": "1/2", "cores": 2}, "commit": "abc",
                 "pomona": "fake 1.0", "peer": "peer 1", "time": "2026-01-01T00:00:00Z"}  # fmt: skip
        row["discarded"] = ["steal of 0.30 cores", "steal of 0.10 cores"]
        with tempfile.TemporaryDirectory() as folder:
            result = {"bench": "x", "facts": facts, "rows": [row]}
            text = report.write(result, pathlib.Path(folder))
            picture = xml.parse(pathlib.Path(folder) / "x.svg").getroot()
        self.assertRegex(text, r"prefill, peer <fake> +1200.0 +300.0 +4.00 .* 3.0 .*ok")
        self.assertRegex(text, r"decode, peer <fake> +150.0 +100.0 +1.50 .*MISSED")
        self.assertIn("discarded of 2: steal of (2)", text)
        shapes = [e.get("class") for e in picture.iter() if e.get("class")]
        self.assertEqual([shapes.count(c) for c in ("bar", "peer", "roof")], [2, 2, 1])

    def test_a_failing_program_ends_the_bench_with_its_message(self):
        with self.assertRaisesRegex(SystemExit, "ended with 1: fake: no such model"):
            harness.call(FAKE + ["fail"], None)

    def test_a_bench_without_its_model_or_rows_says_so(self):
        with self.assertRaisesRegex(SystemExit, "needs the Q4_1 file .* got None"):
            run.main(["inference"])
        inference_rows, inference.rows = inference.rows, lambda *_: []
        try:
            with self.assertRaisesRegex(SystemExit, "no row of inference has 'x'"):
                run.main(["inference", "--only", "x"])
        finally:
            inference.rows = inference_rows

    def test_a_missing_test_in_the_peers_output(self):
        with self.assertRaisesRegex(ValueError, "no test of 7"):
            llama_cpp.rate("[]", prefill=7)


def said(best, second, margin):
    return {"tokens": [1, 2], "best": [5, best], "second": [6, second], "best_logit": [20.0, 20.0],
            "margin": [3.0, margin]}  # fmt: skip


class Agreement(unittest.TestCase):
    def test_differences_are_explained_by_a_small_swapped_margin_only(self):
        reference = [said(7, 8, 0.001)]
        same = agreement.compare(reference, [said(7, 9, 0.5)])
        self.assertEqual((same["same"], same["differences"]), (1.0, []))
        for other, explained in [
            (said(8, 7, 0.001), True),
            (said(8, 7, 0.01), False),  # more than 2 x 1e-4 x 20
            (said(8, 9, 0.001), False),  # not the same two tokens
        ]:
            result = agreement.compare(reference, [other])
            self.assertEqual(result["same"], 0.5)
            self.assertIs(result["differences"][0]["explained"], explained)

    def test_other_tokens_are_an_error(self):
        other = said(7, 8, 1.0) | {"tokens": [1, 3]}
        with self.assertRaisesRegex(ValueError, "text 0: .* different tokens"):
            agreement.compare([said(7, 8, 1.0)], [other])

    def test_verdicts(self):
        equal = {"same": 1.0, "positions": 2000, "differences": []}
        result = {"pomona_f32": equal, "pomona_fast": equal | {"same": 0.955},
                  "peer_quantised": equal | {"same": 0.958},
                  "perplexity": {"F32": [21.6, 21.55], "Q": [21.8, 21.63]}}  # fmt: skip
        self.assertEqual([k for _, k in agreement.verdicts(result)], [True, True, True, True, False])
        result["pomona_fast"]["same"] = 0.952
        self.assertIs(agreement.verdicts(result)[2][1], False)

    def test_the_peers_estimate(self):
        text = "...\nFinal estimate: PPL = 21.5484 +/- 1.27813\n"
        self.assertEqual(agreement.parse_perplexity(text), 21.5484)
        with self.assertRaises(ValueError):
            agreement.parse_perplexity("")


if __name__ == "__main__":
    unittest.main()
