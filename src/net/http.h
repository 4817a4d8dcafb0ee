// HTTP GET by libcurl: small answers, and downloads that resume where an earlier attempt stopped.
// Proxies (https_proxy, no_proxy ...) and certificates (CURL_CA_BUNDLE, SSL_CERT_FILE,
// SSL_CERT_DIR) come from the environment, as for the curl program.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/progress.h"

namespace pomona::net {

/// Names in small letters.
using Headers = std::map<std::string, std::string, std::less<>>;

/// The server answered, but not with what was asked for: not_found for 404 and 410, else network.
class StatusError : public Error {
 public:
  StatusError(const std::string& url, long status, Headers headers);
  long status() const { return status_; }
  const Headers& headers() const { return headers_; }

 private:
  long status_;
  Headers headers_;
};

struct HttpOptions {
  /// Name resolution, connection and TLS handshake together.
  double connect_seconds = 5;
  /// The longest time without a single byte, counted from the request on.
  double stall_seconds = 10;
  /// Attempts after the first one for a failure that may pass: a cut connection, a stall after the
  /// first byte, 408, 429, 5xx. An attempt that brought new bytes starts the count anew. Nobody
  /// there (no such host, refused, no answer) is not tried again.
  int retries = 3;
  /// Wait before the first of these attempts; doubled for each further one.
  double back_off_seconds = 0.5;
  /// What a download is known to have. An answer of another size is refused before a byte of it is
  /// written, one that turns out longer is cut off the file again, and one that starts anew without
  /// telling its size does not replace what is there.
  std::optional<std::uint64_t> bytes;
  /// A download of so many known bytes that each of two connections has at least `least_range` of
  /// them runs over up to so many at once.
  int connections = 1;
  std::uint64_t least_range = std::uint64_t{16} << 20;
  /// Proof of who asks (RFC 6750), sent to the host and port of the URL and to no other that an
  /// answer redirects to.
  std::string bearer;
  ProgressSink* progress = nullptr;
  const StopToken* stop = nullptr;
};

struct Answer {
  std::string body;
  Headers headers;
};

/// The small text that is at `url`. Throws StatusError, network (also for more than `most` bytes),
/// cancelled.
Answer get(const std::string& url, const HttpOptions& options = {},
           std::size_t most = std::size_t{64} << 20);

struct Download {
  /// The size of the file now.
  std::uint64_t bytes = 0;
  /// How many of them were there before.
  std::uint64_t resumed_from = 0;
};

/// How many bytes of a file of `bytes` an earlier attempt left in `part`; more than that if it is
/// another file.
std::uint64_t present_bytes(const std::filesystem::path& part, std::uint64_t bytes);

/// Downloads `url` to `part`. Bytes that are already there are kept and the rest is asked for with
/// Range (RFC 9110, section 14); a server that does not do ranges sends everything anew. Progress
/// in bytes. On a failure what has come stays in `part` (and, over several connections, what is
/// missing in `part`.ranges), but for a full disk, which removes it. A file that has options.bytes
/// is not asked for.
/// Whether the bytes are the right ones is for the caller to check.
/// Throws StatusError, network (also for another size than options.bytes), exhausted (disk full),
/// io, cancelled.
Download download(const std::string& url, const std::filesystem::path& part,
                  const HttpOptions& options = {});

}  // namespace pomona::net
