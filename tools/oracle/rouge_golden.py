"""Writes tests/golden/rouge.json and tests/golden/porter.json with rouge-score 0.1.2 (built from its
source package: wheel-only pip picks 0.0.4) and the NLTK stemmer it uses.

    pip install --no-binary rouge-score rouge-score==0.1.2
    python tools/oracle/rouge_golden.py tests/golden
"""

import importlib.metadata
import json
import pathlib
import random
import sys

from nltk.stem.porter import PorterStemmer
from rouge_score.rouge_scorer import RougeScorer

TYPES = ["rouge1", "rouge2", "rougeL", "rougeLsum"]

# (prediction, reference)
PAIRS = [
    ("The meeting moved to Friday at 10.", "They moved the meeting to Friday, 10 o'clock."),
    ("same words here", "same words here"),
    ("nothing shared", "completely different text"),
    ("", "an empty prediction"),
    ("an empty reference", ""),
    ("", ""),
    ("...!?--", "only punctuation on the other side"),
    ("\n\n", "\n"),
    ("one", "one"),
    ("one", "one two"),
    ("the the the the cat", "the cat the dog"),
    ("a a b b a a b", "b a a b a b b a"),
    ("Version 2.10.3 costs $1,299.00 (20% off)", "version 2 10 3: 1299.00 dollars, 20 % off"),
    ("e-mail, don't re-enter; x_y=z", "email do not reenter x y z"),
    ("300 \u212Aelvin and 5 \u212A", "300 kelvin and 5 k"),
    ("\u0130stanbul and \u0130zmir", "i stanbul and I zmir, Istanbul"),
    ("caf\u00e9 na\u00efve r\u00e9sum\u00e9 co\u00f6perate", "cafe naive resume cooperate caf na ve"),
    ("Stra\u00dfe \u00c5ngstr\u00f6m \u212B unit", "stra e ngstr m unit"),
    ("GPT \u6a21\u578b\u5199 3 \u884c", "gpt writes 3 lines"),
    ("tab\tand\rreturn\u2028separator\u00a0space", "tab and return separator space"),
    ("first line here\nsecond line there", "second line there\nfirst line here"),
    ("the cat sat\n\n\non the mat", "on the mat\nthe cat sat\n"),
    ("a b c d e\nc d e f g\na c e g", "a c e g\nb d f\na b c d e f g"),
    ("w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", "w1 w2 w3 w4 w5"),
    ("x y x y x\ny x y x y", "y y x x\nx x y y\nx y"),
    ("The skies were clear while he was dying, lying and tying knots.",
     "The sky is clear; they die, lie and tie a knot."),
    ("News of the innings, outings and cannings proceeded; we exceed and succeed.",
     "The news: inning, outing, canning, proceed, exceeded, succeeded."),
    ("Happily relational organizers conditionally digitized hopefulness",
     "happy relations organize conditional digitizing hopeful"),
    ("flies dies spied died agreed feed enjoyment enjoy flying", "fly die spy dying agree feeding enjoy fli"),
    ("controlling rolls hopping hoping falling hissing filing failing",
     "control roll hop hope fall hiss file fail"),
    ("theology geologies archaeology fully gracefully radically", "theolog geology archaeolog full grace radical"),
    ("ties tied the tie", "tie ties tied"),
    ("internationalization of nationalities rationally considered",
     "international nationality rational consideration"),
    ("A\nA\nA", "A A\nA"),
    ("Anna: can we ship on Monday?\nBen: yes, if the tests pass.",
     "Anna and Ben ship on Monday if the tests pass."),
]

