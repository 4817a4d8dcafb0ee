// What a data file is about, guessed from its columns: which one the model reads, which one it
// writes, and what for.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "lifecycle/data.h"
#include "lifecycle/language.h"

namespace pomona::lifecycle {

/// Counts about one column, fed record by record.
struct ColumnFacts {
  std::string name;
  std::uint64_t filled = 0;
  std::uint64_t characters = 0;
  ScriptCounts scripts;
  std::uint64_t questions = 0;               // values that end with a question mark
  std::unordered_set<std::size_t> distinct;  // hashes of values, up to kMostDistinct

  static constexpr std::size_t kMostDistinct = 1000;
  void add(std::string_view value);
  double mean_characters() const;
};

/// Facts of all columns, in the order in which they appear.
class ColumnTable {
 public:
  void add(const store::Record& record);
  const std::vector<ColumnFacts>& columns() const { return columns_; }
  std::uint64_t rows() const { return rows_; }
  /// nullptr if there is none of that name.
  const ColumnFacts* find(std::string_view name) const;

 private:
  std::vector<ColumnFacts> columns_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::uint64_t rows_ = 0;
};

struct Roles {
  std::string input, output;
};

/// By usual names first, then the longest text is read and the longest other one written. A named
/// role (not empty) is kept. Throws bad_argument for a name that is no column, bad_file if there
/// are fewer than two usable columns.
Roles guess_roles(const ColumnTable& table, const Roles& named, std::string_view origin);

/// One of kUseCases.
std::string guess_use_case(const ColumnTable& table, const Roles& roles);

}  // namespace pomona::lifecycle
