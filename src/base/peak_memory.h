// How much memory the process, or a piece of work, took at most.
#pragma once
#include <cstdint>

namespace pomona {

/// The largest resident size this process has had since it began, or since a PeakMemory was made,
/// in bytes.
std::uint64_t peak_resident_bytes();

/// The resident size now, in bytes; 0 where the system does not tell.
std::uint64_t resident_bytes();

/// The largest resident size of this process since the object was made, where the system can tell
/// (Linux: VmHWM, which writing 5 to /proc/self/clear_refs sets back, proc(5)); else since the
/// process began. One at a time: a second one restarts the first.
class PeakMemory {
 public:
  PeakMemory();
  std::uint64_t bytes() const;
};

}  // namespace pomona
