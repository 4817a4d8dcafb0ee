"""What transformers' beam search answers on tiny random models: tests/golden/beams.json.

Run: python3 tools/oracle/beams.py. Needs torch, transformers and tests/golden/families (families.py).
"""

import json
import sys

import torch
import transformers

import golden

FAMILIES = golden.FOLDER / "families"
MODELS = ["llama", "qwen3"]
PROMPTS = [[40, 60, 12, 77, 5], [21, 90, 33, 8, 64, 50, 72]]
# num_beams, num_return_sequences, length_penalty, early_stopping, further arguments
CASES = [
    (2, 1, 1.0, False, {}),
    (3, 3, 1.0, False, {}),
    (4, 2, 0.0, "never", {}),
    (4, 4, 2.0, "never", {}),
    (4, 4, 2.0, False, {}),
    (3, 2, 1.0, True, {}),
    (5, 5, -1.0, True, {}),
    (5, 3, 0.6, False, {"min_new_tokens": 7}),
    (3, 3, 1.0, False, {"repetition_penalty": 1.3}),
    (6, 6, 1.5, False, {"end_tokens": 2}),
]
STEPS = 16


def answers(model, prompt, case, ends):
    """The best sequences behind the prompt, end tokens cut off, and their scores."""
    beams, best, penalty, early, more = case
    more = {name: value for name, value in more.items() if name != "end_tokens"}
    out = model.generate(
        torch.tensor([prompt]), max_new_tokens=STEPS, do_sample=False, num_beams=beams,
        num_return_sequences=best, length_penalty=penalty, early_stopping=early, eos_token_id=ends or None,
        pad_token_id=0, return_dict_in_generate=True, output_scores=True, **more,
    )  # fmt: skip
    found = []
    for row, score in zip(out.sequences.tolist(), out.sequences_scores.tolist()):
        row = row[len(prompt) :]
        cut = next((i for i, token in enumerate(row) if token in ends), len(row))
        found.append({"tokens": row[:cut], "score": score})
    return found


def main():
    cases = []
    for name in MODELS:
        model = transformers.AutoModelForCausalLM.from_pretrained(FAMILIES / name, dtype=torch.float32)
        model.generation_config = transformers.GenerationConfig()
        for prompt in PROMPTS:
            # End tokens that the search meets: what wide beams say early without any.
            seen = answers(model, prompt, (8, 8, 1.0, False, {}), [])
            likely = [found["tokens"][4 + i] for i, found in enumerate(seen)]
            for case in CASES:
                ends = list(dict.fromkeys(likely))[: case[4].get("end_tokens", 1)]
                beams, best, penalty, early, more = case
                cases.append(
                    {
                        "model": name, "prompt": prompt, "end_tokens": ends, "max_new_tokens": STEPS,
                        "beams": beams, "answers": best, "length_penalty": penalty,
                        "early_stopping": {False: "no", True: "yes"}.get(early, early),
                        "min_new_tokens": more.get("min_new_tokens", 0),
                        "repetition_penalty": more.get("repetition_penalty", 1.0),
                        "best": answers(model, prompt, case, ends),
                    }
                )  # fmt: skip
    header = {"script": "tools/oracle/beams.py", "made_with": golden.versions(torch, transformers)}
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    text = json.dumps(header)[:-1] + ', "cases": [\n' + lines + "\n]}\n"
    (golden.FOLDER / "beams.json").write_text(text, encoding="utf-8")
    print(f"{len(cases)} cases, {len(text)} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
