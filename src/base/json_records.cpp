#include "base/json_records.h"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/file.h"

namespace pomona {
namespace {

struct Front {
  std::vector<Json> records;
  std::size_t bytes = 0;  // that they take
  bool is_all = true;
};

Front read_front(const fs::path& path, std::uint64_t most) {
  Front front;
  if (!is_there(path)) return front;
  const std::string text = read_file(path);
  while (front.records.size() < most) {
    const std::size_t end = text.find('\n', front.bytes);
    if (end == std::string::npos) break;
    Json record = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(front.bytes),
                              text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (record.is_discarded()) break;
    front.records.push_back(std::move(record));
    front.bytes = end + 1;
  }
  front.is_all = front.bytes == text.size();
  return front;
}

}  // namespace

std::vector<Json> read_whole_records(const fs::path& path, std::uint64_t most) {
  return read_front(path, most).records;
}

std::vector<Json> keep_whole_records(const fs::path& path, std::uint64_t most) {
  Front front = read_front(path, most);
  if (!front.is_all && ::truncate(path.c_str(), static_cast<off_t>(front.bytes)) != 0)
    fail_io("append", path, errno);
  return std::move(front.records);
}

}  // namespace pomona
