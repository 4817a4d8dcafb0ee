#include "base/free_memory.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

namespace pomona {
namespace {

/// The number a file holds alone; none for "max" or no file.
std::optional<std::uint64_t> number_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

std::uint64_t available(const std::filesystem::path& meminfo) {
  std::ifstream file(meminfo);
  std::string name;
  std::uint64_t kibibytes = 0;
  for (std::string rest; file >> name; std::getline(file, rest)) {
    if (name == "MemAvailable:" && file >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

}  // namespace

std::uint64_t free_memory_bytes(const std::filesystem::path& proc,
                                const std::filesystem::path& cgroup) {
  const std::uint64_t bytes = available(proc / "meminfo");
  const auto most = number_in(cgroup / "memory.max");
  const auto now = number_in(cgroup / "memory.current");
  if (!most || !now) return bytes;
  const std::uint64_t left = *most - std::min(*most, *now);
  return bytes == 0 ? left : std::min(bytes, left);
}

}  // namespace pomona
