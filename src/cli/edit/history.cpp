#include "cli/edit/history.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

namespace pomona::cli {
namespace {

/// The file, locked for as long as this lives.
class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path) : path_(path) {
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor_ < 0) fail_io("open", path, errno);
    ::flock(descriptor_, LOCK_EX);
    ::fchmod(descriptor_, 0600);
  }
  ~OpenFile() { ::close(descriptor_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  void append(std::string_view text) const {
    if (::write(descriptor_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      fail_io("write", path_, errno);
  }
  void replace(std::string_view text) const {
    if (::ftruncate(descriptor_, 0) != 0) fail_io("write", path_, errno);
    append(text);
  }

 private:
  const std::filesystem::path& path_;
  int descriptor_;
};

std::vector<std::string_view> lines_of(std::string_view bytes) {
  std::vector<std::string_view> lines = split(bytes, '\n');
  std::erase_if(lines, [](std::string_view line) { return line.empty(); });
  return lines;
}

}  // namespace

History::History(std::optional<std::filesystem::path> file) : file_(std::move(file)) {
  if (!file_ || !is_there(*file_)) return;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(*file_, ignored))  // a pipe would never end
    fail(ErrorKind::io, "read: {}: expected a regular file", file_->string());
  const std::string bytes = read_file(*file_);
  for (const std::string_view line : lines_of(bytes)) {
    const Json entry = Json::parse(line, nullptr, false);
    if (entry.is_string()) entries_.push_back(entry.get<std::string>());
  }
}

void History::add(std::string_view entry) {
  if (trim(entry).empty() || (!entries_.empty() && entries_.back() == entry)) return;
  entries_.emplace_back(entry);
  if (!file_ || entry.size() > kLongEntry) return;
  try {
    append(Json(entry).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  } catch (const Error&) {
    file_.reset();
    throw;
  }
}

void History::append(const std::string& line) {
  make_folder(file_->parent_path());
  const OpenFile file(*file_);
  std::string bytes = read_file(*file_);
  const bool cut_off = !bytes.empty() && bytes.back() != '\n';  // where a disk was full
  const std::string added = (cut_off ? "\n" : "") + line;
  bytes += added;
  const std::vector<std::string_view> lines = lines_of(bytes);
  if (lines.size() <= kMostEntries && bytes.size() <= kMostBytes) {
    file.append(added);
    return;
  }
  std::string kept;
  for (std::size_t i = lines.size(); i-- > 0;) {
    if (lines.size() - i > kMostEntries / 2 || kept.size() + lines[i].size() > kMostBytes / 2)
      break;
    kept.insert(0, std::string(lines[i]) + "\n");
  }
  file.replace(kept);
}

}  // namespace pomona::cli
