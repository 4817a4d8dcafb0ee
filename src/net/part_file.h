// The file that a download fills, and the bar that tells how far it is.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/progress.h"

namespace pomona::net {

class PartFile {
 public:
  /// Opens it, or makes an empty one. Throws io, exhausted.
  explicit PartFile(const std::filesystem::path& path);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  std::uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

  void cut(std::uint64_t size);
  void append(std::string_view bytes);
  /// Several threads may write at different places. Does not count for size().
  void write_at(std::uint64_t place, std::string_view bytes) const;
  void flush() const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// A download's bar: begun at the first answer, ended in any case.
class DownloadBar {
 public:
  explicit DownloadBar(ProgressSink* sink) : sink_(sink != nullptr ? *sink : no_progress()) {}
  ~DownloadBar() {
    if (begun_) sink_.end();
  }
  DownloadBar(const DownloadBar&) = delete;
  DownloadBar& operator=(const DownloadBar&) = delete;

  void begin(const std::filesystem::path& part, std::uint64_t total) {
    if (!begun_) sink_.begin("download " + part.stem().string(), total, "bytes");
    begun_ = true;
  }
  void update(std::uint64_t done) { sink_.update(done); }

 private:
  ProgressSink& sink_;
  bool begun_ = false;
};

}  // namespace pomona::net
