#!/usr/bin/env python3
"""Checks a folder of train.jsonl, valid.jsonl and test.jsonl: form, counts, and no near-duplicates.

    python3 tools/check/near_duplicates.py examples/meeting-notes --at-least train=200 valid=40 test=100

A row is {"id", "kind", "dialogue", "note"}; a dialogue has lines "Speaker: text". Two texts are near-duplicates when
the shorter one shares more than a stated part of its word 5-grams with the other (containment). Before that, the
dialogue's own speakers become one token and every number another, so a text with swapped names or figures is still
recognised as the same text. Rows of one split are compared as well as rows of different splits.

Exit code 0 when all is well, 1 with one line for each fault. Needs only the standard library.
"""

import argparse
import json
import pathlib
import re
import sys
import tempfile
from collections import Counter, defaultdict

SPLITS = ("train", "valid", "test")
FIELDS = ("id", "kind", "dialogue", "note")
GRAM = 5
LIMITS = {"dialogue": 0.1, "note": 0.2}  # unrelated texts of this kind share less than half as much
LINE = re.compile(r"^([^\s:][^:]{0,39}): \S")
# A run of letters and digits is a word; a Chinese or Japanese character or a Korean syllable is one by itself.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


def words(text, names=frozenset()):
    """Lower-case words of text; numbers become "0", words in names become "@"."""
    found = (word.lower() for word in WORD.findall(text))
    return ["0" if w[0].isdigit() else "@" if w in names else w for w in found]


def grams(tokens):
    """Set of word 5-grams; a shorter text counts as one gram."""
    return {tuple(tokens[i : i + GRAM]) for i in range(max(1, len(tokens) - GRAM + 1))}


def speakers(dialogue):
    return {m.group(1) for m in map(LINE.match, dialogue.split("\n")) if m}


