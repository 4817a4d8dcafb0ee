#include "lifecycle/init_splits.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"

namespace pomona::lifecycle {
namespace {

constexpr std::uint64_t kSplitSeed = 1;
constexpr std::uint64_t kSplitStream = 0x73706c6974;  // "split"
constexpr std::size_t kFewestRows = 10;               // to cut into three
constexpr std::size_t kMostHeldOut = 200;  // rows of valid and of test: enough, and soon evaluated

/// The split of each row: inputs are shuffled, and rows with the same input stay together, so that
/// no test row was seen in training.
std::vector<std::size_t> deal(const std::vector<std::string>& inputs) {
  std::unordered_map<std::string_view, std::size_t> groups;
  std::vector<std::size_t> group_of;
  for (const std::string& input : inputs)
    group_of.push_back(groups.try_emplace(input, groups.size()).first->second);
  std::vector<std::size_t> order(groups.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const Random random(kSplitSeed, kSplitStream);
  for (std::size_t i = 0; i + 1 < order.size(); ++i)
    std::swap(order[i], order[i + random.below(i, order.size() - i)]);
  const std::size_t test = std::clamp<std::size_t>(order.size() / 5, 1, kMostHeldOut);
  const std::size_t valid = std::clamp<std::size_t>(order.size() / 10, 1, kMostHeldOut);
  std::vector<std::size_t> split_of_group(order.size(), 0);
  for (std::size_t i = 0; i < order.size(); ++i)
    split_of_group[order[i]] = i < test ? 2 : i < test + valid ? 1 : 0;
  std::vector<std::size_t> splits;
  for (const std::size_t group : group_of) splits.push_back(split_of_group[group]);
  return splits;
}

}  // namespace

std::optional<SplitFiles> existing_splits(const fs::path& data, std::string_view input,
                                          std::string_view output) {
  const std::string name = data.filename().string();
  for (const std::string_view split : kSplitNames) {
    const std::size_t at = name.rfind(split);
    if (at == std::string::npos) continue;
    SplitFiles files;
    bool all = true;
    for (std::size_t i = 0; i < kSplitNames.size(); ++i) {
      files.names[i] = std::string(name).replace(at, split.size(), kSplitNames[i]);
      std::error_code ignored;
      all = all && fs::exists(data.parent_path() / files.names[i], ignored);
    }
    if (!all) continue;
    for (std::size_t i = 0; i < kSplitNames.size(); ++i)
      files.rows[i] = read_rows(data.parent_path() / files.names[i], input, output).in_file;
    return files;
  }
  return std::nullopt;
}

SplitFiles cut_into_splits(const fs::path& data, std::string_view header,
                           const CompleteRows& complete) {
  if (complete.bytes.size() < kFewestRows)
    fail(ErrorKind::bad_file,
         "init: {}: too few rows ({}) to cut into train, valid and test; at least {} are needed",
         data.string(), complete.bytes.size(), kFewestRows);
  SplitFiles files;
  const std::string ending =
      store::format_of(data) == store::DataFormat::json ? ".jsonl" : data.extension().string();
  for (std::size_t i = 0; i < kSplitNames.size(); ++i) {
    files.names[i] = fmt::format("{}-{}{}", data.stem().string(), kSplitNames[i], ending);
    if (!header.empty()) files.texts[i] = std::string(header) + "\n";
  }
  const std::vector<std::size_t> splits = deal(complete.inputs);
  for (std::size_t row = 0; row < splits.size(); ++row) {
    files.texts[splits[row]] += complete.bytes[row] + "\n";
    ++files.rows[splits[row]];
  }
  if (files.rows[0] == 0)
    fail(ErrorKind::bad_file, "init: {}: all rows have the same input", data.string());
  return files;
}

}  // namespace pomona::lifecycle
