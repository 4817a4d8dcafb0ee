#include "lifecycle/data.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"

namespace pomona::lifecycle {
namespace {

constexpr std::uint64_t kDrawSeed = 1;
constexpr std::uint64_t kDrawStream = 0x6c696d6974;  // "limit"

const std::string& value_of(const store::Record& record, std::string_view column,
                            std::string_view origin) {
  for (std::size_t i = 0; i < record.names.size(); ++i) {
    if (record.names[i] == column) return record.values[i];
  }
  const auto meant = nearest(column, record.names);
  fail(ErrorKind::bad_file, "{}: no text \"{}\"{}", store::place(origin, record), column,
       meant                  ? fmt::format("; did you mean \"{}\"?", *meant)
       : record.names.empty() ? ""
                              : fmt::format("; it has: {}", fmt::join(record.names, ", ")));
}

/// Keeps the `count` rows of the smallest keys, as read_rows tells; count < rows.size().
void keep_drawn(std::vector<Row>& rows, std::size_t count) {
  const Random keys(kDrawSeed, kDrawStream);
  const auto end = rows.begin() + static_cast<std::ptrdiff_t>(count);
  std::nth_element(rows.begin(), end, rows.end(), [&](const Row& a, const Row& b) {
    return std::pair(keys.bits(a.number), a.number) < std::pair(keys.bits(b.number), b.number);
  });
  rows.erase(end, rows.end());
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return a.number < b.number; });
}

}  // namespace

Rows read_rows(const fs::path& path, std::string_view input, std::string_view output,
               std::optional<std::size_t> limit) {
  Rows found;
  const std::string origin = path.string();
  store::read_records(path, [&](const store::Record& record) {
    Row row{value_of(record, input, origin), value_of(record, output, origin), record.row};
    if (trim(row.input).empty())
      fail(ErrorKind::bad_file, "{}: \"{}\" is empty", store::place(origin, record), input);
    found.rows.push_back(std::move(row));
    return true;
  });
  if (found.rows.empty()) fail(ErrorKind::bad_file, "{}: no rows", origin);
  found.in_file = found.rows.size();
  if (limit && *limit < found.in_file) keep_drawn(found.rows, *limit);
  return found;
}

}  // namespace pomona::lifecycle
