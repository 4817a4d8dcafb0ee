// What `evaluate` has for later stages: every answer of every method, and the job that asks for
// them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "eval/runner.h"
#include "lifecycle/stage.h"

namespace pomona::lifecycle {

/// Job::id of a method's answers to a split.
std::string samples_job(std::string_view method, Split split);

/// That job, kept under the method's model and prompts, whichever stage asks.
Job answer_job(Run& run, const Method& method, Split split);

std::vector<std::string> references_of(Run& run, Split split);

/// The answers in the order of the rows. Throws bad_file if the artefact was damaged.
std::vector<eval::AnsweredRow> samples_of(const Run& run, std::string_view method, Split split);
std::vector<std::string> answers_of(const Run& run, std::string_view method, Split split);

}  // namespace pomona::lifecycle
