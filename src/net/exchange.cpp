#include "net/exchange.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "base/error.h"
#include "base/text.h"

namespace pomona::net {
namespace {

constexpr std::string_view kContentRange = "content-range";

struct CloseEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};

bool may_pass(long status) { return status == 408 || status == 429 || status >= 500; }

/// Whether another attempt may do better. A stall counts only after bytes have come: before that it
/// says that nobody is there.
bool may_pass(const Exchange& exchange) {
  switch (exchange.code) {
    case CURLE_OK:
      return exchange.wrong_range || may_pass(exchange.status);
    case CURLE_ABORTED_BY_CALLBACK:
      return exchange.stalled && exchange.started;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

/// Tells where the body starts in the file and how long the file is, as far as the server says so.
void announce(Exchange& exchange) {
  exchange.started = true;
  curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &exchange.status);
  if (exchange.status == 206) {
    const ContentRange range = parse_content_range(exchange.header(kContentRange));
    exchange.wrong_range = range.first != exchange.offset;
    if (!exchange.wrong_range) exchange.on_start(exchange.offset, range.total);
  } else if (exchange.status == 200) {
    curl_off_t length = -1;
    curl_easy_getinfo(exchange.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    std::optional<std::uint64_t> total;
    if (length >= 0) total = static_cast<std::uint64_t>(length);
    exchange.on_start(0, total);
  }
}

std::size_t receive(char* data, std::size_t, std::size_t size, void* user) noexcept {
  auto& exchange = *static_cast<Exchange*>(user);
  try {
    if (!exchange.started) announce(exchange);
    if (exchange.succeeded()) exchange.on_body({data, size});  // not an error's page
    return size;
  } catch (...) {
    exchange.thrown = std::current_exception();
    return 0;
  }
}

std::string small_letters(std::string_view text) {
  std::string small(text);
  for (char& one : small)
    if (one >= 'A' && one <= 'Z') one = static_cast<char>(one + ('a' - 'A'));
  return small;
}

std::size_t receive_header(char* data, std::size_t, std::size_t size, void* user) noexcept {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view line(data, size);
  try {
    if (line.starts_with("HTTP/")) exchange.headers.clear();  // a redirect's headers are past
    if (const auto colon = line.find(':'); colon != std::string_view::npos)
      exchange.headers[small_letters(line.substr(0, colon))] = trim(line.substr(colon + 1));
    return size;
  } catch (...) {
    exchange.thrown = std::current_exception();
    return 0;
  }
}

// Called about once a second. Our own stall clock, since libcurl averages the speed over five
// seconds.
int on_progress(void* user, curl_off_t, curl_off_t received, curl_off_t, curl_off_t) noexcept {
  auto& exchange = *static_cast<Exchange*>(user);
  if (received != exchange.seen) exchange.quiet = Stopwatch();
  exchange.seen = received;
  exchange.stalled = exchange.quiet.seconds() > exchange.options->stall_seconds;
  return exchange.stalled ||
         (exchange.options->stop != nullptr && exchange.options->stop->requested());
}

/// The certificates that the curl program would use. The library alone does not look here.
void use_certificates_of_environment(CURL* easy) {
  for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const char* file = std::getenv(name);
    if (file == nullptr || *file == 0) continue;
    curl_easy_setopt(easy, CURLOPT_CAINFO, file);
    break;
  }
  if (const char* folder = std::getenv("SSL_CERT_DIR"); folder != nullptr && *folder != 0)
    curl_easy_setopt(easy, CURLOPT_CAPATH, folder);
}

void set_up(CURL* easy, Exchange& exchange) {
  const HttpOptions& options = *exchange.options;
  curl_easy_setopt(easy, CURLOPT_URL, exchange.url.c_str());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange.reason.data());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "pomona/" POMONA_VERSION);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR,
                   exchange.url.starts_with("https:") ? "https" : "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_seconds * 1e3));
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &exchange);
  use_certificates_of_environment(easy);
  if (exchange.offset > 0 || exchange.last) {
    const std::string last = exchange.last ? std::to_string(*exchange.last) : "";
    curl_easy_setopt(easy, CURLOPT_RANGE, fmt::format("{}-{}", exchange.offset, last).c_str());
  }
  if (!options.bearer.empty()) {  // libcurl leaves it out when a redirect leads to another host
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, options.bearer.c_str());
  }
}

[[noreturn]] void fail_exchange(const Exchange& exchange) {
  if (exchange.stalled)
    fail(ErrorKind::network, "get: {}: not a byte for {}", exchange.url,
         human_duration(exchange.options->stall_seconds));
  if (exchange.code != CURLE_OK)
    fail(ErrorKind::network, "get: {}: {}", exchange.url,
         exchange.reason[0] != 0 ? exchange.reason.data() : curl_easy_strerror(exchange.code));
  if (exchange.wrong_range)
    fail(ErrorKind::network, "get: {}: asked for bytes from {} on, the server answered \"{}\"",
         exchange.url, exchange.offset, exchange.header(kContentRange));
  throw StatusError(exchange.url, exchange.status, exchange.headers);
}

/// Waits as long as `seconds`, waking for a stop request.
void wait(double seconds, const StopToken* stop) {
  const Stopwatch watch;
  while (watch.seconds() < seconds) {
    if (stop != nullptr) stop->check("get");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

std::string Exchange::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

ContentRange parse_content_range(const std::string& text) {
  unsigned long long first = 0;
  unsigned long long last = 0;
  unsigned long long total = 0;
  const int found = std::sscanf(text.c_str(), "bytes %llu-%llu/%llu", &first, &last, &total);
  if (found == 3) return {first, total};
  if (found == 2) return {first, std::nullopt};
  if (std::sscanf(text.c_str(), "bytes */%llu", &total) == 1) return {std::nullopt, total};
  return {};
}

void check_total(const std::string& url, std::optional<std::uint64_t> total,
                 const HttpOptions& options) {
  if (options.bytes && total && *total != *options.bytes)
    fail(ErrorKind::network, "get: {}: the server has {} bytes of it, not {}", url, *total,
         *options.bytes);
}

void attempt(Exchange& exchange) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, CloseEasy> easy(initialised == CURLE_OK ? curl_easy_init() : nullptr);
  if (easy == nullptr) fail(ErrorKind::internal, "get: libcurl does not start");
  exchange.easy = easy.get();
  set_up(easy.get(), exchange);
  exchange.code = curl_easy_perform(easy.get());
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &exchange.status);
  if (exchange.options->stop != nullptr) exchange.options->stop->check("get: " + exchange.url);
  if (exchange.thrown) std::rethrow_exception(exchange.thrown);
  if (exchange.code == CURLE_OK && !exchange.started) announce(exchange);  // an empty body
}

void with_retries(const HttpOptions& options, const std::function<Exchange()>& once) {
  int left = options.retries;
  double pause = options.back_off_seconds;
  for (;;) {
    const Exchange exchange = once();
    if (exchange.succeeded()) return;
    if (exchange.advanced) {
      left = options.retries;
      pause = options.back_off_seconds;
    }
    if (!may_pass(exchange) || left-- <= 0) fail_exchange(exchange);
    wait(pause, options.stop);
    pause *= 2;
  }
}

}  // namespace pomona::net
