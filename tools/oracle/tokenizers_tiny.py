"""Writes tests/golden/tokenizers_tiny.json and tokenizer_sp_*.gguf: tiny vocabularies of every kind and what the
reference libraries make of random strings with them.

usage: tokenizers_tiny.py [CASES]     (how many strings each; the committed file has 48)

The vocabularies are trained on the text below. Strings are random mixtures of code points assigned in Unicode 14, of
characters that tokenisers treat in a special way, and of the words of the text.
"""
import io
import json
import pathlib
import random
import sys
import tempfile
import unicodedata

import gguf
import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
CASES = int(sys.argv[1]) if len(sys.argv) > 1 else 48
TEXT = """The orchard stands behind the old house, and in autumn the pickers come early, before the mist has gone. They
don't speak much; they've done it for years. Each tree's fruit is laid in a box of 12 or 24, weighed, marked and carried
down to the road. "Are you there?" someone calls, and nobody's sure who answered. By noon the boxes number 1,350.
In winter the trees are pruned. We're told that a good cut heals within 3 months; a bad one never does. The pruner looks
at the whole tree first, then at the branch, then at the bud. It isn't hard, she said, but you'll need patience.
Grafting is older than writing. A scion from one tree is set into the stock of another, bound with tape and sealed with
wax, and if the two agree they grow together. Most of what we eat from trees was grafted: apples, pears, plums, cherries.
果园在老房子的后面。秋天，采果的人很早就来了，雾还没有散。他们话不多，已经做了许多年。每个箱子装十二个或二十四个苹果。
冬天要修剪果树。好的切口三个月就能愈合。嫁接比文字更古老：把一棵树的枝条接到另一棵树上，它们就一起生长。
Der Garten liegt hinter dem Haus; im Frühling blühen Äpfel, Birnen und Pflaumen. Où est le café près de l'église ?
""" * 3
ASSIGNED = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
AWKWARD = list(" \t\n\r\u00a0\u3000\u2581'\u2019.,!?-_/0123456789sdtST\u0301\u0323\u0130\u00df\u03a3\u017f\u212a\ufb01\u00bd"
               "\u2163\u0663\uff11\uac00\u1100\u1161\u11a8\u200d\U0001f468\u0e33\u093f\u0085\u200b\ufeff\u2028\u00ad\ufffd")
NAMES = ["<s>", "</s>", "<|im_end|>", "[CLS]", "<tag>", "<wide>", "tree"]
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")


def strings(seed):
    """CASES random strings; none holds U+0000, which ends a string for SentencePiece."""
    pick, words, found = random.Random(seed), TEXT.split(), []
    while len(found) < CASES:
        kind, count = pick.random(), pick.randint(1, 12)
        if kind < 0.3:
            text = "".join(pick.choice(ASSIGNED) for _ in range(count))
        elif kind < 0.5:
            text = "".join(pick.choice(AWKWARD) for _ in range(count))
        elif kind < 0.7:
            start = pick.randrange(len(TEXT) - 40)
            text = TEXT[start:start + pick.randint(1, 40)]
        else:
            text = ""
            for _ in range(count // 2 + 1):
                word = pick.choice(words + NAMES * 8)
                if pick.random() < 0.2:
                    word = word[:1] + pick.choice(ASSIGNED) + word[1:].upper()
                text += word + pick.choice([" ", " ", "  ", "\n", "\t", ""])
        if "\0" not in text:
            found.append(text)
    return found


def add_tokens(tokenizer):
    tokenizer.add_special_tokens([AddedToken("<|im_end|>", normalized=False, special=True)])
    tokenizer.add_tokens([AddedToken("<tag>", normalized=False), AddedToken("tree", single_word=True, normalized=True),
                          AddedToken("<wide>", lstrip=True, rstrip=True, normalized=False)])


def template(tokenizer, single):
    names = [n for n in single.split() if not n.startswith("$")]
    return processors.TemplateProcessing(single=single, special_tokens=[(n, tokenizer.token_to_id(n)) for n in names])


def byte_level(split, normalizer=None, single=None, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer, tokenizer.decoder = split, decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  special_tokens=["<s>", "</s>"], show_progress=False)
    tokenizer.train_from_iterator([TEXT], trainer)
    if single:
        tokenizer.post_processor = template(tokenizer, single)
    return tokenizer


def sentencepiece_like(fallback, metaspace):
    """BPE over characters, as converters write it for SentencePiece's vocabularies."""
    special = ["<unk>", "<s>", "</s>"] + ([f"<0x{b:02X}>" for b in range(256)] if fallback else [])
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=fallback, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=len(special) + 220, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator([TEXT], trainer)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = [t for t in data["added_tokens"] if not t["content"].startswith("<0x")]
    data["pre_tokenizer"] = None
    tokenizer = Tokenizer.from_str(json.dumps(data))
    if metaspace:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    else:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        steps.append(decoders.Strip(" ", 1, 0))
    tokenizer.decoder = decoders.Sequence(steps)
    tokenizer.post_processor = template(tokenizer, "<s> $A")
    return tokenizer


def unigram(normalizer):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=260, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>",
                                      show_progress=False)
    tokenizer.train_from_iterator(TEXT.split("\n"), trainer)
    tokenizer.post_processor = template(tokenizer, "$A </s>")
    return tokenizer


def wordpiece(**normalizer):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(**normalizer)
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"],
                                        show_progress=False)
    tokenizer.train_from_iterator([TEXT], trainer)
    tokenizer.post_processor = template(tokenizer, "[CLS] $A [SEP]")
    return tokenizer


