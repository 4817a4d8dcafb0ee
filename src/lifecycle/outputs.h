// What a run hands to its user: where the report goes, and its result in a line.
#pragma once
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "hub/home.h"
#include "hub/model_store.h"
#include "lifecycle/app_file.h"

namespace pomona::lifecycle {

/// `--set` assignments, in order.
using Assignments = std::vector<std::pair<std::string, std::string>>;

/// The folder of report.html and report.json: "report" beside app.toml ("report-x" beside x.toml),
/// where a newcomer finds it and where it goes when the application goes; if that place cannot be
/// written to, reports/NAME-HASH in the store, by the hash of that place. A run with `--set` is a
/// look aside and has a folder of its own in there: "report/evaluate.limit=20".
fs::path report_folder(const AppFile& app, const hub::Home& home, const Assignments& set);

/// The name that the promoted result gets, for every command that takes a model. Empty for a run
/// with `--set` that does not set the alias, if the name is that of a whole run's result: a look
/// aside does not take it.
std::string alias_of(const AppFile& app, const Assignments& set, const hub::ModelStore& models);

/// "zero-shot 18.2, one-shot 17.1, 4-shot 19.0 ROUGE-L (n = 104, 95 % intervals in the report)",
/// from the meta data of `evaluate`.
std::string result_line(const Json& compared);

/// "Q8_0   145 MB, 812 tokens/s, perplexity 6.31, ROUGE-L 18.2" for the model as it is and for each
/// type, from the rows of `compress`.
std::vector<std::string> compression_lines(const Json& uncompressed, const Json& compression);

/// "lora: 4.9 of 139.4 million parameters (3.5 %), 19.6 MB, trained in 4 min with 1.2 GB, ..." for
/// each of RunOutcome::training.
std::vector<std::string> training_lines(const Json& training);

/// "460", "46 thousand", "4.9 million".
std::string shown_count(double count);

/// "200", or "100 of 200" where [evaluate] limit drew some, from what `scope` found in a split.
std::string shown_rows(const Json& split);

/// `word` as a shell reads it back: in quotes unless it is plain.
std::string shell_word(const std::string& word);

}  // namespace pomona::lifecycle
