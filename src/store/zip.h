// The entries of a zip archive that were stored without compression, over a mapping. Format:
// PKWARE APPNOTE 6.3 (sections 4.3 and 4.5.3, zip64). Every offset is checked.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pomona::store {

struct ZipEntry {
  std::string_view name;
  std::uint64_t offset = 0;  // of its bytes, from the start of the file
  std::span<const std::byte> bytes;
};

/// All entries in the order of the archive's directory, as views into `bytes`. `origin` is the
/// file's name in errors. Throws bad_file, or unsupported for compressed or encrypted entries.
std::vector<ZipEntry> parse_zip(std::span<const std::byte> bytes, const std::string& origin);

}  // namespace pomona::store
