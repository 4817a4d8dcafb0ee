#include "train/passes.h"

#include <algorithm>
#include <numeric>

namespace pomona::train {

std::vector<std::vector<RowId>> pack_rows(const Objective& objective, std::span<const RowId> rows,
                                          std::int64_t tokens) {
  std::vector<std::int64_t> lengths;
  lengths.reserve(rows.size());
  for (const RowId& row : rows) lengths.push_back(objective.size(row).tokens);
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lengths[a] > lengths[b]; });
  struct Pass {
    std::int64_t tokens = 0;
    std::vector<std::size_t> members;
  };
  std::vector<Pass> passes;
  for (const std::size_t row : order) {
    const auto fits = [&](const Pass& pass) { return pass.tokens + lengths[row] <= tokens; };
    auto pass = std::find_if(passes.begin(), passes.end(), fits);
    if (pass == passes.end()) pass = passes.insert(passes.end(), Pass{});
    pass->tokens += lengths[row];
    pass->members.push_back(row);
  }
  std::vector<std::vector<RowId>> packed;
  for (Pass& pass : passes) {
    std::sort(pass.members.begin(), pass.members.end());
    std::vector<RowId>& one = packed.emplace_back();
    for (const std::size_t row : pass.members) one.push_back(rows[row]);
  }
  return packed;
}

}  // namespace pomona::train
