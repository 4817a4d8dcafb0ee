#include "cli/sampling_options.h"

#include <charconv>

#include "base/error.h"

namespace pomona::cli {

void read_value(const Argument& argument, const std::string& text,
                std::pair<std::int32_t, double>& target) {
  const char* const end = text.data() + text.size();
  const auto [sign, no_token] = std::from_chars(text.data(), end, target.first);
  const char* const bias = sign != end && *sign == '+' ? sign + 1 : sign;
  const bool signed_bias = sign != end && (*sign == '+' || *sign == '-') && bias != end;
  const auto [rest, no_bias] = std::from_chars(bias, end, target.second);
  if (no_token != std::errc() || !signed_bias || no_bias != std::errc() || rest != end) {
    fail(ErrorKind::bad_argument,
         "{} takes a token's id and what is added to its logit, such as 42-100 or 42+1.5, got "
         "\"{}\"",
         argument.name, text);
  }
}

void declare_sampling(Arguments& arguments, decode::SamplingOptions& options) {
  arguments
      .option("--temperature", "T", options.temperature,
              "0 always takes the likeliest token; 0.7 to 1 varies the answer")
      .at_least(0);
  arguments.option("--top-k", "K", options.top_k, "draw from the K likeliest tokens; 0: from all")
      .at_least(0);
  arguments
      .option("--top-p", "P", options.top_p,
              "draw from the likeliest tokens that have probability P together")
      .between(0, 1);
  arguments
      .option("--min-p", "P", options.min_p,
              "leave out tokens less likely than P times the likeliest")
      .between(0, 1);
  arguments
      .option("--repetition-penalty", "X", options.repetition_penalty,
              "above 1: tokens of prompt and answer become less likely")
      .between(0.01, 100);
  arguments
      .option("--presence-penalty", "X", options.presence_penalty,
              "above 0: tokens that the answer has become less likely")
      .between(-2, 2);
  arguments
      .option("--frequency-penalty", "X", options.frequency_penalty,
              "the same, by as much again for each time that the answer has them")
      .between(-2, 2);
  arguments.option("--logit-bias", "ID+B", options.logit_bias,
                   "makes a token likelier, or with ID-B less likely; -100 forbids it (`pomona "
                   "tokenize` tells ids)");
  arguments.option("--seed", "S", options.seed,
                   "the same seed gives the same answer, for any number of threads");
}

}  // namespace pomona::cli
