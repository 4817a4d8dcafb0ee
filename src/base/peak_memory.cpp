#include "base/peak_memory.h"

#include <sys/resource.h>

#include <fstream>
#include <string>
#include <string_view>

namespace pomona {
namespace {

/// A size that Linux tells of this process, in bytes; 0 if it does not.
std::uint64_t status_bytes(std::string_view key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kibibytes = 0;
    if (word == key && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

}  // namespace

std::uint64_t resident_bytes() { return status_bytes("VmRSS:"); }

std::uint64_t peak_resident_bytes() {
  if (const std::uint64_t peak = status_bytes("VmHWM:"); peak > 0) return peak;
  // Not as good: on Linux, what started this process counts with it up to the exec.
  struct rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

PeakMemory::PeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::uint64_t PeakMemory::bytes() const { return peak_resident_bytes(); }

}  // namespace pomona
