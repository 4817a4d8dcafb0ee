#include "cli/sampling_options.h"

namespace pomona::cli {

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
              "above 1: tokens that were there become less likely")
      .between(0.01, 100);
  arguments.option("--seed", "S", options.seed,
                   "the same seed gives the same answer, for any number of threads");
}

}  // namespace pomona::cli
