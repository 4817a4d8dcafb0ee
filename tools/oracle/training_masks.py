"""Writes tests/golden/training_masks.json: tokens and assistant masks of conversations by transformers.

usage: training_masks.py

The reference marks what the assistant says with {% generation %} in the template, as TRL's training templates do, and
apply_chat_template returns tokens and mask. Pomona gets the template without those marks and must find the same by
rendering prefixes. The vocabulary is that of llama_tiny.gguf.
"""
import json
import pathlib
import re

import tokenizers
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import tiny_model

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "training_masks.json"

G, E = "{% generation %}", "{% endgeneration %}"
TEMPLATES = {
    "chatml": "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.role == 'assistant' %}"
    + G + "{{ m.content + '<|im_end|>' }}" + E
    + "{% else %}{{ m.content + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "instructions": "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %}"
    + G + "{{ ' ' + m.content + eos_token }}" + E
    + "{% else %}{{ '[INST] ' + m.content + ' [/INST]' }}{% endif %}{% endfor %}",
    "headers": "{% if messages[0].role != 'system' %}{{ '#system\nBe good.<|endoftext|>' }}{% endif %}"
    "{% for m in messages %}{{ '#' + m.role + '\n' }}{% if m.role == 'assistant' %}"
    + G + "{{ m.content | trim }}{{ '<|im_end|>' }}" + E
    + "{% else %}{{ (m.content | trim) + '<|endoftext|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '#assistant\n' }}{% endif %}",
    "tools": "{% if tools %}{{ 'tools: ' + (tools | tojson) + '<|endoftext|>' }}{% endif %}"
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.role == 'assistant' %}"
    + G + "{% if m.tool_calls %}{% for c in m.tool_calls %}{{ c.function.name + (c.function.arguments | tojson) }}"
    "{% endfor %}{% else %}{{ m.content }}{% endif %}{{ '<|im_end|>' }}" + E
    + "{% else %}{{ m.content + '<|im_end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
}  # fmt: skip


def turn(role, content):
    return {"role": role, "content": content}


CALL = {"type": "function", "function": {"name": "add", "arguments": {"a": 1, "b": [2, "x"]}}}
TOOL = {"type": "function", "function": {"name": "add", "description": "adds"}}
TALKS = {
    "one": [turn("user", "the pear and the tin"), turn("assistant", "the other tin")],
    "two": [turn("user", " here "), turn("assistant", "in there\n"), turn("user", "r\u00e9sum\u00e9 \U0001f600"),
            turn("assistant", "and on")],
    "system": [turn("system", "Be brief."), turn("user", "in"), turn("assistant", " the"), turn("user", "on?"),
               turn("assistant", "  two  lines\n\n")],
}  # fmt: skip
TOOL_TALK = [turn("user", "1 and 2?"), {"role": "assistant", "content": "", "tool_calls": [CALL]}, turn("tool", "3"),
             turn("assistant", "the answer is 3")]  # fmt: skip


def tokenizer():
    vocabulary = tiny_model.vocabulary()
    t = Tokenizer(models.BPE(vocab={text: i for i, text in enumerate(vocabulary)}, merges=tiny_model.MERGES))
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in tiny_model.SPECIAL])
    return PreTrainedTokenizerFast(tokenizer_object=t, bos_token="<|im_start|>", eos_token="<|im_end|>")


def case(t, name, talk, messages, tools=None):
    template = TEMPLATES[name]
    found = t.apply_chat_template(messages, tools=tools, chat_template=template, tokenize=True, return_dict=True,
                                  return_assistant_tokens_mask=True)  # fmt: skip
    tokens, mask = list(found["input_ids"]), list(found["assistant_masks"])
    plain = re.sub(r"{% (end)?generation %}", "", template)
    again = t.apply_chat_template(messages, tools=tools, chat_template=plain, tokenize=True, return_dict=True)
    assert list(again["input_ids"]) == tokens and 1 in mask
    return {"name": f"{name}_{talk}", "template": plain, "messages": messages, "tools": tools,
            "tokens": tokens, "mask": mask}  # fmt: skip


def main():
    t = tokenizer()
    cases = [case(t, name, talk, messages) for name in ("chatml", "instructions", "headers")
             for talk, messages in TALKS.items()]  # fmt: skip
    cases.append(case(t, "tools", "call", TOOL_TALK, [TOOL]))
    made = {"script": "tools/oracle/training_masks.py",
            "made_with": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__},
            "cases": cases}  # fmt: skip
    OUT.write_text(json.dumps(made, ensure_ascii=True, separators=(",", ":")).replace('},{"name"', '},\n{"name"') + "\n")


if __name__ == "__main__":
    main()
