// What `evaluate` leaves for later stages: every answer of every method.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "eval/runner.h"
#include "lifecycle/stage.h"

namespace pomona::lifecycle {

/// Job::id of a method's answers to a split.
std::string samples_job(std::string_view method, Split split);

/// The answers in the order of the rows. Throws bad_file if the artefact was damaged.
std::vector<eval::AnsweredRow> samples_of(const Run& run, std::string_view method, Split split);
std::vector<std::string> answers_of(const Run& run, std::string_view method, Split split);

}  // namespace pomona::lifecycle
