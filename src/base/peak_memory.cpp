#include "base/peak_memory.h"

#include <fstream>
#include <string>

#include "base/clock.h"

namespace pomona {

PeakMemory::PeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::uint64_t PeakMemory::bytes() const {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  return peak_resident_bytes();
}

}  // namespace pomona
