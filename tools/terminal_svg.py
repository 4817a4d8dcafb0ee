#!/usr/bin/env python3
"""Draws what a terminal showed as SVG, for README.md.

usage: terminal_svg.py LOG OUT.svg [--title TEXT] [--columns 100] [--from REGEX] [--to REGEX]
e.g.   script -qec ./run run.log && tools/terminal_svg.py run.log docs/run.svg --title ./run

Understands colours, bold and dim (SGR), carriage returns and erasing (progress bars: the last state of a line stays), and
drops other escape sequences. --from and --to keep the lines from the first that matches to the last that matches.
Text stays text: it can be selected and searched.
"""

import argparse
import html
import pathlib
import re
import unicodedata

CELL, LINE, SIZE, MARGIN, BAR = 8.4, 19, 14, 18, 34
ESCAPE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b.")
COLOURS = ["#5c6370", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d7dae0"]


def style_after(style, codes):
    """A style (colour, bold, dim) after the codes of one SGR sequence."""
    colour, bold, dim = style
    for code in codes.split(";"):
        number = int(code or 0)
        if number == 0:
            colour, bold, dim = None, False, False
        elif number in (1, 2, 22):
            bold, dim = number == 1, number == 2
        elif 30 <= number <= 37 or 90 <= number <= 97:
            colour = COLOURS[number % 10]
        elif number == 39:
            colour = None
    return colour, bold, dim


def width(character):
    return 2 if unicodedata.east_asian_width(character) in "WF" else 0 if unicodedata.combining(character) else 1


class Screen:
    """Lines of cells (character, style); only what grows downwards, as logs do."""

    def __init__(self, columns):
        self.columns = columns
        self.lines, self.row, self.column, self.style = [[]], 0, 0, (None, False, False)

    def put(self, character):
        if self.column == self.columns:
            self.down()
        line = self.lines[self.row]
        line.extend([(" ", self.style)] * (self.column - len(line)))
        line[self.column : self.column + 1] = [(character, self.style)]
        self.column += 1

    def down(self):
        self.row, self.column = self.row + 1, 0
        if self.row == len(self.lines):
            self.lines.append([])

    def control(self, argument, letter):
        number = int(argument) if argument.isdigit() else 0
        line = self.lines[self.row]
        if letter == "m":
            self.style = style_after(self.style, argument)
        elif letter == "K":
            if number == 2:
                line.clear()
            else:
                del line[self.column :]
        elif letter == "G":
            self.column = max(1, number) - 1
        elif letter == "A":
            self.row = max(0, self.row - max(1, number))
        elif letter == "J":
            del line[self.column :], self.lines[self.row + 1 :]

    def feed(self, text):
        place = 0
        while place < len(text):
            if match := ESCAPE.match(text, place):
                if match.group(2):
                    self.control(match.group(1), match.group(2))
                place = match.end()
                continue
            character = text[place]
            place += 1
            if character == "\n":
                self.down()
            elif character == "\r":
                self.column = 0
            elif character >= " ":
                self.put(character)


def runs(line):
    """(column, text, style) of the stretches of one style, without the blanks around them."""
    column, start, found = 0, 0, []
    text, style = "", None
    for character, own in line:
        if own != style and text:
            found.append((start, text, style))
            text = ""
        if not text:
            start, style = column, own
        text += character
        column += width(character)
    found.append((start, text, style))
    for start, text, style in found:
        if text.strip():
            yield start + len(text) - len(text.lstrip(" ")), text.strip(" "), style


def draw(lines, title, columns):
    wide = columns * CELL + 2 * MARGIN
    high = len(lines) * LINE + 2 * MARGIN + BAR
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high}" width="{wide:.0f}" height="{high}" '
        f'role="img" aria-label="{html.escape(title)} in a terminal">',
        f'<rect width="100%" height="100%" rx="10" fill="#1e2127"/><rect width="100%" height="{BAR}" rx="10" fill="#2c313a"/>',
        *(f'<circle cx="{20 + 20 * i}" cy="{BAR / 2}" r="6" fill="{COLOURS[c]}"/>' for i, c in enumerate((1, 3, 2))),
        f'<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="{SIZE}" '
        'fill="#d7dae0" xml:space="preserve">',
        f'<text x="{wide / 2:.0f}" y="{BAR / 2 + 5}" text-anchor="middle" fill="#9aa1ad">{html.escape(title)}</text>',
    ]
    for number, line in enumerate(lines):
        y = BAR + MARGIN + number * LINE + SIZE
        for column, text, (colour, bold, dim) in runs(line):
            look = f' fill="{colour}"' if colour else ' fill="#8b93a1"' if dim else ""
            look += ' font-weight="bold"' if bold else ""
            length = sum(map(width, text)) * CELL
            parts.append(f'<text x="{MARGIN + column * CELL:.1f}" y="{y}" textLength="{length:.1f}"{look}>{html.escape(text)}</text>')
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--title", default="")
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--from", dest="first", default="", help="drop lines before the first that matches")
    parser.add_argument("--to", dest="last", default="", help="drop lines after the last that matches")
    args = parser.parse_args()
    screen = Screen(args.columns)
    screen.feed(args.log.read_bytes().decode("utf-8", "replace"))
    lines = screen.lines
    texts = ["".join(character for character, _ in line) for line in lines]
    while texts and not texts[-1].strip():
        texts.pop()
    begin = next((i for i, text in enumerate(texts) if re.search(args.first, text)), 0)
    end = max((i + 1 for i, text in enumerate(texts) if re.search(args.last, text)), default=len(texts))
    args.out.write_text(draw(lines[begin:end], args.title, args.columns), encoding="utf-8")


if __name__ == "__main__":
    main()
