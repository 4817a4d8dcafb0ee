#include "base/peak_memory.h"

#include <sys/resource.h>

#include <fstream>
#include <string>

namespace pomona {

std::uint64_t peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  // Not as good: on Linux, what started this process counts with it up to the exec.
  struct rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

PeakMemory::PeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::uint64_t PeakMemory::bytes() const { return peak_resident_bytes(); }

}  // namespace pomona
