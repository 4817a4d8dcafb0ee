#include "net/http.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "net/exchange.h"
#include "net/part_file.h"
#include "net/ranges.h"

namespace pomona::net {
namespace {

bool is_missing(long status) { return status == 404 || status == 410; }

/// Throws network if an answer that starts at byte `start` of a file of `total` bytes is not the
/// one that is wanted, so that what is there stays.
void check_size(const std::string& url, const PartFile& file, std::uint64_t start,
                std::optional<std::uint64_t> total, const HttpOptions& options) {
  check_total(url, total, options);
  if (options.bytes && !total && start < file.size())
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
  DownloadBar bar(options.progress);
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

std::uint64_t length_of(const std::vector<ByteRange>& ranges) {
  std::uint64_t sum = 0;
  for (const ByteRange& range : ranges) sum += range.end - range.next;
  return sum;
}

/// What is missing, if that is to be fetched in ranges: an earlier attempt did, or it is large. A
/// file whose gaps nobody knows is emptied.
std::optional<std::vector<ByteRange>> ranges_to_fill(PartFile& file, const RangeNote& note,
                                                     const HttpOptions& options) {
  std::optional<std::vector<ByteRange>> noted;
  if (options.bytes) noted = note.read(*options.bytes);
  if (!noted && note.exists()) {
    file.cut(0);
    note.remove();
  }
  if (!options.bytes || (!noted && file.size() > *options.bytes)) return std::nullopt;
  const auto missing = noted.value_or(std::vector<ByteRange>{{file.size(), *options.bytes}});
  auto ranges = split_ranges(missing, options.connections, options.least_range);
  if (!noted && ranges.size() < 2) return std::nullopt;
  return ranges;
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

std::uint64_t present_bytes(const fs::path& part, std::uint64_t bytes) {
  std::error_code absent;
  const std::uint64_t size = fs::file_size(part, absent);
  if (absent) return 0;
  const RangeNote note(part);
  if (!note.exists()) return size;
  const auto missing = note.read(bytes);
  return missing ? bytes - length_of(*missing) : 0;
}

Download download(const std::string& url, const fs::path& part, const HttpOptions& options) {
  const RangeNote note(part);
  try {
    PartFile file(part);
    if (options.bytes && file.size() == *options.bytes && !note.exists())
      return {file.size(), file.size()};
    if (const auto ranges = ranges_to_fill(file, note, options)) {
      const std::uint64_t kept = *options.bytes - length_of(*ranges);
      if (fill_ranges(url, file, *ranges, options)) return {*options.bytes, kept};
    }
    const std::uint64_t kept = fill(url, part, file, options);
    file.flush();
    return {file.size(), kept};
  } catch (const Error& error) {
    std::error_code ignored;
    const bool useless = error.kind() == ErrorKind::exhausted || fs::is_empty(part, ignored);
    if (useless && !ignored) {
      fs::remove(part, ignored);
      note.remove();
    }
    throw;
  }
}

}  // namespace pomona::net
