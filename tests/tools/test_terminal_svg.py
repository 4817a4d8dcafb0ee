"""tools/terminal_svg.py: what a terminal would show of a log, as SVG text."""

import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[2]


def texts(log, *options):
    """(text, attributes) of each stretch that is drawn."""
    with tempfile.TemporaryDirectory() as scratch:
        source, out = pathlib.Path(scratch) / "log", pathlib.Path(scratch) / "out.svg"
        source.write_text(log)
        subprocess.run([sys.executable, ROOT / "tools/terminal_svg.py", source, out, *options], check=True)
        tree = xml.parse(out)
    return [(e.text, e.attrib) for e in tree.iter("{http://www.w3.org/2000/svg}text") if "textLength" in e.attrib]


class Drawing(unittest.TestCase):
    def test_the_last_state_of_a_progress_line_stays(self):
        self.assertEqual([t for t, _ in texts("10 %\r99 %\r\x1b[Kdone\nnext\n")], ["done", "next"])

    def test_colours_and_bold(self):
        (red, a), (bold, b), (plain, c) = texts("\x1b[31mbad\x1b[0m \x1b[1mloud\x1b[0m\nquiet\n")
        self.assertEqual((red, bold, plain), ("bad", "loud", "quiet"))
        self.assertTrue("fill" in a and b.get("font-weight") == "bold" and "fill" not in c)

    def test_text_is_escaped_and_foreign_sequences_dropped(self):
        self.assertEqual([t for t, _ in texts("\x1b]0;title\x07\x1b[?25la < b & c\n")], ["a < b & c"])

    def test_long_lines_wrap_as_on_a_terminal(self):
        self.assertEqual([t for t, _ in texts("abcdef\ng\n", "--columns", "4")], ["abcd", "ef", "g"])

    def test_from_and_to(self):
        self.assertEqual([t for t, _ in texts("a\nb\nc\nd\n", "--from", "b", "--to", "c")], ["b", "c"])


if __name__ == "__main__":
    unittest.main()
