// Cutting a data file into train, valid and test rows, or finding that somebody did it already.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lifecycle/data.h"

namespace pomona::lifecycle {

inline constexpr std::array<std::string_view, 3> kSplitNames = {"train", "valid", "test"};

struct SplitFiles {
  std::array<std::string, 3> names;     // relative to the data file's folder
  std::array<std::uint64_t, 3> rows{};  // of each
  std::array<std::string, 3> texts;     // to be written; empty if the file is there already
};

/// The complete rows of a data file: each as it stands there, and its input.
struct CompleteRows {
  std::vector<std::string> bytes;
  std::vector<std::string> inputs;
};

/// The splits if `data` is one of three files side by side whose names differ in train, valid and
/// test only. Throws bad_file if a row of them lacks a column.
std::optional<SplitFiles> existing_splits(const fs::path& data, std::string_view input,
                                          std::string_view output);

/// Three files made from one: a fifth of the inputs for test and a tenth for valid, at most 200
/// each, drawn with a fixed seed; rows with the same input stay together, so that no test row was
/// seen before. `header` is the first line of each. Throws bad_file if there are too few rows.
SplitFiles cut_into_splits(const fs::path& data, std::string_view header, const CompleteRows& rows);

}  // namespace pomona::lifecycle
