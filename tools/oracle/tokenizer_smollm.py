"""Writes tests/golden/tokenizer_smollm.json: ids of awkward strings by the reference tokenizers library.

usage: tokenizer_smollm.py MODEL.gguf

The vocabulary and merges come from the GGUF file; the pipeline is the one of SmolLM2's own tokenizer.json:
digits one by one, then byte-level splitting with GPT-2's pattern. The token <|im_end|> and its like are
known as special tokens in `parsed` only.
"""
import hashlib
import json
import pathlib
import sys

import gguf
import tokenizers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "tokenizer_smollm.json"

TEXTS = [
    "", " ", "  ", "\t", "\n", "\r\n", "\n\n\n", " \n ", "a", " a", "a ", "  a  b   c    ",
    "Hello, world!", "Hello world", "HELLO WORLD", "don't I'll we've you're he'd I'm it's", "DON'T I'LL",
    "'s's ''s 'S \u2019s", "x'", "''", "12345", "3.14159", "1,000,000", "\u00bd \u2167 \u0663\u0664 \uff11\uff12", "2024-11-25T00:00:00Z",
    "caf\u00e9", "cafe\u0301", "na\u00efve r\u00e9sum\u00e9", "\u00dcber stra\u00dfe", "\u4f60\u597d\uff0c\u4e16\u754c\u3002", "\u3053\u3093\u306b\u3061\u306f\u4e16\u754c",
    "\uc548\ub155\ud558\uc138\uc694", "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440!", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645", "\u05e9\u05dc\u05d5\u05dd", "\u0928\u092e\u0938\u094d\u0924\u0947",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\U0001f44d\U0001f3fd ok", "a\u200bb", "a\u00a0b", "\u3000x\u3000",
    "a\u0085b", "a\u001cb", "a\u2028b", "\ufeffBOM", "\x00", "a\x04b\x06c", "a\U00040000b", "\uffff", "\U0010ffff",
    "def f(x):\n    return x**2  # square\n", "\tif (a && b) {\n\t\treturn;\n\t}", "<|im_start|>user\nHi<|im_end|>\n",
    "<|im_end|>", "<|im_end", "<<|im_end|>>", "<|endoftext|><|endoftext|>", "a" * 200, "ab" * 100, " " * 100, "\n" * 50,
    "!" * 100, "supercalifragilisticexpialidocious", "http://example.com/a?b=c&d=%20e#f", "e^{i\u03c0}+1=0",
    "\u2211_{i=1}^{n} x\u1d62\u00b2 \u2264 \u221e", "\u201cquoted\u201d \u2014 and \u2026", "$100 \u20ac50 \u00a320", "_snake_case camelCase kebab-case",
    "The quick brown fox jumps over the lazy dog. " * 3, "x\r\ny\rz", " \t\n\u000b\u000c\r mixed", "word\u00adsoft", "\u01c5\u02b0\u2160\u24d0",
]


def pipeline(fields, special):
    vocabulary = {t: i for i, t in enumerate(fields["tokenizer.ggml.tokens"].contents())}
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    t = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.ByteLevel()
    if special:
        kinds = fields["tokenizer.ggml.token_type"].contents()
        names = [n for n, i in vocabulary.items() if kinds[i] == 3]
        t.add_special_tokens([AddedToken(n, normalized=False, special=True) for n in names])
    return t


def main():
    model = pathlib.Path(sys.argv[1])
    fields = gguf.GGUFReader(model).fields
    plain, special = pipeline(fields, False), pipeline(fields, True)
    cases = []
    for text in TEXTS:
        ids = plain.encode(text, add_special_tokens=False).ids
        case = {"text": text, "ids": ids, "decoded": plain.decode(ids, skip_special_tokens=False)}
        parsed = special.encode(text, add_special_tokens=False).ids
        if parsed != ids:
            case["parsed"] = parsed
        cases.append(case)
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    head = {"script": "tools/oracle/tokenizer_smollm.py", "made_with": {"tokenizers": tokenizers.__version__},
            "model_sha256": digest}
    lines = ",\n  ".join(json.dumps(c) for c in cases)
    OUT.write_text(json.dumps(head)[:-1] + ',\n "cases": [\n  ' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
