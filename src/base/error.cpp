#include "base/error.h"

#include <array>

namespace pomona {
namespace {

struct KindRow {
  ErrorKind kind;
  std::string_view name;
  int exit_code;
};

constexpr std::array kKinds = {
    KindRow{ErrorKind::bad_argument, "bad_argument", 2},
    KindRow{ErrorKind::bad_shape, "bad_shape", 2},
    KindRow{ErrorKind::bad_file, "bad_file", 3},
    KindRow{ErrorKind::not_found, "not_found", 3},
    KindRow{ErrorKind::unsupported, "unsupported", 4},
    KindRow{ErrorKind::exhausted, "exhausted", 5},
    KindRow{ErrorKind::io, "io", 6},
    KindRow{ErrorKind::network, "network", 6},
    KindRow{ErrorKind::gate, "gate", 7},
    KindRow{ErrorKind::cancelled, "cancelled", 130},
    KindRow{ErrorKind::internal, "internal", 1},
};

const KindRow& row_of(ErrorKind kind) {
  for (const KindRow& row : kKinds) {
    if (row.kind == kind) return row;
  }
  return kKinds.back();
}

}  // namespace

std::string_view name_of(ErrorKind kind) { return row_of(kind).name; }
int exit_code(ErrorKind kind) { return row_of(kind).exit_code; }

}  // namespace pomona
