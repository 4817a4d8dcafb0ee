#include "store/zip.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/error.h"
#include "base/quote.h"
#include "base/string_hash.h"

namespace pomona::store {
namespace {

constexpr std::uint32_t kEntrySignature = 0x02014b50, kLocalSignature = 0x04034b50,
                        kEndSignature = 0x06054b50, kEnd64Signature = 0x06064b50,
                        kLocatorSignature = 0x07064b50;
constexpr std::uint64_t kEntrySize = 46, kLocalSize = 30, kEndSize = 22, kEnd64Size = 56,
                        kLocatorSize = 20;
constexpr std::uint64_t kLongestComment = 65535;
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;  // the value stands in the zip64 field
constexpr std::uint16_t kIn64Short = 0xFFFF;
constexpr std::uint16_t kEncrypted = 1;

class Archive {
 public:
  Archive(std::span<const std::byte> bytes, const std::string& origin)
      : bytes_(bytes), origin_(origin) {}

  template <class... Args>
  [[noreturn]] void bad(std::uint64_t offset, fmt::format_string<Args...> format,
                        Args&&... args) const {
    fail(ErrorKind::bad_file, "read zip: {}: byte {}: {}", origin_, offset,
         fmt::format(format, std::forward<Args>(args)...));
  }

  std::span<const std::byte> part(std::uint64_t offset, std::uint64_t size,
                                  std::string_view what) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset)
      bad(offset, "{} of {} bytes reaches beyond the file's {}", what, size, bytes_.size());
    return bytes_.subspan(offset, size);
  }

  template <class T>
  T number(std::uint64_t offset, std::string_view what) const {
    T value;
    std::memcpy(&value, part(offset, sizeof value, what).data(), sizeof value);
    return value;
  }

  std::string_view text(std::uint64_t offset, std::uint64_t size, std::string_view what) const {
    const auto found = part(offset, size, what);
    return {reinterpret_cast<const char*>(found.data()), found.size()};
  }

  std::uint64_t size() const { return bytes_.size(); }
  const std::string& origin() const { return origin_; }

 private:
  std::span<const std::byte> bytes_;
  const std::string& origin_;
};

struct Directory {
  std::uint64_t offset, size, count;
};

/// Where the end record begins: the last place that has its signature and a comment that fits.
std::uint64_t find_end(const Archive& archive) {
  const std::uint64_t size = archive.size();
  const std::uint64_t farthest = std::min(size, kEndSize + kLongestComment);
  for (std::uint64_t back = kEndSize; back <= farthest; ++back) {
    const std::uint64_t at = size - back;
    if (archive.number<std::uint32_t>(at, "the end") == kEndSignature &&
        archive.number<std::uint16_t>(at + 20, "the end") == back - kEndSize)
      return at;
  }
  archive.bad(size, "no end of a zip directory: not a zip file, or cut short");
}

Directory find_directory(const Archive& archive) {
  const std::uint64_t end = find_end(archive);
  Directory found{archive.number<std::uint32_t>(end + 16, "the end"),
                  archive.number<std::uint32_t>(end + 12, "the end"),
                  archive.number<std::uint16_t>(end + 10, "the end")};
  if (archive.number<std::uint16_t>(end + 4, "the end") != 0)
    archive.bad(end, "an archive in several files");
  if (end < kLocatorSize ||
      archive.number<std::uint32_t>(end - kLocatorSize, "the locator") != kLocatorSignature) {
    if (found.offset == kIn64 || found.size == kIn64 || found.count == kIn64Short)
      archive.bad(end, "the zip64 locator is missing");
    return found;
  }
  const auto end64 = archive.number<std::uint64_t>(end - kLocatorSize + 8, "the locator");
  archive.part(end64, kEnd64Size, "the zip64 end");
  if (archive.number<std::uint32_t>(end64, "the zip64 end") != kEnd64Signature)
    archive.bad(end64, "not the zip64 end that the locator promises");
  return {archive.number<std::uint64_t>(end64 + 48, "the zip64 end"),
          archive.number<std::uint64_t>(end64 + 40, "the zip64 end"),
          archive.number<std::uint64_t>(end64 + 32, "the zip64 end")};
}

