// The options that generate and chat share: how the next token is chosen.
#pragma once
#include "cli/arguments.h"
#include "decode/sampling.h"

namespace pomona::cli {

/// Declares --temperature, --top-k, --top-p, --min-p, --repetition-penalty and --seed.
void declare_sampling(Arguments& arguments, decode::SamplingOptions& options);

}  // namespace pomona::cli
