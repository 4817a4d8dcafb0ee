// A table for people: columns as wide as their widest cell, numbers to the right.
#pragma once
#include <string>
#include <vector>

namespace pomona::cli {

class Table {
 public:
  /// Headings; one that starts with '>' aligns its column to the right.
  explicit Table(std::vector<std::string> headings);
  /// As many cells as headings; control characters in them are shown as \xNN.
  void add(std::vector<std::string> cells);
  /// Lines without trailing spaces.
  std::string text() const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

/// "7" -> "7", "134515008" -> "134.5 M": counts with three or four digits and a letter.
std::string human_count(double count);

}  // namespace pomona::cli
