#include "store/table.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/quote.h"
#include "base/text.h"
#include "text/unicode.h"

namespace pomona::store {
namespace {

constexpr std::size_t kLargestRecord = std::size_t{16} << 20;

void check_bytes(std::string_view origin, const Record& record) {
  if (record.bytes.size() > kLargestRecord)
    fail(ErrorKind::bad_file, "{}: longer than {}", place(origin, record),
         human_bytes(kLargestRecord));
  if (const auto at = find_invalid_utf8(record.bytes))
    fail(ErrorKind::bad_file, "{}: not UTF-8 at byte {} of the row", place(origin, record),
         *at + 1);
}

/// Ends of lines in a text: "\n", "\r\n", or "\r" alone, as old spreadsheets write it.
std::uint64_t line_ends(std::string_view text) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    count += text[i] == '\n' || (text[i] == '\r' && text.substr(i + 1, 1) != "\n") ? 1 : 0;
  return count;
}

/// Walks through the text of a CSV file record by record.
class CsvCursor {
 public:
  CsvCursor(std::string_view text, std::string_view origin) : text_(text), origin_(origin) {}

  /// The next record with its fields in `values`; false at the end. Empty lines are skipped.
  bool next(Record& record) {
    const std::size_t begin = std::min(text_.find_first_not_of("\r\n", at_), text_.size());
    line_ += line_ends(text_.substr(at_, begin - at_));
    at_ = begin;
    if (at_ >= text_.size()) return false;
    record.line = line_;
    record.values.clear();
    for (bool more = true; more;) more = field(record, begin);
    record.bytes = text_.substr(begin, at_ - begin);
    return true;
  }

 private:
  /// Reads one field and what ends it; true if another field of the record follows.
  bool field(Record& record, std::size_t begin) {
    std::string value;
    if (at_ < text_.size() && text_[at_] == '"') {
      quoted(record, value, begin);
    } else {
      const std::size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
      value = text_.substr(at_, end - at_);
      at_ = end;
    }
    record.values.push_back(std::move(value));
    if (at_ >= text_.size()) return false;
    if (text_[at_] == ',') {
      ++at_;
      return true;
    }
    return false;  // at the end of the line, which next() steps over
  }

  void quoted(const Record& record, std::string& value, std::size_t begin) {
    ++at_;
    for (;;) {
      const std::size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos || quote - begin > kLargestRecord)
        fail(ErrorKind::bad_file, "{}: a quote is opened but not closed", place(origin_, record));
      const std::string_view piece = text_.substr(at_, quote - at_);
      value.append(piece);
      line_ += line_ends(piece);
      at_ = quote + 1;
      if (at_ >= text_.size() || text_[at_] != '"') break;
      value.push_back('"');
      ++at_;
    }
    if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\r' && text_[at_] != '\n')
      fail(ErrorKind::bad_file,
           "{}: text after a closing quote; a quote inside a field is written \"\"",
           place(origin_, record));
  }

  std::string_view text_;
  std::string_view origin_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
};

void read_csv(std::string_view text, std::string_view origin,
              const std::function<bool(const Record&)>& visit) {
  CsvCursor cursor(text, origin);
  Record record;
  if (!cursor.next(record)) return;
  if (const auto at = find_invalid_utf8(record.bytes))
    fail(ErrorKind::bad_file, "{}: the header line is not UTF-8 at byte {}", origin, *at + 1);
  record.names = record.values;
  for (const std::string& name : record.names) {
    if (std::count(record.names.begin(), record.names.end(), name) > 1)
      fail(ErrorKind::bad_file, "{}: the header line names the column \"{}\" twice", origin, name);
  }
  for (record.row = 1; cursor.next(record); ++record.row) {
    check_bytes(origin, record);
    if (record.values.size() != record.names.size())
      fail(ErrorKind::bad_file, "{}: {} field{}, but the header line has {}", place(origin, record),
           record.values.size(), record.values.size() == 1 ? "" : "s", record.names.size());
    if (!visit(record)) return;
  }
}

void parse_object(std::string_view origin, Record& record) {
  std::unordered_set<std::string> seen;
  const auto check_key = [&](int depth, Json::parse_event_t event, const Json& key) {
    if (event == Json::parse_event_t::key && depth == 1 &&
        !seen.insert(key.get<std::string>()).second)
      fail(ErrorKind::bad_file, "{}: the key {} stands there twice", place(origin, record),
           quote_name(key.get<std::string>()));
    return true;
  };
  record.object = Json::parse(record.bytes, check_key, false);
  const Json& object = record.object;
  if (object.is_discarded()) fail(ErrorKind::bad_file, "{}: not valid JSON", place(origin, record));
  if (!object.is_object())
    fail(ErrorKind::bad_file, "{}: expected an object such as {{\"input\": \"...\"}}",
         place(origin, record));
  record.names.clear();
  record.values.clear();
  for (const auto& [name, value] : object.items()) {
    if (!value.is_string() && !value.is_number() && !value.is_boolean()) continue;
    record.names.push_back(name);
    record.values.push_back(value.is_string() ? value.get<std::string>() : value.dump());
  }
}

