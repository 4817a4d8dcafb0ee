#include "net/http.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "net/exchange.h"

namespace pomona::net {
namespace {

bool is_missing(long status) { return status == 404 || status == 410; }

/// The file that a download fills.
class PartFile {
 public:
  explicit PartFile(const fs::path& path) : path_(path) {
    descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0) fail_io("download", path, errno);
    struct stat status = {};
    if (::fstat(descriptor_, &status) == 0) size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~PartFile() { ::close(descriptor_); }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  std::uint64_t size() const { return size_; }
  const fs::path& path() const { return path_; }

  void cut(std::uint64_t size) {
    if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) fail_io("download", path_, errno);
    size_ = size;
  }

  void append(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count =
          ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail_io("download", path_, errno);
      size_ += static_cast<std::uint64_t>(count);
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  void flush() {
    if (::fsync(descriptor_) != 0) fail_io("download", path_, errno);
  }

 private:
  fs::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// A download's bar: begun at the first answer, ended in any case.
class Bar {
 public:
  explicit Bar(ProgressSink* sink) : sink_(sink != nullptr ? *sink : no_progress()) {}
  ~Bar() {
    if (begun_) sink_.end();
  }
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;

  void begin(const fs::path& part, std::uint64_t total) {
    if (!begun_) sink_.begin("download " + part.stem().string(), total, "bytes");
    begun_ = true;
  }
  void update(std::uint64_t done) { sink_.update(done); }

 private:
  ProgressSink& sink_;
  bool begun_ = false;
};

/// Throws network if an answer that starts at byte `start` of a file of `total` bytes is not the
/// one that is wanted, so that what is there stays.
void check_size(const std::string& url, const PartFile& file, std::uint64_t start,
                std::optional<std::uint64_t> total, const HttpOptions& options) {
  if (!options.bytes) return;
  if (total && *total != *options.bytes)
    fail(ErrorKind::network, "get: {}: the server has {} bytes of it, not {}", url, *total,
         *options.bytes);
  if (!total && start < file.size())
    fail(
        ErrorKind::network,
        "get: {}: the server sends it from the start and does not tell how long it is; the {} that "
        "are here stay, remove {} to begin anew",
        url, human_bytes(file.size()), file.path().string());
}

/// Fills `file` from where it ends; returns how many of its bytes are from before.
std::uint64_t fill(const std::string& url, const fs::path& part, PartFile& file,
                   const HttpOptions& options) {
  std::uint64_t kept = file.size();
  std::uint64_t furthest = file.size();
  std::uint64_t begin = 0;  // of the present answer in the file
  Bar bar(options.progress);
  with_retries(options, [&] {
    Exchange exchange;
    exchange.url = url;
    exchange.options = &options;
    exchange.offset = file.size();
    exchange.on_start = [&](std::uint64_t start, std::optional<std::uint64_t> total) {
      check_size(url, file, start, total, options);
      kept = std::min(kept, start);
      begin = start;
      file.cut(start);
      bar.begin(part, total.value_or(0));
    };
    exchange.on_body = [&](std::string_view bytes) {
      if (options.bytes && file.size() + bytes.size() > *options.bytes) {
        file.cut(begin);
        fail(ErrorKind::network, "get: {}: the server sends more than the {} bytes of it", url,
             *options.bytes);
      }
      file.append(bytes);
      exchange.advanced = file.size() > furthest;
      bar.update(file.size());
    };
    attempt(exchange);
    furthest = std::max(furthest, file.size());
    if (exchange.code == CURLE_OK && exchange.status == 416 && exchange.offset > 0) {
      // Nothing follows byte `offset`: the file is complete, or it is not the one we began.
      const bool complete =
          parse_content_range(exchange.header("content-range")).total == exchange.offset;
      exchange.wrong_range = !complete;
      if (complete) exchange.status = 206;
    }
    if (exchange.wrong_range) file.cut(0);
    return exchange;
  });
  return kept;
}

}  // namespace

StatusError::StatusError(const std::string& url, long status, Headers headers)
    : Error(is_missing(status) ? ErrorKind::not_found : ErrorKind::network,
            fmt::format("get: {}: the server answered {}{}", url, status,
                        is_missing(status) ? " (no such file)" : "")),
      status_(status),
      headers_(std::move(headers)) {}

Answer get(const std::string& url, const HttpOptions& options, std::size_t most) {
  Answer answer;
  with_retries(options, [&] {
    answer = {};
    Exchange exchange;
    exchange.url = url;
    exchange.options = &options;
    exchange.on_start = [](std::uint64_t, std::optional<std::uint64_t>) {};
    exchange.on_body = [&](std::string_view bytes) {
      if (answer.body.size() + bytes.size() > most)
        fail(ErrorKind::network, "get: {}: the answer is longer than {}", url, human_bytes(most));
      answer.body += bytes;
    };
    attempt(exchange);
    answer.headers = exchange.headers;
    return exchange;
  });
  return answer;
}

Download download(const std::string& url, const fs::path& part, const HttpOptions& options) {
  try {
    PartFile file(part);
    const std::uint64_t kept = fill(url, part, file, options);
    file.flush();
    return {file.size(), kept};
  } catch (const Error& error) {
    std::error_code ignored;
    const bool useless = error.kind() == ErrorKind::exhausted || fs::is_empty(part, ignored);
    if (useless && !ignored) fs::remove(part, ignored);
    throw;
  }
}

}  // namespace pomona::net
