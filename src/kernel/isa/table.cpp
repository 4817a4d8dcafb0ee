// The table of one level.
#include "kernel/isa/functions.h"

namespace pomona::kernel::POMONA_LEVEL {

namespace {

Table make_table() {
  Table table{};
  table.level = static_cast<simd::Level>(POMONA_LEVEL_ID);
  add_rows(table);
  return table;
}

}  // namespace

const Table& level_table() {
  static const Table kTable = make_table();
  return kTable;
}

}  // namespace pomona::kernel::POMONA_LEVEL
