#include "net/part_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace pomona::net {

PartFile::PartFile(const fs::path& path) : path_(path) {
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail_io("download", path, errno);
  struct stat status = {};
  if (::fstat(descriptor_, &status) == 0) size_ = static_cast<std::uint64_t>(status.st_size);
}

PartFile::~PartFile() { ::close(descriptor_); }

void PartFile::cut(std::uint64_t size) {
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) fail_io("download", path_, errno);
  size_ = size;
}

void PartFile::append(std::string_view bytes) {
  write_at(size_, bytes);
  size_ += bytes.size();
}

void PartFile::write_at(std::uint64_t place, std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(place));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_io("download", path_, errno);
    place += static_cast<std::uint64_t>(count);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void PartFile::flush() const {
  if (::fsync(descriptor_) != 0) fail_io("download", path_, errno);
}

}  // namespace pomona::net
