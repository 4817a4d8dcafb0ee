// How fuzz targets and the replay of their corpora tell a fault of the input from one of the
// program.
#pragma once
#include "base/error.h"

namespace pomona::test {

/// True if `work` ends well, false if an Error says what is wrong with its input. Whatever else is
/// thrown, an internal Error too, is a finding and passes.
template <class Work>
bool ends_well(Work&& work) {
  try {
    work();
    return true;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) throw;
    return false;
  }
}

}  // namespace pomona::test
