// `pomona init`: from a data file to a commented application file that runs as it is.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "hub/home.h"

namespace pomona::lifecycle {

namespace fs = std::filesystem;

struct InitOptions {
  hub::Home home;                            // of the catalogue
  std::optional<std::string> use_case;       // `--use-case`: else guessed
  std::optional<std::string> input, output;  // `--input`, `--output`: column names, else guessed
  bool force = false;                        // may replace an app.toml and split files
};

struct InitColumn {
  std::string name;
  std::string role;          // "input", "output" or ""
  std::uint64_t filled = 0;  // rows where it is not empty
  double mean_characters = 0;
  std::uint64_t distinct = 0;  // different values, counted up to 1000
};

struct InitOutcome {
  fs::path path;  // the application file
  std::vector<InitColumn> columns;
  std::uint64_t rows = 0;  // of the data file
  std::string use_case, language;
  std::uint64_t train = 0, valid = 0, test = 0;  // rows of each split
  std::vector<fs::path> written;                 // all files that were made
  std::vector<std::string> notes;

  /// What was found and what to type next, a line each, for people.
  std::vector<std::string> lines(const std::string& program = "pomona") const;
  /// `path`, `columns` [{name, role, filled, mean_characters, distinct}], `rows`, `use_case`,
  /// `language`, `splits`, `written`, `notes`.
  Json to_json() const;
};

/// Looks at a CSV or JSONL file and writes app.toml beside it, with train, valid and test files if
/// there are none yet (train.jsonl beside valid.jsonl and test.jsonl counts as such). Throws
/// not_found or io for the data file, bad_file for what stands in it, bad_argument for an unknown
/// use case or column, or if a file to be written is there and `force` is not set.
InitOutcome init_application(const fs::path& data, const InitOptions& options = {});

}  // namespace pomona::lifecycle
