// The table of one level.
#include "kernel/isa/functions.h"

namespace pomona::kernel::POMONA_LEVEL {

namespace {

Table make_table() {
  Table table{};
  table.level = static_cast<simd::Level>(POMONA_LEVEL_ID);
  table.prepare_rows = prepare_rows;
  table.gemm[static_cast<int>(PanelKind::f32)] = gemm_f32;
  table.gemm[static_cast<int>(PanelKind::bf16)] = gemm_bf16;
  table.gemm[static_cast<int>(PanelKind::u8)] = gemm_u8;
  table.gemm[static_cast<int>(PanelKind::u4)] = gemm_u4;
  table.pack_panel = pack_panel;
  table.pack_turned = pack_turned;
  table.prepare_turned = prepare_turned;
  table.roof = roof();
  add_rows(table);
  return table;
}

}  // namespace

const Table& level_table() {
  static const Table kTable = make_table();
  return kTable;
}

}  // namespace pomona::kernel::POMONA_LEVEL
