"""The drivers of bench/training, with a fake program in the place of Pomona and of the peer."""

import io
import json
import os
import pathlib
import sys
import tempfile
import tomllib
import types
import unittest
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "bench" / "training")]
import protocol  # noqa: E402
import quality  # noqa: E402
import rows  # noqa: E402
import train  # noqa: E402

FAKE = pathlib.Path(__file__).with_name("fake_training.py")
QUIET = protocol.Limits(foreign_cores=99, stolen_cores=99, roof_difference=99, seconds=999)


class Words:
    """A tokeniser with a token for each word."""

    eos_token_id = 0

    def encode(self, text, add_special_tokens):
        return [len(word) for word in text.split()]


class Rows(unittest.TestCase):
    def test_batches_of_neighbours_from_all_over(self):
        found = rows.evenly(list(range(100)), 8, 4)
        self.assertEqual(found, [23, 24, 25, 26, 73, 74, 75, 76])

    def test_rows_of_equal_length_end_with_the_end_of_text(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("a bb ccc dddd " * 10)
            file.flush()
            found = rows.equal(Words(), file.name, 2, 8)
        self.assertEqual([len(tokens) for _, tokens, _ in found], [8, 8])
        self.assertEqual({(tokens[-1], first) for _, tokens, first in found}, {(0, 1)})

    def test_too_little_text_is_told(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("a bb")
            file.flush()
            self.assertRaises(SystemExit, rows.equal, Words(), file.name, 2, 8)


class Train(unittest.TestCase):
    def run_main(self, *more):
        """The whole driver -> (its exit code, training.json, training.txt)."""
        with tempfile.TemporaryDirectory() as folder:
            for name in ("python", "pomona"):
                program = pathlib.Path(folder) / name
                program.write_text(f'#!/bin/sh\nexec {sys.executable} {FAKE} "$@"\n')
                program.chmod(0o755)
            model = pathlib.Path(folder) / "model.gguf"
            model.write_text("model")
            argv = ["train.py", model, "--data", folder, "--python", pathlib.Path(folder) / "python", "--pomona",
                    pathlib.Path(folder) / "pomona", "--out", folder, "--patience", 0, *more]  # fmt: skip
            with mock.patch.object(sys, "argv", [str(a) for a in argv]), mock.patch.object(protocol, "Limits", lambda: QUIET), \
                    mock.patch.dict(os.environ, {"XDG_CACHE_HOME": folder}), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # fmt: skip
                code = train.main()
            return code, json.loads((pathlib.Path(folder) / "training.json").read_text()), (pathlib.Path(folder) / "training.txt").read_text()

    def test_ratios_and_bars(self):
        code, result, text = self.run_main("--only", "Q4_1", "--tuples", 2)
        self.assertEqual(code, 0, text)
        lora = result["rows"][0]
        self.assertEqual(lora["peer_settings"], "f32, eager, micro-batches of 2")
        self.assertIn("failed", lora["peer_tried"]["bf16, eager, micro-batches of 8"])
        self.assertEqual(lora["n"], 2)
        self.assertEqual(len(lora["tuples"]), 2)
        self.assertAlmostEqual(lora["metrics"]["rate"]["ratio"][1], 4.2)  # 4.2 s of the peer, 1 s of Pomona
        self.assertAlmostEqual(lora["metrics"]["peak_bytes"]["ratio"][1], 0.25)
        self.assertTrue(lora["metrics"]["rate"]["kept"])

    def test_a_share_of_the_roof_that_is_missed(self):
        code, result, text = self.run_main("--only", "full, 512", "--tuples", 1, "--peer", "f32:eager:8")
        self.assertEqual(code, 1)
        share = result["rows"][0]["metrics"]["roof_share"]
        weights = 30 * (576 * 15 * 64 + 576 * 576 + 3 * 576 * 1536) + 576 * 49152
        self.assertAlmostEqual(share["ratio"][1], 400 * (6 * weights + 6 * 30 * 576 * 512) / 1000e9)
        self.assertIn("MISSED", text)

    def test_too_few_tuples_are_no_verdict(self):
        code, result, _ = self.run_main("--only", "LoRA, 512, Q4_1", "--tuples", 2, "--attempts", 1, "--peer", "f32:eager:8")
        self.assertEqual(code, 1)
        self.assertIsNone(result["rows"][0]["metrics"]["rate"]["kept"])

    def test_another_loss_ends_the_bench(self):
        with mock.patch.dict(os.environ, {"FAKE_LOSS": "2.7"}):
            self.assertRaises(SystemExit, self.run_main, "--only", "LoRA, 512, Q4_1", "--peer", "f32:eager:8")

    def test_what_pomona_refuses_is_told_and_missed(self):
        with mock.patch.dict(os.environ, {"FAKE_REFUSES": "1"}):
            code, result, text = self.run_main("--only", "GPT-2", "--peer", "f32:eager:8")
        self.assertEqual(code, 1)
        self.assertEqual(result["rows"][0]["n"], 0)
        self.assertIn("not today", text)

    def test_other_work_ends_the_bench(self):
        own = {"tokens": 4, "supervised_tokens": 2, "loss": 1.0}
        train.check_same(own, own | {"loss": 1.01})
        self.assertRaises(SystemExit, train.check_same, own, own | {"tokens": 5})
        self.assertRaises(SystemExit, train.check_same, own, own | {"supervised_tokens": 1})


class Quality(unittest.TestCase):
    OPTIONS = types.SimpleNamespace(model=pathlib.Path("m.gguf"), shots=[0, 1], limit=3, methods=["soft-prompt", "lora"], steps=2,
                                    data=pathlib.Path("/data"))  # fmt: skip

    def test_the_application_file_is_toml(self):
        app = tomllib.loads(quality.app_file(self.OPTIONS))
        self.assertEqual(app["tune"]["methods"], ["soft-prompt", "lora"])
        self.assertEqual(app["tune"]["soft-prompt"]["train"]["steps"], 2)
        self.assertEqual(app["tune"]["lora"]["data"]["overlong"], "drop")
        self.assertEqual(app["evaluate"]["limit"], 3)
        self.assertTrue(app["prompt"]["instruction"].endswith("\n\n{input}"))

    def test_the_table(self):
        scores = {s: {"mean": 0.277, "low": 0.2, "high": 0.3} for s in quality.SCORES}
        stages = [{"name": "tune", "job": "lora", "seconds": 95.0, "status": "done", "artefact": None}]
        methods = [{"name": "zero-shot", "n": 100, "scores": scores, "p_value": None, "trainable_parameters": 0, "bytes": 9e6, "seconds": 10.0,
                    "peak_bytes": 5e8, "forgetting": None},
                   {"name": "lora", "n": 100, "scores": scores, "p_value": 0.01, "trainable_parameters": 4884480, "bytes": 2e7, "seconds": 10.0,
                    "peak_bytes": 1e9, "forgetting": 0.05, "training": {"seconds": 90.0, "peak_bytes": 2e9, "curves": "curves-lora.html"}}]  # fmt: skip
        own = quality.own_lines({"stages": stages}, {"methods": methods})
        self.assertEqual([line["training_seconds"] for line in own], [None, 90.0])
        self.assertEqual([line["peak_bytes"] for line in own], [5e8, 2e9])
        self.assertFalse(own[1]["cached"])
        other = own[1] | {"name": "peer: lora", "training_seconds": 240.0, "evaluation_seconds": 10.0}
        self.assertEqual(quality.wall_ratios(own, [other]), {"lora": 0.4})
        result = {"facts": {"pomona": "p", "commit": "c", "processor": {"name": "n", "flags": []}, "threads": 2, "time": "t"}, "model": "m",
                  "rows": {"train": 1, "valid": 1, "test": 1}, "parameters": 134515008, "methods": own, "peer": [other],
                  "curves": {"lora": "quality-lora.html"}, "promoted": {"method": "lora", "why": "So."}, "wall_ratio": {"lora": 0.4}}  # fmt: skip
        text = quality.markdown(result)
        self.assertIn("| [lora](quality-lora.html) | 27.7 [20.0, 30.0] |", text)
        self.assertIn("4 884 480 (3.50%)", text)
        self.assertIn("0.40 of the peer's time", text)

    def test_a_cached_training_is_not_timed(self):
        line = {"name": "lora", "training_seconds": 1.0, "evaluation_seconds": 1.0, "cached": True}
        self.assertEqual(quality.wall_ratios([line], [line | {"name": "peer: lora"}]), {})


if __name__ == "__main__":
    unittest.main()
