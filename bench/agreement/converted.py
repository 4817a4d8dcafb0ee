#!/usr/bin/env python3
"""Do converted models load in llama.cpp and in transformers, and answer the same?

usage: converted.py MODEL.gguf [--pomona PATH] [--data FOLDER]

- The tiny model of each family: the folder made of its GGUF file in transformers, beside the folder
  that transformers wrote itself; the GGUF file made of that folder in llama.cpp, beside the one of
  llama.cpp's own converter. Tokens, logits and 24 greedy tokens.
- MODEL: its folder in transformers, beside Pomona on MODEL; the file made of that folder in
  llama.cpp, beside llama.cpp's own F32 copy of MODEL.
- The reference vocabularies of DATA in a tiny Llama: their folders in transformers and the files
  made of those in llama.cpp, on the vocabularies' own test texts.
Writes bench/results/converted.json; ends with 1 if anything differs. Needs torch, transformers and
gguf.
"""

import argparse
import json
import logging
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[1:1] = [str(HERE.parent), str(HERE)]
os.environ["HF_HUB_OFFLINE"] = "1"
import agreement  # noqa: E402
import gguf  # noqa: E402
import machine  # noqa: E402
import numpy  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from peers import llama_cpp  # noqa: E402

FAMILIES = ["gemma2", "gemma3", "gpt2", "gpt_neox", "llama", "mistral", "phi3", "qwen2", "qwen3"]
VOCABULARIES = ["gpt-2", "falcon", "deepseek-coder", "llama-spm", "phi-3"]
TEXTS = ["The pear tree and the pruning knife in the hills", "in the 7 hills <|im_end|>we wait\n\nher"]
PROMPTS = ["The pear tree", "In the year 1984, the orchard", "def main():\n"]
GREEDY, REAL_GREEDY = 24, 32
PHI3_WINDOW = 6
MARKER = "\n__ggml_vocab_test__\n"


def convert(pomona, source, target):
    subprocess.run([str(pomona), "convert", str(source), str(target)], check=True, stdout=subprocess.DEVNULL)
    return target


