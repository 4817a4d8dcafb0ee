// What a call refuses, for tests of errors.
#pragma once
#include <string>

#include "base/error.h"

namespace pomona::testing_support {

/// "kind: message" of the Error that `f` throws, or "nothing".
template <class F>
std::string refused(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return std::string(name_of(error.kind())) + ": " + error.what();
  }
  return "nothing";
}

}  // namespace pomona::testing_support
