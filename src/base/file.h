// Files: whole reads, read-only mappings, and writes that are never seen half done.
#pragma once
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pomona {

namespace fs = std::filesystem;

/// The bytes of a file. Throws not_found, or io with the system's reason.
std::string read_file(const fs::path& path);

/// A read-only mapping of a whole file; an empty file maps to an empty span.
class MappedFile {
 public:
  /// Throws not_found, or io with the system's reason.
  explicit MappedFile(const fs::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const fs::path& path() const { return path_; }

  /// Tells the system that these pages are not needed for now; they can be read again at any time.
  void release(std::span<const std::byte> part) const;

 private:
  fs::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Writes a file next to its final name and renames it into place on commit(); without commit()
/// nothing is left. The final name therefore never holds half a file. A file that is replaced keeps
/// its permissions; a new one has those that the user's umask leaves. Errors: io (exhausted when
/// the disk is full).
class AtomicFile {
 public:
  /// Throws bad_argument where a device, pipe or folder of that name would be replaced.
  explicit AtomicFile(const fs::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view text);
  void write(std::span<const std::byte> bytes);

  /// Puts what was written on the disk: after that, commit() has no reason to fail but the rename.
  void flush();

  /// Flushes and gives the file its final name.
  void commit();

 private:
  fs::path path_;
  fs::path temporary_;
  std::FILE* file_ = nullptr;
};

/// Whether a file has the name of one that an AtomicFile was writing; where nobody writes, its
/// process was killed.
bool is_leftover(const fs::path& path);

/// Removes what killed AtomicFiles of `path` left beside it. Only for who alone writes there.
void remove_leftovers(const fs::path& path);

/// AtomicFile for text at hand. Makes missing parent folders; errors as make_folder.
void write_file(const fs::path& path, std::string_view text);

/// Whether something has this name. Throws io where the system does not let us look.
bool is_there(const fs::path& path);

/// Makes a folder and those above it, as far as they are missing. Throws io, exhausted.
void make_folder(const fs::path& folder);

/// Makes the names in a folder survive a power cut, as far as the file system can.
void sync_folder(const fs::path& folder);

/// Throws the Error for a failed system call on `path`: exhausted for a full disk, quota or file
/// size, not_found for a missing file, else io.
[[noreturn]] void fail_io(std::string_view operation, const fs::path& path, int error_number);

}  // namespace pomona
