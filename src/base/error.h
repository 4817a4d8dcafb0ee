// The one exception of the program: a kind, which decides exit code and HTTP status, and a
// sentence.
#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace pomona {

enum class ErrorKind {
  bad_argument,
  bad_shape,
  bad_file,
  not_found,
  unsupported,
  exhausted,
  io,
  network,
  gate,
  cancelled,
  internal,
};

/// The kind's name as it stands in the enumeration, e.g. "bad_file".
std::string_view name_of(ErrorKind kind);

/// The process exit code of a kind (contract.md): 0 is success and never returned here.
int exit_code(ErrorKind kind);

/// What every part of the program throws. The message starts with the operation, then the values;
/// for files it names path and byte offset.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// Throws Error(kind, formatted message).
template <class... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace pomona
