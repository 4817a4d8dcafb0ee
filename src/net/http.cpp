#include "net/http.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace pomona::net {
namespace {

struct CloseEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};

/// One request and what came of it.
struct Exchange {
  std::string url;
  const HttpOptions* options = nullptr;
  std::uint64_t offset = 0;  // first byte asked for; 0 asks for everything

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
  std::string content_range;
  std::exception_ptr thrown;

  bool succeeded() const {
    return code == CURLE_OK && !wrong_range && (status == 200 || status == 206);
  }
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

/// What Content-Range says (RFC 9110, 14.4): "bytes 100-199/1000", "bytes 100-199/*", "bytes
/// */1000".
struct ContentRange {
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> total;
};

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

/// Tells where the body starts in the file and how long the file is, as far as the server says so.
void announce(Exchange& exchange) {
  exchange.started = true;
  curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &exchange.status);
  if (exchange.status == 206) {
    const ContentRange range = parse_content_range(exchange.content_range);
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

std::size_t receive_header(char* data, std::size_t, std::size_t size, void* user) noexcept {
  auto& exchange = *static_cast<Exchange*>(user);
  constexpr std::string_view kName = "content-range:";
  std::string_view line(data, size);
  if (line.starts_with("HTTP/")) exchange.content_range.clear();  // a redirect's headers are past
  const bool matches = line.size() > kName.size() &&
                       std::equal(kName.begin(), kName.end(), line.begin(), [](char a, char b) {
                         return a == (b >= 'A' && b <= 'Z' ? b + 32 : b);
                       });
  if (matches) exchange.content_range = trim(line.substr(kName.size()));
  return size;
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
  if (exchange.offset > 0)
    curl_easy_setopt(easy, CURLOPT_RANGE, fmt::format("{}-", exchange.offset).c_str());
}

/// Makes one attempt. Throws what the callbacks threw, and cancelled; all else stands in
/// `exchange`.
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

[[noreturn]] void fail_exchange(const Exchange& exchange) {
  if (exchange.stalled)
    fail(ErrorKind::network, "get: {}: not a byte for {}", exchange.url,
         human_duration(exchange.options->stall_seconds));
  if (exchange.code != CURLE_OK)
    fail(ErrorKind::network, "get: {}: {}", exchange.url,
         exchange.reason[0] != 0 ? exchange.reason.data() : curl_easy_strerror(exchange.code));
  if (exchange.wrong_range)
    fail(ErrorKind::network, "get: {}: asked for bytes from {} on, the server answered \"{}\"",
         exchange.url, exchange.offset, exchange.content_range);
  const bool missing = exchange.status == 404 || exchange.status == 410;
  fail(missing ? ErrorKind::not_found : ErrorKind::network, "get: {}: the server answered {}{}",
       exchange.url, exchange.status, missing ? " (no such file)" : "");
}

/// Waits as long as `seconds`, waking for a stop request.
void wait(double seconds, const StopToken* stop) {
  const Stopwatch watch;
  while (watch.seconds() < seconds) {
    if (stop != nullptr) stop->check("get");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// Calls `once`, which makes one attempt, until it succeeds or there is no use in going on.
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
      const bool complete = parse_content_range(exchange.content_range).total == exchange.offset;
      exchange.wrong_range = !complete;
      if (complete) exchange.status = 206;
    }
    if (exchange.wrong_range) file.cut(0);
    return exchange;
  });
  return kept;
}

}  // namespace

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
