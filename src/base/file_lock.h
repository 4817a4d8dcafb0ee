// A lock between processes (flock(2)): released by the system when its holder dies.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "base/progress.h"

namespace pomona {

class FileLock {
 public:
  enum class Mode { shared, exclusive };

  /// Takes the lock of `path` (an empty file, made on demand with its folders); nullopt if somebody
  /// else holds it, in this process or another. Throws io, exhausted.
  static std::optional<FileLock> try_take(const std::filesystem::path& path,
                                          Mode mode = Mode::exclusive);

  /// The same, waiting for as long as it takes; says `waiting_for` as a note once it has to wait.
  /// Throws cancelled when a stop is asked for.
  static FileLock take(const std::filesystem::path& path, std::string_view waiting_for,
                       ProgressSink& progress, const StopToken& stop, Mode mode = Mode::exclusive);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  /// Releases the lock; an exclusive holder removes the file too.
  ~FileLock();

 private:
  FileLock(int descriptor, std::filesystem::path path, Mode mode);
  void release() noexcept;
  int descriptor_ = -1;
  std::filesystem::path path_;
  Mode mode_ = Mode::exclusive;
};

}  // namespace pomona
