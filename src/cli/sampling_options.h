// The options that generate and chat share: how the next token is chosen.
#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "cli/arguments.h"
#include "decode/sampling.h"

namespace pomona::cli {

/// Reads "42-100" or "42+1.5": a token and its bias, as llama.cpp writes them.
void read_value(const Argument& argument, const std::string& text,
                std::pair<std::int32_t, double>& target);

/// Declares --temperature, --top-k, --top-p, --min-p, penalties, --logit-bias and --seed.
void declare_sampling(Arguments& arguments, decode::SamplingOptions& options);

}  // namespace pomona::cli
