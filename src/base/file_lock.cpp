#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "base/file.h"

namespace pomona {
namespace {

/// Whether `path` still names the file behind `descriptor`: the former holder may have removed it
/// between our open and our lock.
bool still_there(int descriptor, const fs::path& path) {
  struct stat ours = {};
  struct stat named = {};
  return ::fstat(descriptor, &ours) == 0 && ::stat(path.c_str(), &named) == 0 &&
         ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

}  // namespace

std::optional<FileLock> FileLock::try_take(const fs::path& path, Mode mode) {
  if (path.has_parent_path()) make_folder(path.parent_path());
  for (;;) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) fail_io("lock", path, errno);
    FileLock lock(descriptor, path, Mode::shared);
    if (::flock(descriptor, (mode == Mode::shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return std::nullopt;
      if (errno == EINTR) continue;
      fail_io("lock", path, errno);
    }
    if (!still_there(descriptor, path)) continue;
    lock.mode_ = mode;
    return lock;
  }
}

FileLock FileLock::take(const fs::path& path, std::string_view waiting_for, ProgressSink& progress,
                        const StopToken& stop, Mode mode) {
  for (bool told = false;; told = true) {
    if (auto lock = try_take(path, mode)) return std::move(*lock);
    if (!told) progress.note(waiting_for);
    stop.check(waiting_for);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

FileLock::FileLock(int descriptor, fs::path path, Mode mode)
    : descriptor_(descriptor), path_(std::move(path)), mode_(mode) {}

FileLock::FileLock(FileLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      mode_(other.mode_) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  if (this != &other) {
    release();
    descriptor_ = std::exchange(other.descriptor_, -1);
    path_ = std::move(other.path_);
    mode_ = other.mode_;
  }
  return *this;
}

FileLock::~FileLock() { release(); }

void FileLock::release() noexcept {
  if (descriptor_ < 0) return;
  // Removed while still held: whoever opened the file meanwhile sees in still_there() that it is
  // gone.
  if (mode_ == Mode::exclusive) ::unlink(path_.c_str());
  ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace pomona
