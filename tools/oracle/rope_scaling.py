"""Writes tests/golden/rope_scaling.{json,bin}: frequencies and attention factors of stretched rotary
positions by transformers' modeling_rope_utils (f32).
"""

import torch
import transformers
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

import golden

# Values as well-known checkpoints have them, and some at the edges of the formulas.
CASES = [
    {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
    {"rope_type": "linear", "rope_theta": 1e4, "factor": 2.5, "partial_rotary_factor": 0.25},
    {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0,
     "high_freq_factor": 4.0, "original_max_position_embeddings": 8192},
    {"rope_type": "llama3", "rope_theta": 5e5, "factor": 32.0, "low_freq_factor": 1.0,
     "high_freq_factor": 4.0, "original_max_position_embeddings": 8192},
    {"rope_type": "llama3", "rope_theta": 1e4, "factor": 3.0, "low_freq_factor": 2.0,
     "high_freq_factor": 9.0, "original_max_position_embeddings": 700},
    {"rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0,
     "original_max_position_embeddings": 32768},
    {"rope_type": "yarn", "rope_theta": 1e4, "factor": 16.0, "beta_fast": 64.0, "beta_slow": 2.0,
     "original_max_position_embeddings": 4096, "partial_rotary_factor": 0.5},
    {"rope_type": "yarn", "rope_theta": 1e4, "factor": 40.0, "mscale": 1.0, "mscale_all_dim": 0.707,
     "original_max_position_embeddings": 4096},
    {"rope_type": "yarn", "rope_theta": 1.5e5, "factor": 32.0, "truncate": False,
     "original_max_position_embeddings": 4096},
    {"rope_type": "yarn", "rope_theta": 1e4, "factor": 8.0, "attention_factor": 1.3,
     "original_max_position_embeddings": 64},
    {"rope_type": "longrope", "rope_theta": 1e4, "factor": 32.0,
     "original_max_position_embeddings": 4096,
     "short_factor": [1.0 + i / 100 for i in range(32)],
     "long_factor": [1.0 + i * i / 16 for i in range(32)]},
]  # fmt: skip
HEAD_DIM = 64


def main():
    out = golden.Golden("rope_scaling", golden.versions(torch, transformers))
    out.fact("head_dim", HEAD_DIM)
    out.fact("cases", CASES)
    attention_factors = []
    for i, case in enumerate(CASES):
        config = transformers.LlamaConfig(
            hidden_size=4 * HEAD_DIM, num_attention_heads=4, head_dim=HEAD_DIM,
            max_position_embeddings=1 << 17, rope_parameters=dict(case),
        )  # fmt: skip
        compute = ROPE_INIT_FUNCTIONS[case["rope_type"]]
        inverse, attention_factor = compute(config, torch.device("cpu"))
        out.array(f"inverse.{i}", inverse, "f32")
        attention_factors.append(float(attention_factor))
        if case["rope_type"] == "longrope":
            seq_len = case["original_max_position_embeddings"] + 1
            out.array(f"long.{i}", compute(config, torch.device("cpu"), seq_len=seq_len)[0], "f32")
    out.fact("attention_factors", attention_factors)
    out.write()


if __name__ == "__main__":
    main()
