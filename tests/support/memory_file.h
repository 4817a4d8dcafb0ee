// A file in memory for what reads files by their path: a fuzzer's inputs never reach a disk.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/file.h"

namespace pomona::test {

/// The path of the process's only such file, which holds these bytes until the next call.
inline const std::string& memory_file(const std::uint8_t* data, std::size_t size) {
  static const int descriptor = ::memfd_create("fuzz", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  if (::ftruncate(descriptor, 0) != 0 ||
      ::pwrite(descriptor, data, size, 0) != static_cast<ssize_t>(size))
    fail_io("write", path, errno);
  return path;
}

}  // namespace pomona::test
