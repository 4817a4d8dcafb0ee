#include "store/zip.h"

#include <gtest/gtest.h>

#include "tests/store/zip_builder.h"
#include "tests/support/refused.h"

namespace pomona::store {
namespace {

using test::ZipBuilder;

std::string parse_error(const std::string& bytes) {
  const std::string message =
      test::refused([&] { parse_zip(std::as_bytes(std::span(bytes)), "x"); });
  const std::string head = "bad_file: read zip: x: ";
  return message.starts_with(head) ? message.substr(head.size()) : message;
}

/// The archive with `value` in place of the bytes at `at`, from the end if negative.
std::string changed(std::string bytes, std::ptrdiff_t at, const std::string& value) {
  const auto place = static_cast<std::size_t>(at < 0 ? std::ssize(bytes) + at : at);
  return bytes.replace(place, value.size(), value);
}

/// Local header at 0, data "abc" at 31, directory at 34 (46 + 1 bytes), end at 81.
ZipBuilder one() { return ZipBuilder().add("f", "abc"); }

TEST(Zip, ReadsStoredEntries) {
  const std::string bytes = ZipBuilder().add("a/b", "hello").add("c", "").bytes();
  const auto entries = parse_zip(std::as_bytes(std::span(bytes)), "x");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "a/b");
  EXPECT_EQ(entries[0].offset, 33u);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(entries[0].bytes.data()), 5), "hello");
  EXPECT_EQ(entries[1].bytes.size(), 0u);
}

TEST(Zip, ACommentMayFollow) {
  const std::string bytes = changed(one().bytes(), -2, ZipBuilder::number<2>(5)) + "PK\5\6x";
  EXPECT_EQ(parse_error(bytes), "nothing");
}

TEST(Zip, SaysWhatIsWrong) {
  EXPECT_EQ(parse_error(""), "byte 0: no end of a zip directory: not a zip file, or cut short");
  EXPECT_EQ(parse_error(one().add("f", "").bytes()), "byte 112: the entry \"f\" occurs twice");
  ZipBuilder other = one();
  other.local_name = "g";
  EXPECT_EQ(parse_error(other.bytes()),
            "byte 0: the entry \"g\" has the name \"f\" in the directory");
  ZipBuilder packed = one(), secret = one();
  packed.method = 8;
  secret.flags = 1;
  EXPECT_EQ(parse_error(packed.bytes()),
            "unsupported: read zip: x: byte 34: the entry \"f\" is compressed; only stored entries "
            "are read");
  EXPECT_EQ(parse_error(secret.bytes()),
            "unsupported: read zip: x: byte 34: the entry \"f\" is encrypted; only stored entries "
            "are read");
  const std::string good = one().bytes();
  EXPECT_EQ(parse_error(changed(good, -6, ZipBuilder::number<4>(0x7FFFFFFF))),
            "byte 2147483647: the directory of 47 bytes reaches beyond the file's 103");
  EXPECT_EQ(parse_error(changed(good, -6, ZipBuilder::number<4>(0xFFFFFFFF))),
            "byte 81: the zip64 locator is missing");
  EXPECT_EQ(parse_error(changed(good, -12, ZipBuilder::number<2>(2))),
            "byte 34: 2 entries do not fit into a directory of 47 bytes");
  EXPECT_EQ(parse_error(changed(good, -18, ZipBuilder::number<2>(1))),
            "byte 81: an archive in several files");
  EXPECT_EQ(parse_error(changed(good, 34, "XX")), "byte 34: not an entry of the zip directory");
  EXPECT_EQ(parse_error(changed(good, 34 + 42, ZipBuilder::number<4>(1))),
            "byte 1: no local header for \"f\"");
  const std::string size = ZipBuilder::number<4>(99);
  EXPECT_EQ(parse_error(changed(good, 34 + 20, size + size)),
            "byte 31: an entry of 99 bytes reaches beyond the file's 103");
}

}  // namespace
}  // namespace pomona::store
