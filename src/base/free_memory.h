// How much memory a program may take now without pushing others out.
#pragma once
#include <cstdint>
#include <filesystem>

namespace pomona {

/// Bytes: what Linux calls available (proc(5), MemAvailable), or what the control group of this
/// process has left (cgroup-v2, memory.max less memory.current), whichever is less; 0 if neither
/// can be read. `proc` and `cgroup` stand for /proc and /sys/fs/cgroup.
std::uint64_t free_memory_bytes(const std::filesystem::path& proc = "/proc",
                                const std::filesystem::path& cgroup = "/sys/fs/cgroup");

}  // namespace pomona
