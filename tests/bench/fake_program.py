"""Stands in for both programs: `bench ...` answers like pomona, anything else like llama-bench."""

import json
import sys

ROOF = {"int8_gops": 800.0, "dram_gb_per_second": 25.0}


def main():
    if sys.argv[1] == "bench":
        answer = {"roof": ROOF, "isa": "avx512"}
        if "--prefill" in sys.argv:
            answer |= {"prefill_tokens_per_second": 1200.0, "decode_tokens_per_second": 150.0}
    elif sys.argv[1] == "--version":
        print("fake 1.0")
        return
    elif sys.argv[1] == "fail":
        sys.exit("fake: no such model")
    else:
        answer = [
            {"n_prompt": 512, "n_gen": 0, "samples_ts": [310.0, 300.0, 290.0]},
            {"n_prompt": 0, "n_gen": 128, "samples_ts": [99.0, 101.0]},
        ]
    print(json.dumps(answer))


main()
