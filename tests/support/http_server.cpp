#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace pomona::test {
namespace {

/// A TCP socket bound to a free port of 127.0.0.1.
int bound_socket(int& port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (socket < 0 || ::bind(socket, generic, size) != 0 ||
      ::getsockname(socket, generic, &size) != 0)
    throw std::runtime_error("no port on 127.0.0.1");
  port = ntohs(address.sin_port);
  return socket;
}

void send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

Request parse(const std::string& head) {
  Request request;
  request.head = head;
  const auto start = head.find(' ') + 1;
  request.target = head.substr(start, head.find(' ', start) - start);
  const auto range = head.find("Range: bytes=");
  if (range == std::string::npos) return request;
  request.range_from = std::stoull(head.substr(range + 13));
  const auto dash = head.find('-', range);
  if (head[dash + 1] != '\r') request.range_to = std::stoull(head.substr(dash + 1));
  return request;
}

}  // namespace

HttpServer::HttpServer(std::function<Reply(const Request&)> answer) : answer_(std::move(answer)) {
  listener_ = bound_socket(port_);
  if (::listen(listener_, 8) != 0) throw std::runtime_error("cannot listen");
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  stop_ = true;
  thread_.join();
  ::close(listener_);
}

std::string HttpServer::url() const { return "http://127.0.0.1:" + std::to_string(port_); }

std::vector<Request> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::serve() {
  while (!stop_) {
    pollfd waiting = {listener_, POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    handle(connection);
    ::close(connection);
  }
}

void HttpServer::handle(int connection) {
  std::string head;
  for (char buffer[4096]; head.find("\r\n\r\n") == std::string::npos;) {
    const ssize_t count = ::recv(connection, buffer, sizeof buffer, 0);
    if (count <= 0) return;
    head.append(buffer, static_cast<std::size_t>(count));
  }
  const Request request = parse(head);
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  Reply reply = answer_(request);
  std::string lines;
  if (reply.ranges && request.range_from && reply.status == 200) {
    const std::string total = std::to_string(reply.body.size());
    if (*request.range_from >= reply.body.size()) {
      reply.status = 416;
      lines = "Content-Range: bytes */" + total + "\r\n";
      reply.body.clear();
    } else {
      reply.status = 206;
      const std::uint64_t last =
          std::min<std::uint64_t>(request.range_to.value_or(~0ULL), reply.body.size() - 1);
      lines = "Content-Range: bytes " + std::to_string(*request.range_from) + "-" +
              std::to_string(last) + "/" + total + "\r\n";
      reply.body.resize(last + 1);
      reply.body.erase(0, *request.range_from);
    }
  }
  for (const std::string& header : reply.headers) lines += header + "\r\n";
  if (reply.length) lines += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
  send_all(connection, "HTTP/1.1 " + std::to_string(reply.status) +
                           " Reply\r\nConnection: close\r\n" + lines + "\r\n");
  const std::size_t limit = std::min(reply.cut_after.value_or(reply.body.size()),
                                     reply.stall_after.value_or(reply.body.size()));
  send_all(connection, std::string_view(reply.body).substr(0, limit));
  char byte = 0;
  while (reply.stall_after && !stop_ && ::recv(connection, &byte, 1, MSG_DONTWAIT) != 0)
    ::usleep(10000);
}

int unused_port() {
  int port = 0;
  ::close(bound_socket(port));
  return port;
}

}  // namespace pomona::test
