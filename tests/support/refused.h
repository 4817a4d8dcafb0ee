// What a call refuses, for tests of errors.
#pragma once
#include <string>

#include "base/error.h"

namespace pomona::test {

/// The Error that `f` throws; one of kind internal, "no error", if it throws none.
template <class F>
Error error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::internal, "no error");
}

/// "kind: message" of the Error that `f` throws, or "nothing".
template <class F>
std::string refused(F&& f) {
  bool ended = false;
  const Error error = error_of([&] {
    f();
    ended = true;
  });
  return ended ? "nothing" : std::string(name_of(error.kind())) + ": " + error.what();
}

}  // namespace pomona::test
