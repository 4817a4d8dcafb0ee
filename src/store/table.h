// Rows of text from CSV (RFC 4180, with a header line), JSON Lines and JSON files.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace pomona::store {

namespace fs = std::filesystem;

enum class DataFormat { csv, jsonl, json };

/// By the file's ending: .csv, .jsonl and .ndjson, or .json (a list of objects). Throws unsupported
/// for any other.
DataFormat format_of(const fs::path& path);

/// One record with all its columns.
struct Record {
  std::uint64_t row = 0;                   // from 1, the header not counted
  std::uint64_t line = 0;                  // where it starts in the file, from 1
  std::string_view bytes;                  // as it stands in the file, without the line end
  std::vector<std::string> names, values;  // in the order of the file
  Json object;                             // all of a JSON row; null for CSV
};

/// "ORIGIN: row 3 (line 5)", the start of what is said of a record.
std::string place(std::string_view origin, const Record& record);

/// Calls visit for each record until it returns false. Numbers, true and false of JSON are given as
/// text; other values (null, lists, objects) stand in `object` only. Needs memory for one record.
/// `text` are the contents, `origin` is what they are called. Throws bad_file with row and line:
/// ill-formed UTF-8, CSV or JSON, a row that is no object or has a key twice, a record above 16
/// MiB.
void read_records(std::string_view text, DataFormat format, std::string_view origin,
                  const std::function<bool(const Record&)>& visit);

/// The same for a file. Throws also not_found, io, unsupported (its ending).
void read_records(const fs::path& path, const std::function<bool(const Record&)>& visit);

/// The number of characters (code points) of well-formed text.
std::size_t count_characters(std::string_view text);

/// The header line of a CSV file as it stands in it, its line end not included; empty for JSON.
std::string_view header_of(std::string_view text, DataFormat format);

}  // namespace pomona::store