void read_jsonl(std::string_view text, std::string_view origin,
                const std::function<bool(const Record&)>& visit) {
  Record record;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    record.bytes = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++record.line;
    if (trim(record.bytes).empty()) continue;
    if (record.bytes.back() == '\r') record.bytes.remove_suffix(1);
    ++record.row;
    check_bytes(origin, record);
    parse_object(origin, record);
    if (!visit(record)) return;
  }
}

/// Walks through the text of a JSON file, a list of objects, element by element.
class JsonListCursor {
 public:
  JsonListCursor(std::string_view text, std::string_view origin) : text_(text), origin_(origin) {
    skip_space();
    if (at_ == text_.size()) text_ = {};
    if (text_.empty()) return;
    if (peek() != '[')
      fail(ErrorKind::bad_file,
           "{}: expected a list of objects, [{{...}}, ...]; a file with one object a line is "
           "called .jsonl",
           origin_);
    ++at_;
  }

  /// The next element's bytes and line; false at the end.
  bool next(Record& record) {
    if (text_.empty()) return false;
    skip_space();
    if (peek() == ']') {
      ++at_;
      skip_space();
      if (at_ < text_.size())
        fail(ErrorKind::bad_file, "{}: line {}: text behind the list", origin_, line_);
      return false;
    }
    if (record.row > 0) {
      if (peek() != ',')
        fail(ErrorKind::bad_file, "{}: line {}: expected , or ] behind row {}", origin_, line_,
             record.row);
      ++at_;
      skip_space();
    }
    ++record.row;
    record.line = line_;
    const std::size_t begin = at_;
    element(record);
    record.bytes = text_.substr(begin, at_ - begin);
    line_ += line_ends(record.bytes);
    return true;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    const std::size_t end = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
    line_ += line_ends(text_.substr(at_, end - at_));
    at_ = end;
  }

  /// Steps behind the value that starts here, by its brackets and quotes only.
  void element(const Record& record) {
    const std::size_t begin = at_;
    std::size_t depth = 0;
    for (bool quoted = false; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (at_ - begin > kLargestRecord)
        fail(ErrorKind::bad_file, "{}: longer than {}", place(origin_, record),
             human_bytes(kLargestRecord));
      if (quoted && c == '\\') {
        ++at_;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (quoted) {
        continue;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (depth == 0 && (c == ',' || c == ']' || c == '}')) {
        return;
      } else if ((c == '}' || c == ']') && --depth == 0) {
        ++at_;
        return;
      }
    }
    at_ = std::min(at_, text_.size());
  }

  std::string_view text_;
  std::string_view origin_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
};

void read_json_list(std::string_view text, std::string_view origin,
                    const std::function<bool(const Record&)>& visit) {
  JsonListCursor cursor(text, origin);
  for (Record record; cursor.next(record);) {
    check_bytes(origin, record);
    parse_object(origin, record);
    if (!visit(record)) return;
  }
}

std::string_view text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

}  // namespace

std::string place(std::string_view origin, const Record& record) {
  return fmt::format("{}: row {} (line {})", origin, record.row, record.line);
}

DataFormat format_of(const fs::path& path) {
  const std::string ending = text::lower(printable(path.extension().string()));
  if (ending == ".csv") return DataFormat::csv;
  if (ending == ".jsonl" || ending == ".ndjson") return DataFormat::jsonl;
  if (ending == ".json") return DataFormat::json;
  fail(ErrorKind::unsupported, "data {}: expected a file that ends in .csv, .jsonl or .json",
       path.string());
}

void read_records(std::string_view text, DataFormat format, std::string_view origin,
                  const std::function<bool(const Record&)>& visit) {
  text = without_byte_order_mark(text);
  if (format == DataFormat::csv)
    read_csv(text, origin, visit);
  else if (format == DataFormat::json)
    read_json_list(text, origin, visit);
  else
    read_jsonl(text, origin, visit);
}

void read_records(const fs::path& path, const std::function<bool(const Record&)>& visit) {
  const DataFormat format = format_of(path);
  const MappedFile file(path);
  read_records(text_of(file), format, path.string(), visit);
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string_view header_of(std::string_view text, DataFormat format) {
  if (format != DataFormat::csv) return {};
  Record record;
  CsvCursor cursor(without_byte_order_mark(text), "header");
  return cursor.next(record) ? record.bytes : std::string_view();
}

}  // namespace pomona::store
