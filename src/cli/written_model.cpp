#include "cli/written_model.h"

#include <fmt/ranges.h>

#include <vector>

#include "base/text.h"

namespace pomona::cli {

std::string written_model(const std::filesystem::path& to, std::uint64_t bytes_in,
                          std::uint64_t bytes_out, double seconds,
                          const std::map<std::string, std::int64_t>& types) {
  std::vector<std::string> counts;
  for (const auto& [type, count] : types) counts.push_back(fmt::format("{} {}", count, type));
  return fmt::format("{}: {} -> {} in {} ({} tensors)\n", to.string(), human_bytes(bytes_in),
                     human_bytes(bytes_out), human_duration(seconds), fmt::join(counts, ", "));
}

}  // namespace pomona::cli