def read_split(path, faults):
    """Well-formed rows of one file; every other row adds a line to faults."""
    rows = []
    if not path.is_file():
        faults.append(f"{path}: no such file")
        return rows
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path.name}:{number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            faults.append(f"{where}: not JSON: {error}")
            continue
        if not isinstance(row, dict) or set(row) != set(FIELDS):
            faults.append(f"{where}: the fields must be exactly {', '.join(FIELDS)}")
            continue
        if not all(isinstance(row[f], str) and row[f] and row[f] == row[f].strip() for f in FIELDS):
            faults.append(f"{where}: each field must be text, not empty, without blanks at its ends")
            continue
        bad = [part for part in row["dialogue"].split("\n") if not LINE.match(part)]
        if bad:
            faults.append(f"{where}: not a 'Speaker: text' line: {bad[0]!r}")
            continue
        if len(speakers(row["dialogue"])) < 2:
            faults.append(f"{where}: a dialogue needs two speakers or more")
            continue
        rows.append({**row, "where": where})
    return rows


def closest(rows, field):
    """Pairs of rows that share a 5-gram in field, as (containment, first, second), highest first."""
    sets, index = [], defaultdict(list)
    for row in rows:
        names = {w for name in speakers(row["dialogue"]) for w in words(name)}
        sets.append(grams(words(row[field], names)))
        for gram in sets[-1]:
            index[gram].append(len(sets) - 1)
    shared = Counter()
    for holders in index.values():
        shared.update((a, b) for i, a in enumerate(holders) for b in holders[i + 1 :])
    pairs = [(n / min(len(sets[a]), len(sets[b])), rows[a], rows[b]) for (a, b), n in shared.items()]
    return sorted(pairs, key=lambda pair: -pair[0])


def check_rows(by_split, at_least, faults):
    """Counts, ids, and that every kind appears in every split."""
    seen = {}
    kinds = {row["kind"] for rows in by_split.values() for row in rows}
    for split, rows in by_split.items():
        if len(rows) < at_least.get(split, 1):
            faults.append(f"{split}: {len(rows)} rows, at least {at_least.get(split, 1)} are needed")
        for kind in sorted(kinds - {row["kind"] for row in rows}):
            faults.append(f"{split}: no row of kind {kind!r}")
        for row in rows:
            if row["id"] in seen:
                faults.append(f"{row['where']}: id {row['id']!r} is already at {seen[row['id']]}")
            seen[row["id"]] = row["where"]


def check(folder, at_least, limits, show=print):
    """Prints the table of one data folder and returns the list of its faults."""
    faults = []
    by_split = {split: read_split(folder / f"{split}.jsonl", faults) for split in SPLITS}
    check_rows(by_split, at_least, faults)
    rows = [row for split in SPLITS for row in by_split[split]]

    show(f"{'split':<8}{'rows':>6}{'kinds':>7}   {'dialogue words':<20}{'note words':<20}speakers")
    for split, part in by_split.items():
        if not part:
            continue
        cells = []
        for field in ("dialogue", "note"):
            sizes = [len(words(row[field])) for row in part]
            cells.append(f"{min(sizes)}-{max(sizes)}, mean {sum(sizes) / len(sizes):.0f}")
        voices = [len(speakers(row["dialogue"])) for row in part]
        show(
            f"{split:<8}{len(part):>6}{len({row['kind'] for row in part}):>7}   "
            f"{cells[0]:<20}{cells[1]:<20}{min(voices)}-{max(voices)}"
        )
    for field, limit in limits.items():
        pairs = closest(rows, field)
        top = f"{pairs[0][0]:.3f} ({pairs[0][1]['where']}, {pairs[0][2]['where']})" if pairs else "0"
        show(f"{field}: largest share of common {GRAM}-grams {top}, limit {limit}")
        for share, first, second in pairs:
            if share > limit:
                faults.append(
                    f"{first['where']} and {second['where']}: {field}s share {share:.2f} of their {GRAM}-grams"
                )
    return faults


def self_test():
    """Plants one fault of each kind in a small good folder and returns those that went unnoticed."""
    talk = "Ana: The boiler in flat {n} drips again, could somebody come?\nBo: I will send {who} on {day} at {n}."
    good = {
        "train": ("a", "repair", talk.format(n=4, who="Li", day="Monday"), "Li repairs the boiler on Monday at 4."),
        "valid": ("b", "repair", "Cy: Paint the old fence.\nDee: Green, by noon.", "Dee paints it green by noon."),
        "test": ("c", "repair", "Eve: Is the lift safe now?\nFay: Yes, since May.", "Since May the lift is safe."),
    }
    swapped = talk.format(n=9, who="Mo", day="Friday").replace("Ana", "Zoe").replace("Bo:", "Yan:")
    plants = {
        "no fault": ({}, None),
        "swapped names": ({"test": ("c", "repair", swapped, good["test"][3])}, "dialogues share"),
        "same note": ({"test": (*good["test"][:3], good["train"][3])}, "notes share"),
        "same id": ({"test": ("a", *good["test"][1:])}, "already at"),
        "missing kind": ({"test": ("c", "order", *good["test"][2:])}, "no row of kind"),
        "one speaker": ({"test": (*good["test"][:2], "Eve: Hello?", good["test"][3])}, "two speakers"),
        "no speaker": ({"test": (*good["test"][:2], "hello\nEve: hi", good["test"][3])}, "Speaker: text"),
        "empty note": ({"test": (*good["test"][:3], "")}, "not empty"),
    }
    missed = []
    for name, (change, expected) in plants.items():
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            for split, row in {**good, **change}.items():
                (folder / f"{split}.jsonl").write_text(json.dumps(dict(zip(FIELDS, row))) + "\n", encoding="utf-8")
            faults = check(folder, {}, LIMITS, show=lambda line: None)
        if (expected is None and faults) or (expected and not any(expected in fault for fault in faults)):
            missed.append(f"self-test: {name}: got {faults or 'no fault'}")
    return missed


def minimum(text):
    split, _, count = text.partition("=")
    if split not in SPLITS or not count.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not like train=200")
    return split, int(count)


def main():
    parser = argparse.ArgumentParser(description="Checks a data folder for form, counts and near-duplicates.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--at-least", nargs="*", type=minimum, default=[], metavar="SPLIT=N")
    parser.add_argument("--dialogue-limit", type=float, default=LIMITS["dialogue"], help="share of 5-grams (default %(default)s)")
    parser.add_argument("--note-limit", type=float, default=LIMITS["note"], help="share of 5-grams (default %(default)s)")
    args = parser.parse_args()
    limits = {"dialogue": args.dialogue_limit, "note": args.note_limit}
    faults = self_test() + check(args.folder, dict(args.at_least), limits)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{args.folder}: {len(faults)} faults" if faults else f"{args.folder}: well-formed, no near-duplicates")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
