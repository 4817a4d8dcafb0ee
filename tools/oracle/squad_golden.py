"""Writes tests/golden/squad.json: normalised answers, exact match and token F1 (f32) of torchmetrics'
SQuAD metric.

    pip install torchmetrics
    python tools/oracle/squad_golden.py tests/golden
"""

import importlib.metadata
import inspect
import json
import pathlib
import sys

from torchmetrics.functional.text import squad

internals = inspect.getmodule(squad)

# (prediction, reference)
PAIRS = [
    ("The Eiffel Tower", "eiffel tower."),
    ("  in\tthe \n year  1889 ", "1889"),
    ("a an the", ""),
    ("", ""),
    ("", "something"),
    ("...", "the"),
    ("an apple, a pear and the fig", "apple pear and fig"),
    ("to be or not to be", "be be be to"),
    ("another theory of anthems", "other eory of nthems"),
    ("A-the-an", "athean"),
    ("the_an", "an the"),
    ("don't", "dont"),
    ("U.S.A.", "usa"),
    ("$1,234.50", "123450"),
    ("the\u4e2d\u6587 a\u3002an", "\u4e2d\u6587"),
    ("\u201cthe\u201d \u2018a\u2019 answer\u2026", "\u201c\u201d \u2018\u2019 answer\u2026"),
    ("a\u0301 the\u0301", "\u0301"),
    ("\u00c9COLE \u00c0 l'an", "\u00e9cole \u00e0 lan"),
    ("the\u00a0cat\u3000sat\u2028down\u0085now", "cat sat down now"),
    ("x\u001fy\u001cz", "x y z"),
    ("\u0130stanbul \u212A", "i\u0307stanbul k"),
    ("\u00bd the\u00b2 an\u2163", "\u00bd the\u00b2 an\u2173"),
    ("the\u200bcat a\u00adn", "\u200bcat \u00adn"),
    ("42", "forty-two"),
]


def main():
    rows = []
    for prediction, reference in PAIRS:
        rows.append({
            "prediction": prediction,
            "reference": reference,
            "normalised": [internals._normalize_text(prediction), internals._normalize_text(reference)],
            "exact": float(internals._compute_exact_match_score(prediction, reference)),
            "f1": float(internals._compute_f1_score(prediction, reference)),
        })
    golden = {
        "script": "tools/oracle/squad_golden.py",
        "reference": "torchmetrics " + importlib.metadata.version("torchmetrics"),
        "rows": rows,
    }
    path = pathlib.Path(sys.argv[1]) / "squad.json"
    path.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
