// A file that grows record by record and holds whole records only, whatever happens.
#pragma once
#include <filesystem>
#include <string_view>

namespace pomona {

class AppendedFile {
 public:
  /// Opens the file, made on demand; its folder must be there. What is in it stays. Throws io,
  /// not_found, exhausted.
  explicit AppendedFile(const std::filesystem::path& path);
  ~AppendedFile();
  AppendedFile(const AppendedFile&) = delete;
  AppendedFile& operator=(const AppendedFile&) = delete;

  /// Adds `record` in one piece: a killed process leaves all of it or, but for its very last
  /// moment, nothing. On a failure the file is as before: io, exhausted.
  void append(std::string_view record);

  /// Waits until all is on the disk. On a failure what came since the last call is taken back.
  void sync();

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  long long whole_ = 0;   // bytes of whole records
  long long synced_ = 0;  // of them on the disk
};

}  // namespace pomona
