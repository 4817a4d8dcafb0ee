"""Reading 512 tokens and writing 128 with SmolLM2-135M, beside llama.cpp's llama-bench.

Pomona uses the Q4_1 file; the peer uses that file and other types of the same model, made by its
own quantiser from the F32 copy, because its Q4_1 code is not its best.
"""

import pathlib

from harness import Metric, Row, field
from peers import llama_cpp as peer

PREFILL, DECODE = 512, 128
THREADS = (1, 2)
# type: (bar of prefill, bar of decode). Every type carries the bar of "the best type".
TYPES = {
    "Q4_1": (3.0, 1.2),
    "Q4_0": (1.2, None),
    "Q8_0": (1.2, None),
    "Q4_K_M": (1.2, None),
    "BF16": (1.2, None),
}
D, L, H, G, E, F = 576, 30, 9, 3, 64, 1536


def prefill_roof(int8_gops):
    """Tokens a second if all multiply-adds of the blocks ran at the int8 roof.

    Two operations for each weight; attention reads half of the tokens on average. The head runs once.
    """
    weights = L * (D * (H + 2 * G) * E + H * E * D + 3 * D * F)
    attention = L * 2 * H * E * PREFILL / 2
    return int8_gops * 1e9 / (2 * (weights + attention))


def decode_roof(model):
    """Tokens a second if the file's bytes came once for each token at the speed of DRAM."""
    size = pathlib.Path(model).stat().st_size
    return lambda dram_gb_per_second: dram_gb_per_second * 1e9 / size


def rows(pomona, model, runs):
    """One row for each of the peer's types and number of threads."""
    if model is None or not model.is_file():
        raise SystemExit(f"inference: needs the Q4_1 file of SmolLM2-135M-Instruct, got {model}")
    result = []
    for threads in THREADS:
        roof = [pomona, "bench", "--roof", "--threads", threads, "--json"]
        ours = [pomona, "bench", model, "--prefill", PREFILL, "--decode", DECODE, "--runs", runs,
                "--threads", threads, "--json"]  # fmt: skip
        for kind, (prefill_bar, decode_bar) in TYPES.items():
            file = model if kind == "Q4_1" else peer.model_of_type(model, kind)
            metrics = (
                Metric("prefill", "tokens/s", field("prefill_tokens_per_second"),
                       lambda out: peer.rate(out, prefill=PREFILL), "int8_gops", prefill_roof,
                       prefill_bar),
                Metric("decode", "tokens/s", field("decode_tokens_per_second"),
                       lambda out: peer.rate(out, decode=DECODE), "dram_gb_per_second",
                       decode_roof(model), decode_bar),
            )  # fmt: skip
            result.append(Row(
                label=f"peer {kind}, {threads} thread{'s' * (threads > 1)}", threads=threads,
                pomona=ours, peer=peer.bench(file, PREFILL, DECODE, runs, threads), roof=roof,
                metrics=metrics,
                peer_settings=f"flash attention {peer.FLASH_ATTENTION}, f16 KV, repacked weights"))  # fmt: skip
    return result
