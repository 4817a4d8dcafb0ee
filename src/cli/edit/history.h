// What was typed in earlier chats: a file of JSON texts, one a line, for its owner's eyes alone.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pomona::cli {

class History {
 public:
  static constexpr std::size_t kMostEntries = 1000;
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20;
  /// A longer entry is remembered until the end of the process only.
  static constexpr std::size_t kLongEntry = std::size_t{1} << 16;

  /// Reads what is there; lines that are no JSON text are passed over. Without a file, entries are
  /// remembered until the end of the process only. Throws io.
  explicit History(std::optional<std::filesystem::path> file);

  /// Oldest first.
  const std::vector<std::string>& entries() const { return entries_; }

  /// Appends an entry unless it is blank or the last one again; other chats may append to the same
  /// file meanwhile. When the file is above a limit, its older half goes. Throws io, exhausted; the
  /// entry is remembered nevertheless, and the file left alone from then on.
  void add(std::string_view entry);

 private:
  void append(const std::string& line);

  std::optional<std::filesystem::path> file_;
  std::vector<std::string> entries_;
};

}  // namespace pomona::cli
