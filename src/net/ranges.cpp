#include "net/ranges.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "net/exchange.h"

namespace pomona::net {
namespace {

constexpr double kNoteSeconds = 0.5;  // between two notes

/// Thrown in a worker when the server sends the whole file instead of a range.
struct NoRanges {};

/// What the workers share.
class Filling {
 public:
  Filling(const std::string& url, PartFile& file, std::vector<ByteRange> ranges,
          const HttpOptions& options)
      : url_(url),
        file_(file),
        note_(file.path()),
        options_(options),
        ranges_(std::move(ranges)),
        bar_(options.progress) {
    note_.write(ranges_);  // before the file is longer than what is filled without a gap
    bar_.begin(file.path(), *options.bytes);
  }

  /// Runs a worker for each range; true if all are filled, false if the server does no ranges.
  bool run() {
    std::vector<std::thread> workers;
    workers.reserve(ranges_.size());
    running_ = ranges_.size();
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      try {
        workers.emplace_back([this, i] { work(i); });
      } catch (const std::system_error& error) {
        running_ -= ranges_.size() - i;  // those that never begin
        set_failure(std::make_exception_ptr(
            Error(ErrorKind::exhausted,
                  fmt::format("get: {}: no thread for a connection: {}", url_, error.what()))));
        break;
      }
    }
    while (running_ > 0) {
      if (options_.stop != nullptr && options_.stop->requested()) halt_.request();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    for (std::thread& worker : workers) worker.join();
    note_.write(ranges_);
    if (options_.stop != nullptr) options_.stop->check("get: " + url_);
    if (failure_) std::rethrow_exception(failure_);
    return !no_ranges_;
  }

  /// Where the first gap begins.
  std::uint64_t filled() const {
    for (const ByteRange& range : ranges_)
      if (range.next < range.end) return range.next;
    return *options_.bytes;
  }

 private:
  void work(std::size_t i) noexcept {
    try {
      HttpOptions options = options_;
      options.stop = &halt_;
      const bool missing = ranges_[i].next < ranges_[i].end;
      if (missing) with_retries(options, [&] { return ask(i, options); });
    } catch (const NoRanges&) {
      no_ranges_ = true;
      halt_.request();
    } catch (...) {
      set_failure(std::current_exception());
    }
    --running_;
  }

  /// The first failure counts; what follows it does so from the halt.
  void set_failure(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!failure_ && !halt_.requested()) failure_ = std::move(failure);
    halt_.request();
  }

  Exchange ask(std::size_t i, const HttpOptions& options) {
    ByteRange& range = ranges_[i];
    Exchange exchange;
    exchange.url = url_;
    exchange.options = &options;
    exchange.offset = range.next;
    exchange.last = range.end - 1;
    exchange.on_start = [&](std::uint64_t, std::optional<std::uint64_t> total) {
      if (exchange.status != 206) throw NoRanges{};
      check_total(url_, total, options);
    };
    exchange.on_body = [&](std::string_view bytes) {
      bytes = bytes.substr(0, range.end - range.next);
      file_.write_at(range.next, bytes);
      exchange.advanced |= !bytes.empty();
      advance(range, bytes.size());
    };
    attempt(exchange);
    if (exchange.succeeded() && range.next < range.end) exchange.code = CURLE_PARTIAL_FILE;
    return exchange;
  }

  void advance(ByteRange& range, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    range.next += bytes;
    std::uint64_t missing = 0;
    for (const ByteRange& one : ranges_) missing += one.end - one.next;
    bar_.update(*options_.bytes - missing);
    if (since_note_.seconds() < kNoteSeconds) return;
    note_.write(ranges_);
    since_note_ = Stopwatch();
  }

  const std::string& url_;
  PartFile& file_;
  const RangeNote note_;
  const HttpOptions& options_;
  std::mutex mutex_;  // of all below
  std::vector<ByteRange> ranges_;
  DownloadBar bar_;
  Stopwatch since_note_;
  std::exception_ptr failure_;
  StopToken halt_;
  std::atomic<std::size_t> running_ = 0;
  std::atomic<bool> no_ranges_ = false;
};

}  // namespace

bool RangeNote::exists() const { return is_there(path_); }

std::optional<std::vector<ByteRange>> RangeNote::read(std::uint64_t bytes) const {
  if (!exists()) return std::nullopt;
  std::istringstream text(read_file(path_));
  std::vector<ByteRange> ranges;
  std::uint64_t before = 0;
  for (ByteRange range; text >> range.next >> range.end; before = range.end) {
    if (range.next < before || range.end < range.next || range.end > bytes) return std::nullopt;
    ranges.push_back(range);
  }
  if (!text.eof() || before != bytes) return std::nullopt;
  return ranges;
}

void RangeNote::write(const std::vector<ByteRange>& ranges) const {
  std::string text;  // as long each time, so that it can be written over
  for (const ByteRange& range : ranges) text += fmt::format("{:20} {:20}\n", range.next, range.end);
  PartFile file(path_);
  file.write_at(0, text);
  file.cut(text.size());
}

void RangeNote::remove() const {
  std::error_code ignored;
  fs::remove(path_, ignored);
}

std::vector<ByteRange> split_ranges(std::vector<ByteRange> ranges, int count, std::uint64_t least) {
  const auto length = [](const ByteRange& range) { return range.end - range.next; };
  while (!ranges.empty() && ranges.size() < static_cast<std::size_t>(count)) {
    const auto longest = std::ranges::max_element(ranges, {}, length);
    if (length(*longest) < 2 * least) break;
    const std::uint64_t middle = longest->next + length(*longest) / 2;
    const ByteRange second = {middle, longest->end};
    longest->end = middle;
    ranges.insert(longest + 1, second);
  }
  return ranges;
}

bool fill_ranges(const std::string& url, PartFile& file, std::vector<ByteRange> ranges,
                 const HttpOptions& options) {
  Filling filling(url, file, std::move(ranges), options);
  const bool filled = filling.run();
  file.cut(filled ? *options.bytes : filling.filled());
  file.flush();
  RangeNote(file.path()).remove();
  return filled;
}

}  // namespace pomona::net
