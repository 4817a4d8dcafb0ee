// One HTTP request by libcurl, and its attempts: what downloads and small answers have in common.
#pragma once
#include <curl/curl.h>

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/http.h"

namespace pomona::net {

/// One request and what came of it.
struct Exchange {
  std::string url;
  const HttpOptions* options = nullptr;
  std::uint64_t offset = 0;           // first byte asked for
  std::optional<std::uint64_t> last;  // and the last one; none: all that follow

  // Called once before the body of a success, with the place of its first byte in the file and the
  // file's size, and then with each piece; an exception ends the transfer and is thrown on.
  std::function<void(std::uint64_t start, std::optional<std::uint64_t> total)> on_start;
  std::function<void(std::string_view)> on_body;

  CURL* easy = nullptr;  // during the attempt
  CURLcode code = CURLE_OK;
  std::array<char, CURL_ERROR_SIZE> reason = {};
  long status = 0;
  bool started = false;
  Stopwatch quiet;  // since the last byte
  curl_off_t seen = 0;
  bool stalled = false;
  bool wrong_range = false;  // a 206 that starts elsewhere than asked for
  bool advanced = false;     // brought bytes that no attempt before it had
  Headers headers;           // of the last response
  std::exception_ptr thrown;

  bool succeeded() const {
    return code == CURLE_OK && !wrong_range && (status == 200 || status == 206);
  }
  /// A header of the last response, "" if it has none of that name (in small letters).
  std::string header(std::string_view name) const;
};

/// What Content-Range says (RFC 9110, 14.4): "bytes 100-199/1000", "bytes 100-199/*", "bytes
/// */1000".
struct ContentRange {
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> total;
};

ContentRange parse_content_range(const std::string& text);

/// Throws network if a server has `total` bytes (if it tells) of what options.bytes says.
void check_total(const std::string& url, std::optional<std::uint64_t> total,
                 const HttpOptions& options);

/// Makes one attempt. Throws what the callbacks threw, and cancelled; all else stands in
/// `exchange`.
void attempt(Exchange& exchange);

/// Calls `once`, which makes one attempt, until it succeeds or there is no use in going on; then
/// throws StatusError, or network.
void with_retries(const HttpOptions& options, const std::function<Exchange()>& once);

}  // namespace pomona::net
