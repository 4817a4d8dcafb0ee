// libFuzzer entry for model files. Seeds and finds: tests/corpus/load.
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/file.h"
#include "tests/model/load_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Loading maps a file; this one never reaches a disk.
  static const int descriptor = ::memfd_create("load_fuzz", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  if (::ftruncate(descriptor, 0) != 0 ||
      ::pwrite(descriptor, data, size, 0) != static_cast<ssize_t>(size))
    pomona::fail_io("write", path, errno);
  pomona::model::exercise_model_file(path);
  return 0;
}
