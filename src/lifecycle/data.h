// The rows of an application's data files.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/table.h"

namespace pomona::lifecycle {

namespace fs = std::filesystem;

/// What an application needs of a row.
struct Row {
  std::string input, output;
  std::uint64_t number = 0;  // in the file, from 1
};

struct Rows {
  std::vector<Row> rows;  // in the order of the file
  std::size_t in_file = 0;
};

/// All rows of a file, or `limit` of them. All are checked: throws as store::read_records, and
/// bad_file if there are no rows, a row lacks a column (the nearest one is suggested), or its input
/// is empty.
///
/// A limit draws evenly over the whole file, since files are often sorted: row i has the key
/// philox(seed 1, stream "limit", i), and the rows with the smallest keys stay. So a larger limit
/// only adds rows, and of rows that are appended to the file few push others out.
Rows read_rows(const fs::path& path, std::string_view input, std::string_view output,
               std::optional<std::size_t> limit = std::nullopt);

}  // namespace pomona::lifecycle
