#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <iterator>
#include <tuple>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona {
namespace {

using test::refused;

TEST(Philox, KnownAnswers) {
  // Random123's published known-answer vectors for philox4x32-10.
  const std::array<std::uint32_t, 4> zeros = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  EXPECT_EQ(philox(0, 0, 0), zeros);
  const std::array<std::uint32_t, 4> ones = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  EXPECT_EQ(philox(~0ull, ~0ull, ~0ull), ones);
}

TEST(Random, StaysInRange) {
  const Random random(7, 1);
  double sum = 0;
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const double u = random.uniform(i);
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    ASSERT_LT(random.below(i, 10), 10u);
    sum += u;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 5 * 0.2887 / 100);  // five standard errors of a uniform mean
}

TEST(Sha256, KnownAnswer) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Utf8, FindsTheFirstBadByte) {
  EXPECT_EQ(find_invalid_utf8("a\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80"), std::nullopt);
  EXPECT_EQ(find_invalid_utf8("ab\xC0\x80"), 2u);         // overlong
  EXPECT_EQ(find_invalid_utf8("\xED\xA0\x80"), 0u);       // surrogate
  EXPECT_EQ(find_invalid_utf8("x\xF4\x90\x80\x80"), 1u);  // above U+10FFFF
  EXPECT_EQ(find_invalid_utf8("\xE4\xB8"), 0u);           // cut
  EXPECT_EQ(incomplete_utf8_suffix("a\xE4\xB8"), 2u);
  EXPECT_EQ(incomplete_utf8_suffix("a\xE4\xB8\xAD"), 0u);
  EXPECT_EQ(incomplete_utf8_suffix("\xF0"), 1u);
  EXPECT_EQ(incomplete_utf8_suffix("\x80\x80"), 0u);
}

TEST(Utf8, CheckNamesWhatAndWhere) {
  EXPECT_NO_THROW(check_utf8("caf\u00e9", "the word"));
  EXPECT_EQ(refused([] { check_utf8("caf\xe9", "the word"); }),
            "bad_argument: the word is not valid UTF-8 at byte 3");
}

// contract.md: 0 done; 1 internal; 2 bad_argument, bad_shape; 3 bad_file, not_found; 4 unsupported;
// 5 exhausted; 6 network, io; 7 gate; 130 cancelled.
TEST(ErrorKind, ExitCodesAreTheContracts) {
  const std::vector<std::tuple<ErrorKind, std::string_view, int>> kContract = {
      {ErrorKind::internal, "internal", 1},
      {ErrorKind::bad_argument, "bad_argument", 2},
      {ErrorKind::bad_shape, "bad_shape", 2},
      {ErrorKind::bad_file, "bad_file", 3},
      {ErrorKind::not_found, "not_found", 3},
      {ErrorKind::unsupported, "unsupported", 4},
      {ErrorKind::exhausted, "exhausted", 5},
      {ErrorKind::network, "network", 6},
      {ErrorKind::io, "io", 6},
      {ErrorKind::gate, "gate", 7},
      {ErrorKind::cancelled, "cancelled", 130}};
  for (const auto& [kind, name, code] : kContract) {
    EXPECT_EQ(name_of(kind), name);
    EXPECT_EQ(exit_code(kind), code) << name;
  }
}

TEST(Nearest, SuggestsOnlyWhatIsNear) {
  const std::vector<std::string> keys = {"metrics", "limit", "max_new_tokens"};
  EXPECT_EQ(nearest("metric", keys), "metrics");
  EXPECT_EQ(nearest("zzzzzzzz", keys), std::nullopt);
}

TEST(Human, ReadsWell) {
  EXPECT_EQ(human_bytes(92871040), "92.9 MB");
  EXPECT_EQ(human_bytes(999), "999 bytes");
  EXPECT_EQ(human_duration(0.85), "850 ms");
  EXPECT_EQ(human_duration(185), "3 min 05 s");
}

