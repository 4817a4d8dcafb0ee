// The application file: what somebody wants built, as TOML. Each stage reads its own tables of it
// (Stage::read); what it finds is gathered here, for all of them.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/catalogue.h"
#include "metric/metric.h"
#include "train/run_file.h"

namespace pomona::lifecycle {

namespace fs = std::filesystem;

using hub::kUseCases;
/// Throws bad_argument, suggesting the nearest; `where` starts the message.
void check_use_case(std::string_view use_case, std::string_view where);

/// A method of [tune] and its settings.
struct TuneMethod {
  std::string name;    // "soft-prompt"
  train::RunFile run;  // without model, data and output, which the application gives
};

struct AppFile {
  fs::path path;    // as given
  fs::path folder;  // what paths in it are relative to

  std::string name, use_case, language;

  std::string base;  // "auto", a catalogue name or alias, or a path (then absolute)
  bool base_is_path = false;
  std::optional<std::uint64_t> max_memory;  // bytes
  std::optional<double> min_speed;          // tokens a second, one sequence
  std::vector<std::string> licences;        // SPDX identifiers allowed; empty: any

  fs::path train, valid, test;  // empty: not named (train without examples, valid with one method)
  std::string input, output;

  std::string instruction;
  std::vector<std::int64_t> shots;  // 0 first, then as in the file
  std::uint64_t seed = 1;           // of the draw of examples

  std::vector<TuneMethod> tune;  // as in the file

  std::vector<std::string> metrics;
  std::optional<std::size_t> limit;  // rows of valid and of test, drawn by read_rows
  std::int64_t max_new_tokens = 128;

  std::string gate_metric;  // one of the metrics' scores
  double significance = 0.05;
  double max_forgetting = 1;  // nats a token

  std::vector<std::string> compress_types;  // recipes, as in the file

  std::string alias;
  std::optional<int> port;

  /// What a user should know that is no error.
  std::vector<std::string> notes;

  /// The options that `metric` gets for texts of this language.
  metric::MetricOptions options_for(std::string_view metric) const;
};

/// "zero-shot", "one-shot", "4-shot".
std::string method_name(std::int64_t shots);

/// Reads and checks everything that can be known without the data and the model. `set`: dotted keys
/// and values that override the file's. Throws not_found or io for the file; bad_argument for an
/// unknown key (with the nearest one), a missing or impossible value.
AppFile read_app_file(const fs::path& path,
                      const std::vector<std::pair<std::string, std::string>>& set = {});

}  // namespace pomona::lifecycle