def in_transformers(folder, texts, steps):
    """[token ids, logits, greedy continuation] of each text."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32
    ).eval()
    rows = []
    for text in texts:
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            answer = model.generate(ids, max_new_tokens=steps, do_sample=False, eos_token_id=None)
            rows.append([ids[0].tolist(), model(ids).logits[0].numpy(), answer[0].tolist()[ids.shape[1] :]])
    return rows


def in_llama_cpp(model, file, tokens):
    """Its best tokens, logits, margins and log-probabilities at the first tokens of a text."""
    command = [agreement.build_client(), model, tokens, 1, "f32", file]
    return json.loads(agreement.run(command))


def same_rows(a, b):
    """Where two models of transformers agree, and by how much their logits differ at most."""
    worst = max(float(numpy.abs(x[1] - y[1]).max() / numpy.abs(y[1]).max()) for x, y in zip(a, b, strict=True))
    return {"tokens": all(x[0] == y[0] for x, y in zip(a, b, strict=True)),
            "greedy": all(x[2] == y[2] for x, y in zip(a, b, strict=True)), "logits": worst}  # fmt: skip


def family(pomona, name, folder):
    golden = ROOT / "tests/golden/families" / name
    text = folder / "text.txt"
    text.write_text(" ".join(TEXTS) * 2, encoding="utf-8")
    made_folder = convert(pomona, golden.with_suffix(".gguf"), folder / f"{name}-folder")
    result = {"transformers": same_rows(in_transformers(made_folder, TEXTS, GREEDY),
                                        in_transformers(golden, TEXTS, GREEDY))}  # fmt: skip
    if name == "phi3":
        # llama.cpp looks for tokens of the real model in files whose name has "phi3", the golden one
        # included, and leaves the window out: PyTorch's best tokens within the window instead.
        folder_of_phi3 = shutil.copytree(golden, folder / "small")
        found = in_llama_cpp(convert(pomona, folder_of_phi3, folder / "small.gguf"), text, PHI3_WINDOW)
        ids, logits, _ = in_transformers(golden, [text.read_text()], 1)[0]
        best = logits[:PHI3_WINDOW].argmax(1).tolist()
        result["llama_cpp"] = found["tokens"] == ids[:PHI3_WINDOW] and found["best"] == best
        return result
    found = in_llama_cpp(convert(pomona, golden, folder / f"{name}.gguf"), text, 64)
    result["llama_cpp"] = found == in_llama_cpp(golden.with_suffix(".gguf"), text, 64)
    return result


def real(pomona, model, folder):
    made_folder = convert(pomona, model, folder / "real")
    rows = in_transformers(made_folder, PROMPTS, REAL_GREEDY)
    same = 0
    for prompt, row in zip(PROMPTS, rows, strict=True):
        answer = json.loads(agreement.run(
            [pomona, "generate", model, "--prompt", prompt, "--raw", "--compute", "f32", "--temperature", 0,
             "--max-new-tokens", REAL_GREEDY, "--logprobs", 1, "--json"]))  # fmt: skip
        ids = [part["id"] for part in answer["logprobs"]["content"]]
        same += ids == row[2][: len(ids)]
    text = folder / "text.txt"
    text.write_text(agreement.texts(ROOT.parent / "shared/data")[0], encoding="utf-8")
    made_file = convert(pomona, made_folder, folder / "real.gguf")
    exact = llama_cpp.model_of_type(model, "F32")
    found, expected = in_llama_cpp(made_file, text, 200), in_llama_cpp(exact, text, 200)
    return {"greedy_in_transformers": same, "prompts": len(PROMPTS), "llama_cpp": found == expected}


def with_vocabulary(source, target):
    """A Llama of one small layer with the tokeniser of a GGUF file that has no tensors."""
    reader = gguf.GGUFReader(source)
    rows = len(reader.fields["tokenizer.ggml.tokens"].data)
    writer = gguf.GGUFWriter(target, "llama")
    for key, field in reader.fields.items():
        if key.startswith("tokenizer."):
            kind = field.types[0]
            writer.add_key_value(key, field.contents(), kind, field.types[-1] if len(field.types) > 1 else None)
    writer.add_context_length(4096)
    writer.add_embedding_length(32)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(rows)
    random = numpy.random.default_rng(0)
    shapes = {"token_embd": (rows, 32), "output_norm": (32,)}
    for part, shape in {"attn_norm": (32,), "ffn_norm": (32,), "attn_q": (32, 32), "attn_k": (32, 32),
                        "attn_v": (32, 32), "attn_output": (32, 32), "ffn_gate": (32, 32),
                        "ffn_up": (32, 32), "ffn_down": (32, 32)}.items():  # fmt: skip
        shapes["blk.0." + part] = shape
    for name, shape in shapes.items():
        writer.add_tensor(name + ".weight", random.standard_normal(shape).astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def vocabulary(pomona, source, folder):
    start = folder / "vocabulary.gguf"
    with_vocabulary(source, start)
    made_folder = convert(pomona, start, folder / "vocabulary")
    tokenizer = transformers.AutoTokenizer.from_pretrained(made_folder)
    inputs = pathlib.Path(str(source) + ".inp").read_text(encoding="utf-8").split(MARKER)[:-1]
    lines = pathlib.Path(str(source) + ".out").read_text(encoding="utf-8").split("\n")
    equal = 0
    for text, line in zip(inputs, lines[: len(inputs)], strict=True):
        equal += tokenizer(text, add_special_tokens=False)["input_ids"] == [int(n) for n in line.split()]
    made_file = convert(pomona, made_folder, folder / "again.gguf")
    text = folder / "text.txt"
    text.write_text("\n".join(inputs), encoding="utf-8")
    same = in_llama_cpp(made_file, text, 256)["tokens"] == in_llama_cpp(start, text, 256)["tokens"]
    return {"texts": len(inputs), "equal_in_transformers": equal, "llama_cpp": same}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--pomona", default=ROOT / "pomona", help="the program to test")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared/data")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    transformers.utils.logging.disable_progress_bar()
    result = {"facts": machine.facts(options.pomona, llama_cpp),
              "transformers": transformers.__version__, "families": {}, "vocabularies": {}}  # fmt: skip
    kept = True
    for name in FAMILIES:
        with tempfile.TemporaryDirectory() as folder:
            row = result["families"][name] = family(options.pomona, name, pathlib.Path(folder))
        kept = kept and row["llama_cpp"] and row["transformers"]["tokens"] and row["transformers"]["greedy"]
        kept = kept and row["transformers"]["logits"] <= 1e-5
        print(name, row)
    for name in VOCABULARIES:
        with tempfile.TemporaryDirectory() as folder:
            source = options.data / "oracles/tokenizers" / f"ggml-vocab-{name}.gguf"
            row = result["vocabularies"][name] = vocabulary(options.pomona, source, pathlib.Path(folder))
        kept = kept and row["llama_cpp"] and row["equal_in_transformers"] == row["texts"]
        print(name, row)
    with tempfile.TemporaryDirectory() as folder:
        row = result["real"] = {"model": options.model.name, **real(options.pomona, options.model, pathlib.Path(folder))}
    print(row)
    kept = kept and row["llama_cpp"] and row["greedy_in_transformers"] == row["prompts"]
    result["kept"] = bool(kept)
    out = HERE.parent / "results" / "converted.json"
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
