#include "base/appended_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/file.h"

namespace pomona {

AppendedFile::AppendedFile(const fs::path& path) : path_(path) {
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail_io("append", path, errno);
  struct stat status = {};
  ::fstat(descriptor_, &status);
  whole_ = synced_ = status.st_size;
}

AppendedFile::~AppendedFile() { ::close(descriptor_); }

void AppendedFile::append(std::string_view record) {
  ssize_t written = 0;
  do {
    written = ::write(descriptor_, record.data(), record.size());
  } while (written < 0 && errno == EINTR);
  int error = written < 0 ? errno : 0;
  if (error == 0 && static_cast<std::size_t>(written) < record.size()) error = ENOSPC;
  if (error != 0 && ::ftruncate(descriptor_, whole_) != 0) error = EIO;
  if (error != 0) fail_io("append", path_, error);
  whole_ += written;
}

void AppendedFile::sync() {
  int error = ::fdatasync(descriptor_) == 0 ? 0 : errno;
  if (error != 0) {
    whole_ = synced_;
    if (::ftruncate(descriptor_, whole_) != 0) error = EIO;
    fail_io("append", path_, error);
  }
  if (synced_ == 0) sync_folder(path_.parent_path());
  synced_ = whole_;
}

}  // namespace pomona