/// What an entry of the directory says; sizes and offset may be replaced by its zip64 field.
struct Record {
  std::string_view name;
  std::uint64_t packed, size, local;
};

/// The zip64 field (id 1) holds, in this order, those of the values that did not fit.
void read_zip64(const Archive& archive, std::uint64_t at, std::uint64_t length, Record& record) {
  const std::uint64_t end = at + length;
  while (end - at >= 4) {
    const auto id = archive.number<std::uint16_t>(at, "an extra field");
    const auto size = archive.number<std::uint16_t>(at + 2, "an extra field");
    at += 4;
    if (size > end - at) archive.bad(at, "an extra field reaches beyond its entry");
    if (id == 1) {
      std::uint64_t from = at;
      for (std::uint64_t* value : {&record.size, &record.packed, &record.local}) {
        if (*value != kIn64) continue;
        if (from + 8 > at + size) archive.bad(at, "the zip64 field is too short");
        *value = archive.number<std::uint64_t>(from, "a zip64 field");
        from += 8;
      }
      return;
    }
    at += size;
  }
}

ZipEntry locate(const Archive& archive, const Record& record) {
  archive.part(record.local, kLocalSize, "a local header");
  if (archive.number<std::uint32_t>(record.local, "a local header") != kLocalSignature)
    archive.bad(record.local, "no local header for {}", quote_name(record.name));
  const auto name_size = archive.number<std::uint16_t>(record.local + 26, "a local header");
  const auto extra_size = archive.number<std::uint16_t>(record.local + 28, "a local header");
  const auto name = archive.text(record.local + kLocalSize, name_size, "a name");
  if (name != record.name)
    archive.bad(record.local, "the entry {} has the name {} in the directory", quote_name(name),
                quote_name(record.name));
  ZipEntry entry;
  entry.name = record.name;
  entry.offset = record.local + kLocalSize + name_size + extra_size;
  entry.bytes = archive.part(entry.offset, record.size, "an entry");
  return entry;
}

ZipEntry read_entry(const Archive& archive, std::uint64_t& at) {
  archive.part(at, kEntrySize, "an entry of the directory");
  if (archive.number<std::uint32_t>(at, "an entry") != kEntrySignature)
    archive.bad(at, "not an entry of the zip directory");
  const auto field = [&](std::uint64_t offset) {
    return archive.number<std::uint16_t>(at + offset, "an entry of the directory");
  };
  const auto wide = [&](std::uint64_t offset) {
    return std::uint64_t{archive.number<std::uint32_t>(at + offset, "an entry of the directory")};
  };
  const std::uint64_t name_size = field(28), extra_size = field(30), comment_size = field(32);
  Record record{archive.text(at + kEntrySize, name_size, "a name"), wide(20), wide(24), wide(42)};
  archive.part(at + kEntrySize + name_size, extra_size, "an extra field");
  read_zip64(archive, at + kEntrySize + name_size, extra_size, record);
  if ((field(8) & kEncrypted) != 0 || field(10) != 0 || record.packed != record.size)
    fail(ErrorKind::unsupported,
         "read zip: {}: byte {}: the entry {} is {}; only stored entries are read",
         archive.origin(), at, quote_name(record.name),
         (field(8) & kEncrypted) != 0 ? "encrypted" : "compressed");
  at += kEntrySize + name_size + extra_size + comment_size;
  return locate(archive, record);
}

}  // namespace

std::vector<ZipEntry> parse_zip(std::span<const std::byte> bytes, const std::string& origin) {
  const Archive archive(bytes, origin);
  const Directory directory = find_directory(archive);
  archive.part(directory.offset, directory.size, "the directory");
  if (directory.count > directory.size / kEntrySize)
    archive.bad(directory.offset, "{} entries do not fit into a directory of {} bytes",
                directory.count, directory.size);
  std::vector<ZipEntry> entries;
  entries.reserve(directory.count);
  std::unordered_set<std::string_view, StringHash> names;
  std::uint64_t at = directory.offset;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    const std::uint64_t start = at;
    entries.push_back(read_entry(archive, at));
    if (!names.insert(entries.back().name).second)
      archive.bad(start, "the entry {} occurs twice", quote_name(entries.back().name));
  }
  return entries;
}

}  // namespace pomona::store