IRREGULAR = "sky skies dying lying tying news innings inning outings outing cannings canning howe proceed exceed succeed"
WORDS = """
ties dies flies tied died spied cried happily enjoy enjoys enjoyed enjoyment happy sky spy by boy toy syzygy yyyy
yyyyy eye eyed eyeing dyed yes y a i us as is this gas kiss kisses caress caresses ponies cats feed agreed freed
seed need bleed plastered bled motoring sing singing king bring conflated troubled sized hopping tanned falling
hissing fizzed failing filing aging eating owing adding egging inning added oiled aided using abed ating bling
relational conditional rational valency hesitancy digitizer conformably radically differently vilely analogously
vietnamization predication operator feudalism decisiveness hopefulness callousness formality sensitivity sensibility
fully beautifully gracefully geology theology archaeology logi analogy rationally nationally ally ballily totally
optionally triplicate formative formalize electricity electrical hopeful goodness revival allowance inference
airliner gyroscopic adjustable defensible irritant replacement adjustment dependent adoption option ion lion million
region homologous communism activate angularity effective bowdlerize probate rate cease controlling rolling controll
roll ease use owe eve ire 1990s 3rd 2nd 100ing a1ed 4wheeled x86ing b2b covid19 mp3s 12345 eeing eed ied ies ssss
aaaa bbbb abing yying sying trying tryed played saying says generalizations oscillators
""".split()

STEMS = """act adapt admir adopt agre allow anal appl art associat bab beg bel ben bon bur busi calm cancel car cau
cheer clin cod combin com compar con connect consid cover cr creat cur danc deb dec defin depend determin dig diff doll
dr dri duck ed effic em eng equ ev excit f fall fam fast fav fer fil fin fl form fr fulf gall gen geo giv gl grac gr
hast hel hop host hum hyph ident ill imag immun in inspir intell joy kin know lab laz leg lev lin log lov magn man mat
med mer mon mor mult na nat neg neur norm not occ op or organ part pass pe perf phil pl polic pop prais pr psych qu
quizz rad ration re rel rest rh ro roll sall sens sh sk soc sp spec st stall subt sy tab tann tax tell th ti tot tr
tri ty un univ us val var ver vi viv voc waltz wh will wond wr y yell ze zz""".split()
SUFFIXES = """s es ies ss sses ed ied eed ing y ational tional enci anci izer bli ably alli ally entli ently eli ely
ousli ously ization ation ator alism iveness fulness ousness aliti ality iviti ivity biliti bility fulli fully logi logy
icate ative alize iciti icity ical ful ness al ance ence er ic able ible ant ement ment ent ion sion tion ou ism ate iti
ous ive ize e ll lle le ated bled ized ating bling izing""".split()


def random_pairs(count, seed):
    """Short texts of few words in several lines, where the choice among equal LCS matters."""
    rng = random.Random(seed)

    def text():
        lines = [" ".join(rng.choice("abcde") for _ in range(rng.randint(0, 9))) for _ in range(rng.randint(1, 4))]
        return "\n".join(lines)

    return [(text(), text()) for _ in range(count)]


def score(scorer, prediction, reference):
    scores = scorer.score(reference, prediction)
    return {t: [float(x) for x in scores[t]] for t in TYPES}


def write(path, fields, rows):
    """One row a line, so that differences can be read."""
    head = "".join(f"{json.dumps(k)}: {json.dumps(v)},\n" for k, v in fields.items())
    body = ",\n".join(json.dumps(row) for row in rows)
    path.write_text("{\n" + head + '"rows": [\n' + body + "\n]\n}\n", encoding="utf-8")


def main():
    folder = pathlib.Path(sys.argv[1])
    version = importlib.metadata.version
    reference = {
        "script": "tools/oracle/rouge_golden.py",
        "reference": f"rouge-score {version('rouge_score')}, nltk {version('nltk')}",
    }
    scorers = {"plain": RougeScorer(TYPES), "stemmed": RougeScorer(TYPES, use_stemmer=True)}
    rows = []
    for prediction, target in PAIRS:
        row = {"prediction": prediction, "reference": target}
        rows.append(row | {name: score(s, prediction, target) for name, s in scorers.items()})
    for prediction, target in random_pairs(60, seed=3):
        row = {"prediction": prediction, "reference": target}
        rows.append(row | {"plain": score(scorers["plain"], prediction, target)})
    write(folder / "rouge.json", reference | {"numbers": "precision, recall, f1"}, rows)

    rng = random.Random(7)
    grid = [stem + suffix for stem in STEMS for suffix in SUFFIXES]
    words = sorted(set(IRREGULAR.split() + WORDS + rng.sample(grid, 700)))
    stem = PorterStemmer().stem
    write(folder / "porter.json", reference, [[word, stem(word)] for word in words])


if __name__ == "__main__":
    main()
