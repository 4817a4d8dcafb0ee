// The jobs of each stage; stages.cpp lists them.
#pragma once
#include "lifecycle/stage.h"

namespace pomona::lifecycle {

/// Reads and checks all data before anything long begins: rows, lengths, overlap of the splits.
std::vector<Job> scope_jobs(Run& run);
void scope_settle(Run& run);
inline constexpr Stage kScope = {"scope", scope_jobs, scope_settle};

/// Chooses the model, fetches it if it is not here, and measures it.
std::vector<Job> select_jobs(Run& run);
void select_settle(Run& run);
inline constexpr Stage kSelect = {"select", select_jobs, select_settle};

/// Builds the prompts of all methods and checks that they fit into the model's context.
std::vector<Job> prompt_jobs(Run& run);
void prompt_settle(Run& run);
inline constexpr Stage kPrompt = {"prompt", prompt_jobs, prompt_settle};

/// Has every method answer the rows of valid and test, and compares the answers.
std::vector<Job> evaluate_jobs(Run& run);
void evaluate_settle(Run& run);
inline constexpr Stage kEvaluate = {"evaluate", evaluate_jobs, evaluate_settle};

/// Writes report.html and report.json, and gives the promoted result its alias.
std::vector<Job> report_jobs(Run& run);
void report_settle(Run& run);
inline constexpr Stage kReport = {"report", report_jobs, report_settle};

}  // namespace pomona::lifecycle
