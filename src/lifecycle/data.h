// Rows of text from CSV (RFC 4180, with a header line) and JSON Lines files.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pomona::lifecycle {

namespace fs = std::filesystem;

enum class DataFormat { csv, jsonl };

/// By the file's ending: .csv, or .jsonl and .ndjson. Throws unsupported for any other.
DataFormat format_of(const fs::path& path);

/// One record with all its columns.
struct Record {
  std::uint64_t row = 0;                   // from 1, the header not counted
  std::uint64_t line = 0;                  // where it starts in the file, from 1
  std::string_view bytes;                  // as it stands in the file, without the line end
  std::vector<std::string> names, values;  // in the order of the file
};

/// Calls visit for each record until it returns false. Numbers, true and false of JSON are given as
/// text, other values (null, lists, objects) leave their column out. Needs memory for one record.
/// `text` are the contents, `origin` is what they are called. Throws bad_file with row and line:
/// ill-formed UTF-8, CSV or JSON, a record above 16 MiB.
void read_records(std::string_view text, DataFormat format, std::string_view origin,
                  const std::function<bool(const Record&)>& visit);

/// The same for a file. Throws also not_found, io, unsupported (its ending).
void read_records(const fs::path& path, const std::function<bool(const Record&)>& visit);

/// What an application needs of a row.
struct Row {
  std::string input, output;
  std::uint64_t number = 0;  // in the file, from 1
};

struct Rows {
  std::vector<Row> rows;  // in the order of the file
  std::size_t in_file = 0;
};

/// All rows of a file, or `limit` of them. All are checked: throws as read_records, and bad_file if
/// there are no rows, a row lacks a column (the nearest one is suggested), or its input is empty.
///
/// A limit draws evenly over the whole file, since files are often sorted: row i has the key
/// philox(seed 1, stream "limit", i), and the rows with the smallest keys stay. So a larger limit
/// only adds rows, and of rows that are appended to the file few push others out.
Rows read_rows(const fs::path& path, std::string_view input, std::string_view output,
               std::optional<std::size_t> limit = std::nullopt);

/// The number of characters (code points) of well-formed text.
std::size_t count_characters(std::string_view text);

/// The header line of a CSV file as it stands in it, its line end not included; empty for JSONL.
std::string_view header_of(std::string_view text, DataFormat format);

}  // namespace pomona::lifecycle