def word_level():
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(vocab_size=100, special_tokens=["[UNK]"], show_progress=False)
    tokenizer.train_from_iterator([TEXT], trainer)
    return tokenizer


def all_tokenizers():
    split = pre_tokenizers.Split(Regex(LLAMA3), "isolated")
    bare = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    roberta = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True))
    ids = [(name, roberta.token_to_id(name)) for name in ("</s>", "<s>")]
    roberta.post_processor = processors.RobertaProcessing(*ids)
    nmt = [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    yield "byte-level BPE: GPT-2's pattern", byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False))
    yield "byte-level BPE: Llama 3", byte_level(pre_tokenizers.Sequence([split, bare]), single="<s> $A", ignore_merges=True)
    yield "byte-level BPE: NFC, digits", byte_level(
        pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                 pre_tokenizers.ByteLevel(add_prefix_space=False)]), normalizers.NFC())
    yield "byte-level BPE: RoBERTa", roberta
    yield "SentencePiece BPE: normaliser", sentencepiece_like(True, False)
    yield "SentencePiece BPE: Metaspace", sentencepiece_like(True, True)
    yield "SentencePiece BPE: unknown", sentencepiece_like(False, False)
    yield "Unigram", unigram(normalizers.Sequence(nmt))
    yield "Unigram: NFKD", unigram(normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(),
                                                        normalizers.Lowercase(), normalizers.Strip()]))
    yield "WordPiece", wordpiece()
    yield "WordPiece: cased", wordpiece(lowercase=False)
    yield "WordLevel", word_level()


def of_tokenizers():
    found = []
    for seed, (name, tokenizer) in enumerate(all_tokenizers()):
        add_tokens(tokenizer)
        plain = Tokenizer.from_str(tokenizer.to_str())
        plain.encode_special_tokens = True
        texts = []
        for text in strings(seed):
            ids = tokenizer.encode(text).ids
            case = {"text": text, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=True)}
            bare = plain.encode(text, add_special_tokens=False).ids
            # The library's Unigram and WordLevel find control tokens in plain text all the same; Pomona never does.
            if not any(n in text for n in ("<s>", "</s>", "<|im_end|>")) or "BPE" in name:
                case["plain"] = bare
            texts.append(case)
        found.append({"name": name, "tokenizer": json.loads(tokenizer.to_str()), "cases": texts})
    return found


def of_sentencepiece():
    found = []
    plain = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False}
    rules = {"bpe_llama": {"model_type": "bpe", "byte_fallback": True, "user_defined_symbols": ["<tag>", "tree"], **plain},
             "bpe_unknown": {"model_type": "bpe", "remove_extra_whitespaces": True, "normalization_rule_name": "identity"},
             "unigram": {"model_type": "unigram", "normalization_rule_tsv": "RULES", "user_defined_symbols": ["<tag>", "tree"]}}
    tsv = pathlib.Path(tempfile.mkdtemp()) / "rules.tsv"
    tsv.write_text("".join(f"{a}\t{b}\n" for a, b in [("9", "20"), ("A", "20"), ("A0", "20"), ("3000", "20"), ("FB01", "66 69"),
                                                      ("D", "20"), ("D A", "20"), ("41 301", "C1"), ("FF11", "31")]))
    for seed, (name, rule) in enumerate(rules.items()):
        rule = {key: str(tsv) if value == "RULES" else value for key, value in rule.items()}
        blob = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(TEXT.split("\n")), model_writer=blob, minloglevel=2, character_coverage=0.98,
            vocab_size=480 if rule.get("byte_fallback") else 220, hard_vocab_limit=False, **rule)
        model = sentencepiece_model_pb2.ModelProto()
        model.ParseFromString(blob.getvalue())
        write_gguf(FOLDER / f"tokenizer_sp_{name}.gguf", model)
        processor = sentencepiece.SentencePieceProcessor(model_proto=blob.getvalue())
        cases = [{"text": text, "plain": processor.encode(text)} for text in strings(100 + seed)]
        found.append({"name": name, "file": f"tokenizer_sp_{name}.gguf", "cases": cases})
    return found


def write_gguf(path, model):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("t5" if model.trainer_spec.model_type == 1 else "llama")
    writer.add_token_list([p.piece for p in model.pieces])
    writer.add_token_scores([p.score for p in model.pieces])
    writer.add_token_types([p.type for p in model.pieces])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_space_prefix(True)
    writer.add_remove_extra_whitespaces(model.normalizer_spec.remove_extra_whitespaces)
    if model.normalizer_spec.precompiled_charsmap:
        writer.add_precompiled_charsmap(model.normalizer_spec.precompiled_charsmap)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    versions = {"tokenizers": tokenizers.__version__, "sentencepiece": sentencepiece.__version__}
    head = {"script": "tools/oracle/tokenizers_tiny.py", "made_with": versions}
    short = {"separators": (",", ":"), "ensure_ascii": True}
    parts = [f'"{name}": [\n' + ",\n".join(json.dumps(one, **short) for one in found) + "]"
             for name, found in (("tokenizers", of_tokenizers()), ("sentencepiece", of_sentencepiece()))]
    (FOLDER / "tokenizers_tiny.json").write_text(json.dumps(head)[:-1] + ",\n" + ",\n".join(parts) + "}\n")


if __name__ == "__main__":
    main()