TEST(AtomicFile, ReplacesNothingButFiles) {
  const test::TempFolder folder;
  const std::filesystem::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::filesystem::create_directory(folder / "sub");
  for (const auto& path : {pipe, folder / "sub"}) {
    EXPECT_EQ(test::error_of([&] { write_file(path, "text"); }).kind(), ErrorKind::bad_argument)
        << path;
  }
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const fs::path folder = fs::path(testing::TempDir()) / "atomic_file_test";
  fs::remove_all(folder);
  fs::create_directories(folder);
  {
    AtomicFile file(folder / "a.txt");
    file.write("half");
  }
  EXPECT_TRUE(fs::is_empty(folder));
  write_file(folder / "a.txt", "whole");
  EXPECT_EQ(read_file(folder / "a.txt"), "whole");
}

TEST(AtomicFile, WhatAKilledOneLeftIsFound) {
  const test::TempFolder folder;
  for (const char* name : {"a.partial-12-1", "a", "ab.partial-12-1", "a.partial"})
    write_file(folder / name, "x");
  EXPECT_TRUE(is_leftover(folder / "a.partial-12-1"));
  EXPECT_FALSE(is_leftover(folder / "a"));
  remove_leftovers(folder / "a");
  EXPECT_FALSE(fs::exists(folder / "a.partial-12-1"));
  for (const char* name : {"a", "ab.partial-12-1", "a.partial"})
    EXPECT_TRUE(fs::exists(folder / name)) << name;
  remove_leftovers(folder / "no folder/a");  // nothing to remove is no fault
}

TEST(AtomicFile, ReplacesNothingButRegularFiles) {
  const fs::path pipe = fs::path(testing::TempDir()) / "atomic_file_test_pipe";
  fs::remove(pipe);
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(refused([&] { write_file(pipe, "text"); }),
            "bad_argument: write: " + pipe.string() + " is not a regular file");
  fs::remove(pipe);
}

/// The permission bits of a file.
unsigned mode_of(const fs::path& path) {
  struct stat status = {};
  ::stat(path.c_str(), &status);
  return status.st_mode & 0777u;
}

TEST(AtomicFile, NobodyMayReadMoreThanBefore) {
  const test::TempFolder folder;
  const mode_t before = ::umask(027);
  write_file(folder / "new", "a");
  write_file(folder / "private", "a");
  ::chmod((folder / "private").c_str(), 0600);
  write_file(folder / "private", "b");
  write_file(folder / "shared", "a");
  ::chmod((folder / "shared").c_str(), 0666);
  write_file(folder / "shared", "b");
  ::umask(before);
  EXPECT_EQ(mode_of(folder / "new"), 0640u);
  EXPECT_EQ(mode_of(folder / "private"), 0600u);
  EXPECT_EQ(mode_of(folder / "shared"), 0666u);
  EXPECT_EQ(read_file(folder / "private"), "b");
}

TEST(File, NamesTheMissingFile) {
  EXPECT_EQ(refused([] { read_file("/no/such/file"); }),
            "not_found: read: /no/such/file: No such file or directory");
}

TEST(File, AFolderThatCannotBeMadeIsTheFault) {
  const test::TempFolder folder;
  write_file(folder / "file", "");
  const std::string deep = (folder / "file/a").string();
  EXPECT_EQ(refused([&] { write_file(folder / "file/a/b.txt", "text"); }),
            "io: make folder: " + deep + ": Not a directory");
  EXPECT_EQ(refused([&] { make_folder(deep); }), "io: make folder: " + deep + ": Not a directory");
  make_folder(folder / "x/y");
  make_folder(folder / "x/y");
  EXPECT_TRUE(is_there(folder / "x/y"));
  EXPECT_FALSE(is_there(deep));
}

// A link to itself is refused to everybody, root too, as a folder without permission is to others.
TEST(File, WhatCannotBeLookedAtIsNoMissingFile) {
  const test::TempFolder folder;
  fs::create_symlink("loop", folder / "loop");
  EXPECT_EQ(refused([&] { is_there(folder / "loop"); }),
            "io: look at: " + (folder / "loop").string() + ": Too many levels of symbolic links");
}

TEST(Json, NamesTheByte) {
  EXPECT_EQ(refused([] { parse_json("{\"a\": }", "x.json"); }),
            "bad_file: x.json: not valid JSON at byte 7");
}

TEST(Json, ANumberBeyondDoubleIsAnError) {
  EXPECT_EQ(parse_json("[1e308]", "x.json")[0], 1e308);
  EXPECT_EQ(refused([] { parse_json("[1e999]", "x.json"); }),
            "bad_file: x.json: a number is too large");
}

}  // namespace
}  // namespace pomona
