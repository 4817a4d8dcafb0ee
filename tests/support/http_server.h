// A tiny HTTP/1.1 server on 127.0.0.1 whose answers a test writes: ranges, cuts, stalls, faults.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace pomona::test {

struct Request {
  std::string target;
  std::string head;  // all header lines
  std::optional<std::uint64_t> range_from, range_to;
};

struct Reply {
  int status = 200;
  std::string body = {};
  std::vector<std::string> headers = {};
  /// Whether the answer tells how long it is.
  bool length = true;
  /// Whether a Range request gets its part.
  bool ranges = true;
  /// Cuts the connection after so many body bytes.
  std::optional<std::size_t> cut_after = {};
  /// Sends so many body bytes and then nothing more, until the client goes.
  std::optional<std::size_t> stall_after = {};
};

class HttpServer {
 public:
  explicit HttpServer(std::function<Reply(const Request&)> answer);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "http://127.0.0.1:PORT"
  std::string url() const;
  std::vector<Request> requests() const;

 private:
  void serve();
  void handle(int connection);
  std::function<Reply(const Request&)> answer_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_ = false;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

/// A port of this computer where nobody listens.
int unused_port();

}  // namespace pomona::test
