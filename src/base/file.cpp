#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"

namespace pomona {
namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

constexpr std::string_view kUnfinished = ".partial-";

std::size_t regular_size(const Descriptor& file, const fs::path& path) {
  struct stat status = {};
  if (::fstat(file.value(), &status) != 0) fail_io("read", path, errno);
  if (!S_ISREG(status.st_mode))
    fail(ErrorKind::bad_file, "read: {} is not a regular file", path.string());
  return static_cast<std::size_t>(status.st_size);
}

/// Opens a new file beside `path`, less the permissions that the umask forbids; sets its name.
int make_beside(const fs::path& path, mode_t mode, fs::path& name) {
  static std::atomic<unsigned> made = 0;
  for (;;) {
    name = fmt::format("{}{}{}-{}", path.string(), kUnfinished, ::getpid(), ++made);
    const int descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor >= 0) return descriptor;
    if (errno != EEXIST) fail_io("write", path, errno);  // left by a killed process of that number
  }
}

}  // namespace

void fail_io(std::string_view operation, const fs::path& path, int error_number) {
  const ErrorKind kind = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG
                             ? ErrorKind::exhausted
                         : error_number == ENOENT ? ErrorKind::not_found
                                                  : ErrorKind::io;
  fail(kind, "{}: {}: {}", operation, path.string(), std::strerror(error_number));
}

std::string read_file(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.value() < 0) fail_io("read", path, errno);
  std::string text;
  struct stat status = {};
  if (::fstat(file.value(), &status) == 0 && S_ISDIR(status.st_mode)) fail_io("read", path, EISDIR);
  if (S_ISREG(status.st_mode)) text.reserve(static_cast<std::size_t>(status.st_size));
  char buffer[1 << 16];
  for (;;) {
    const ssize_t count = ::read(file.value(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_io("read", path, errno);
    if (count == 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
  }
}

MappedFile::MappedFile(const fs::path& path) : path_(path) {
  // O_NONBLOCK: a pipe is refused, not waited for.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.value() < 0) fail_io("open", path, errno);
  size_ = regular_size(file, path);
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.value(), 0);
  if (address == MAP_FAILED) fail_io("map", path, errno);
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::release(std::span<const std::byte> part) const {
  if (part.empty()) return;
  // A file that the system caches in huge pages is mapped by them: reading one byte brings all that
  // lies in its huge page back, bytes that were released before, too.
  constexpr std::uintptr_t kHugePage = std::uintptr_t{2} << 20;
  const auto first = reinterpret_cast<std::uintptr_t>(data_);
  const auto at = reinterpret_cast<std::uintptr_t>(part.data());
  const std::uintptr_t begin = std::max(first, at / kHugePage * kHugePage);
  const std::uintptr_t end =
      std::min(first + size_, (at + part.size() + kHugePage - 1) / kHugePage * kHugePage);
  ::madvise(const_cast<std::byte*>(data_) + (begin - first), end - begin, MADV_DONTNEED);
}

AtomicFile::AtomicFile(const fs::path& path) : path_(path) {
  struct stat replaced = {};
  const bool replaces = ::stat(path.c_str(), &replaced) == 0;
  if (replaces && !S_ISREG(replaced.st_mode)) {  // renaming over a device would replace it
    fail(ErrorKind::bad_argument, "write: {} is not a regular file", path.string());
  }
  const mode_t mode = replaces ? replaced.st_mode & 0777 : 0666;
  const int descriptor = make_beside(path, mode, temporary_);
  if (replaces) ::fchmod(descriptor, mode);  // whatever the umask has taken away
  file_ = ::fdopen(descriptor, "wb");
  if (file_ == nullptr) {
    const int error_number = errno;
    ::close(descriptor);
    ::unlink(temporary_.c_str());
    fail_io("write", path, error_number);
  }
}

AtomicFile::~AtomicFile() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size())
    fail_io("write", path_, errno);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void AtomicFile::flush() {
  if (std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0) fail_io("write", path_, errno);
}

void AtomicFile::commit() {
  flush();
  const bool closed = std::fclose(std::exchange(file_, nullptr)) == 0;
  if (!closed || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error_number = errno;
    ::unlink(temporary_.c_str());
    fail_io("write", path_, error_number);
  }
}

bool is_leftover(const fs::path& path) {
  return path.filename().string().find(kUnfinished) != std::string::npos;
}

void remove_leftovers(const fs::path& path) {
  const std::string front = path.filename().string() + std::string(kUnfinished);
  std::error_code error;
  std::vector<fs::path> found;
  auto place = fs::directory_iterator(path.has_parent_path() ? path.parent_path() : ".", error);
  for (; !error && place != fs::directory_iterator(); place.increment(error))
    if (place->path().filename().string().starts_with(front)) found.push_back(place->path());
  for (const fs::path& leftover : found) fs::remove(leftover, error);
}

void write_file(const fs::path& path, std::string_view text) {
  if (path.has_parent_path()) make_folder(path.parent_path());
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

bool is_there(const fs::path& path) {
  std::error_code error;
  const bool there = fs::exists(path, error);
  if (error) fail_io("look at", path, error.value());
  return there;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail_io("make folder", folder, error.value());
}

void sync_folder(const fs::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.value() >= 0) ::fsync(descriptor.value());
}

}  // namespace pomona
