// A download over several connections at once: each fills a range of the file, and a note beside it
// tells what of them is still missing, so that a later attempt goes on.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/http.h"
#include "net/part_file.h"

namespace pomona::net {

/// Bytes of a file that are missing: from `next` to before `end`.
struct ByteRange {
  std::uint64_t next = 0;
  std::uint64_t end = 0;

  bool operator==(const ByteRange&) const = default;
};

/// The note beside `part`: part.ranges, a line "NEXT END" for each range, in the order of the file.
class RangeNote {
 public:
  explicit RangeNote(const std::filesystem::path& part) : path_(part.string() + ".ranges") {}

  bool exists() const;
  /// nullopt if there is none, or none that is about a file of `bytes`.
  std::optional<std::vector<ByteRange>> read(std::uint64_t bytes) const;
  void write(const std::vector<ByteRange>& ranges) const;
  void remove() const;

 private:
  std::filesystem::path path_;
};

/// Halves the longest range until there are `count`, or none is as long as two of `least`.
std::vector<ByteRange> split_ranges(std::vector<ByteRange> ranges, int count, std::uint64_t least);

/// Fills these ranges of `file`, all at once. False if the server does not do ranges: what was
/// filled up to the first gap stays. Throws as download; what has come then stands in the note.
bool fill_ranges(const std::string& url, PartFile& file, std::vector<ByteRange> ranges,
                 const HttpOptions& options);

}  // namespace pomona::net
