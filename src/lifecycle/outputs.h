// What a run hands to its user: where the report goes, and its result in a line.
#pragma once
#include <filesystem>
#include <string>

#include "base/json.h"
#include "hub/home.h"
#include "lifecycle/app_file.h"

namespace pomona::lifecycle {

/// The folder of report.html and report.json: "report" beside app.toml ("report-x" beside x.toml),
/// where a newcomer finds it and where it goes when the application goes; if that place cannot be
/// written to, reports/NAME in the store.
fs::path report_folder(const AppFile& app, const hub::Home& home);

/// "zero-shot 18.2, one-shot 17.1, 4-shot 19.0 ROUGE-L (n = 104, 95 % intervals in the report)",
/// from the meta data of `evaluate`.
std::string result_line(const Json& compared);

/// "200", or "100 of 200" where [evaluate] limit drew some, from what `scope` found in a split.
std::string shown_rows(const Json& split);

/// `word` as a shell reads it back: in quotes unless it is plain.
std::string shell_word(const std::string& word);

}  // namespace pomona::lifecycle
