#include "store/gguf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "store/gguf_writer.h"
#include "tests/store/gguf_exercise.h"
#include "tests/support/corpus.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::store {
namespace {

using test::refused;

std::span<const std::byte> bytes_of_text(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Encodes by hand, so that the reader is not only checked against the writer.
struct Raw {
  std::string bytes;
  Raw& text(std::string_view value) {
    bytes += value;
    return *this;
  }
  Raw& u8(std::uint8_t value) { return put(value); }
  Raw& u32(std::uint32_t value) { return put(value); }
  Raw& u64(std::uint64_t value) { return put(value); }
  Raw& string(std::string_view value) { return u64(value.size()).text(value); }
  Raw& head(std::uint64_t tensors, std::uint64_t pairs) {
    return text("GGUF").u32(3).u64(tensors).u64(pairs);
  }
  Raw& tensor(std::string_view name, const std::vector<std::uint64_t>& dims, std::uint32_t type,
              std::uint64_t offset) {
    string(name).u32(static_cast<std::uint32_t>(dims.size()));
    for (const std::uint64_t dim : dims) u64(dim);
    return u32(type).u64(offset);
  }
  Raw& pad() {
    bytes.resize((bytes.size() + 31) / 32 * 32);
    return *this;
  }
  Raw& zeros(std::size_t count) {
    bytes.append(count, '\0');
    return *this;
  }
  template <class T>
  Raw& put(T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
};

std::string parse_error(const Raw& raw) {
  return refused([&] { parse_gguf(bytes_of_text(raw.bytes), "x.gguf"); });
}

std::string bad(std::string_view rest) {
  return "bad_file: read GGUF: x.gguf: byte " + std::string(rest);
}

Raw small() {
  Raw raw;
  raw.head(2, 2);
  raw.string("general.architecture").u32(8).string("llama");
  raw.string("n").u32(4).u32(7);
  raw.tensor("a", {3, 2}, 0, 0).tensor("b", {32}, 3, 32);
  raw.pad().zeros(32).zeros(20);
  return raw;
}

TEST(Gguf, ReadsAHandMadeFile) {
  const Raw raw = small();
  const GgufContents contents = parse_gguf(bytes_of_text(raw.bytes), "x.gguf");
  EXPECT_EQ(contents.version, 3u);
  EXPECT_EQ(contents.metadata.string("general.architecture"), "llama");
  EXPECT_EQ(contents.metadata.unsigned_integer("n"), 7u);
  ASSERT_EQ(contents.tensors.size(), 2u);
  EXPECT_EQ(contents.tensors[0].dims, (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(contents.tensors[0].shape(), (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(contents.tensors[0].bytes.size(), 24u);
  EXPECT_EQ(contents.tensors[1].dtype, DType::q4_1);
  EXPECT_EQ(contents.tensors[1].offset, contents.data_offset + 32);
  EXPECT_EQ(contents.tensors[1].bytes.data(),
            bytes_of_text(raw.bytes).data() + raw.bytes.size() - 20);
}

TEST(Gguf, EveryCutIsAnErrorThatNamesTheFile) {
  const Raw whole = small();
  for (std::size_t size = 0; size < whole.bytes.size(); ++size) {
    Raw cut;
    cut.bytes = whole.bytes.substr(0, size);
    const std::string message = parse_error(cut);
    EXPECT_TRUE(message.starts_with(bad(""))) << size << message;
  }
}

TEST(Gguf, RefusesOtherFiles) {
  EXPECT_EQ(parse_error(Raw().text("PK\x03\x04").zeros(100)),
            bad("0: not a GGUF file (it does not start with \"GGUF\")"));
  Raw old = small();
  old.bytes[4] = 1;
  EXPECT_EQ(parse_error(old),
            "unsupported: read GGUF: x.gguf: version 1; versions 2 and 3 are read");
  Raw swapped = small();
  std::memcpy(swapped.bytes.data() + 4, "\0\0\0\3", 4);
  EXPECT_EQ(parse_error(swapped),
            "unsupported: read GGUF: x.gguf: a big-endian file; convert it to little-endian");
}

TEST(Gguf, RefusesImpossibleCounts) {
  EXPECT_EQ(parse_error(Raw().head(~0ull, 0).zeros(100)),
            bad("8: the number of tensors is 18446744073709551615, more than the file can hold"));
  EXPECT_EQ(parse_error(Raw().head(0, 9).zeros(100)),
            bad("16: the number of metadata pairs is 9, more than the file can hold"));
  EXPECT_EQ(parse_error(Raw().head(0, 1).u64(~0ull).zeros(20)),
            bad("32: the file ends inside a metadata key (18446744073709551615 bytes wanted, 20 "
                "left)"));
  EXPECT_EQ(parse_error(Raw().head(0, 1).string("k").u32(9).u32(10).u64(1ull << 61).zeros(16)),
            bad("41: an array's length is 2305843009213693952, more than the file can hold"));
}

TEST(Gguf, RefusesBadMetadata) {
  EXPECT_EQ(parse_error(Raw().head(0, 2).string("k").u32(7).u8(1).string("k").u32(7).u8(0)),
            bad("38: the key \"k\" occurs twice"));
  EXPECT_EQ(parse_error(Raw().head(0, 1).string("k").u32(13).u32(0)),
            bad("33: a metadata value's type is 13, not a GGUF value type"));
  EXPECT_EQ(parse_error(Raw().head(0, 1).string("k").u32(7).u8(2)),
            bad("37: a bool is 2, not 0 or 1"));
  EXPECT_EQ(parse_error(Raw().head(0, 1).string("").u32(4).u32(2)),
            bad("24: a metadata key is empty"));
  EXPECT_EQ(parse_error(Raw().head(0, 1).string("\xFF\n").u32(4).u32(2)),
            bad("24: a metadata key \"\\xFF\\x0A\" is not UTF-8"));
  Raw deep;
  deep.head(0, 1).string("k").u32(9);
  for (int i = 0; i < 17; ++i) deep.u32(9).u64(1);
  deep.u32(0).u64(0);
  EXPECT_EQ(parse_error(deep), bad("217: arrays are nested more than 16 deep"));
}

TEST(Gguf, RefusesBadTensors) {
  const auto one = [](const std::vector<std::uint64_t>& dims, std::uint32_t type,
                      std::uint64_t offset) {
    return parse_error(Raw().head(1, 0).tensor("t", dims, type, offset).pad().zeros(64));
  };
  EXPECT_EQ(one({16}, 0, 0), "nothing");
  EXPECT_EQ(one({17}, 0, 0),
            bad("24: tensor \"t\" lies outside the file: 68 bytes at offset 0, 64 bytes of data"));
  EXPECT_EQ(one({1}, 0, ~31ull),
            bad("24: tensor \"t\" lies outside the file: 4 bytes at offset 18446744073709551584, "
                "64 bytes of data"));
  EXPECT_EQ(one({1}, 0, 4),
            bad("49: tensor \"t\": its offset 4 is not a multiple of the alignment 32"));
  EXPECT_EQ(one({0}, 0, 0), bad("37: tensor \"t\": dimension 0 is 0"));
  EXPECT_EQ(one({1ull << 62, 4}, 0, 0), bad("45: tensor \"t\": its number of values overflows"));
  EXPECT_EQ(one({1ull << 61}, 0, 0), bad("24: tensor \"t\": its size overflows"));
  EXPECT_EQ(one({1, 1, 1, 1, 1}, 0, 0), bad("33: tensor \"t\" has 5 dimensions, more than 4"));
  EXPECT_EQ(one({31}, 3, 0),
            bad("24: tensor \"t\": rows of 31 values do not divide into Q4_1 blocks of 32"));
}

TEST(Gguf, RefusesOverlapAndRepeatedNames) {
  EXPECT_EQ(
      parse_error(Raw().head(2, 0).tensor("a", {9}, 0, 0).tensor("b", {1}, 0, 32).pad().zeros(64)),
      bad("57: tensors \"a\" and \"b\" overlap"));
  EXPECT_EQ(
      parse_error(Raw().head(2, 0).tensor("a", {1}, 0, 0).tensor("b", {1}, 0, 0).pad().zeros(64)),
      bad("57: tensors \"a\" and \"b\" overlap"));
  EXPECT_EQ(
      parse_error(Raw().head(2, 0).tensor("a", {8}, 0, 0).tensor("a", {8}, 0, 32).pad().zeros(64)),
      bad("57: the tensor \"a\" occurs twice"));
}

TEST(Gguf, ChecksTheAlignment) {
  const auto with = [](std::uint32_t alignment) {
    Raw raw;
    raw.head(1, 1).string("general.alignment").u32(4).u32(alignment).tensor("t", {4}, 0, 64);
    return parse_error(raw.zeros(256));
  };
  const std::string head = "bad_file: key \"general.alignment\" of x.gguf: ";
  EXPECT_EQ(with(64), "nothing");
  EXPECT_EQ(with(0), head + "0 is not a power of two up to 1073741824");
  EXPECT_EQ(with(48), head + "48 is not a power of two up to 1073741824");
}

TEST(GgufMetadata, GettersSayWhatIsWrong) {
  GgufMetadata metadata("m.gguf");
  metadata.add("llama.block_count", std::string_view("thirty"));
  metadata.add("negative", std::int32_t{-1});
  metadata.add("list", gguf_array(std::vector<std::string_view>{"a", "b"}));
  const std::string wrong =
      "bad_file: key \"llama.block_count\" of m.gguf: expected an unsigned integer, found string";
  EXPECT_EQ(refused([&] { metadata.unsigned_integer("llama.block_count"); }), wrong);
  EXPECT_EQ(refused([&] { metadata.unsigned_integer("llama.block_count", 3); }), wrong);
  EXPECT_EQ(refused([&] { metadata.unsigned_integer("negative"); }),
            "bad_file: key \"negative\" of m.gguf: expected an unsigned integer, found -1");
  EXPECT_EQ(refused([&] { metadata.string("none"); }), "bad_file: key \"none\" of m.gguf: missing");
  EXPECT_EQ(metadata.unsigned_integer("none", 5), 5u);
  EXPECT_EQ(metadata.real("negative"), -1.0);
  EXPECT_EQ(metadata.strings("list")[1], "b");
}

TEST(GgufWriter, WhatIsWrittenIsRead) {
  const test::TempFolder folder;
  const std::vector<std::int16_t> shorts = {-3, 4};
  const std::vector<float> reals = {0.5f, -2.0f};
  GgufArray nested;
  nested.type = GgufType::array;
  nested.arrays = {gguf_array(std::span<const std::int16_t>(shorts)),
                   gguf_array(std::vector<std::string_view>{"x"})};
  nested.count = 2;
  const std::vector<std::byte> data(40, std::byte{7});
  {
    GgufWriter writer(folder / "w.gguf");
    writer.add("general.alignment", std::uint32_t{128});
    writer.add("u64", std::uint64_t{1} << 63);
    writer.add("i8", std::int8_t{-5});
    writer.add("flag", true);
    writer.add("pi", 3.25);
    writer.add("reals", gguf_array(std::span<const float>(reals)));
    writer.add("nested", nested);
    writer.declare("a", std::vector<std::int64_t>{5, 2}, DType::f32);
    writer.declare("b", std::vector<std::int64_t>{32, 2}, DType::q4_1);
    writer.declare("strange", std::vector<std::int64_t>{7}, 199, 40);
    writer.write_data("a", std::span(data).first(15));
    writer.write_data("a", std::span(data).last(25));
    writer.write_data("b", data);
    writer.write_data("strange", data);
    EXPECT_FALSE(fs::exists(folder / "w.gguf"));
    writer.commit();
  }
  const GgufFile file(folder / "w.gguf");
  EXPECT_EQ(file.alignment(), 128u);
  const GgufMetadata& metadata = file.metadata();
  ASSERT_EQ(metadata.entries().size(), 7u);
  EXPECT_EQ(metadata.entries()[2].first, "i8");
  EXPECT_EQ(metadata.unsigned_integer("u64"), std::uint64_t{1} << 63);
  EXPECT_EQ(metadata.real("i8"), -5);
  EXPECT_TRUE(metadata.boolean("flag"));
  EXPECT_EQ(metadata.real("pi"), 3.25);
  const auto packed = std::get<GgufArray>(*metadata.find("reals")).packed;
  EXPECT_TRUE(std::ranges::equal(packed, std::as_bytes(std::span(reals))));
  const auto& back = std::get<GgufArray>(*metadata.find("nested"));
  EXPECT_EQ(back.arrays.at(0).packed.size(), 4u);
  EXPECT_EQ(back.arrays.at(1).strings.at(0), "x");
  EXPECT_EQ(file.tensor("b").offset % 128, 0u);
  EXPECT_TRUE(std::equal(data.begin(), data.end(), file.tensor("b").bytes.begin()));
  EXPECT_EQ(file.find("strange")->dims.at(0), 7);
  EXPECT_TRUE(refused([&] {
                file.tensor("strange");
              }).ends_with("tensor \"strange\" has element type 199, which is not read"));
  EXPECT_TRUE(refused([&] { file.tensor("no"); }).ends_with("w.gguf: no tensor \"no\""));
}

TEST(GgufWriter, RefusesDataOutOfOrderAndLeavesNothing) {
  const test::TempFolder folder;
  const std::vector<std::byte> data(8);
  {
    GgufWriter writer(folder / "w.gguf");
    writer.add("k", std::uint8_t{1});
    writer.declare("a", std::vector<std::int64_t>{2}, DType::f32);
    writer.declare("b", std::vector<std::int64_t>{1}, DType::f32);
    EXPECT_TRUE(refused([&] {
                  writer.add("k", std::uint8_t{1});
                }).ends_with("key \"k\" is empty or added twice"));
    EXPECT_TRUE(refused([&] {
                  writer.write_data("b", data);
                }).ends_with("data of tensor \"b\" came when \"a\" was expected"));
    writer.write_data("a", data);
    EXPECT_TRUE(refused([&] {
                  writer.write_data("b", data);
                }).ends_with("tensor \"b\" got more than its 4 bytes"));
    EXPECT_TRUE(
        refused([&] { writer.commit(); }).ends_with("the data of tensor \"b\" is not complete"));
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(GgufCorpus, ReplaysWithoutACrash) {
  test::replay_corpus("gguf", 4,
                      [](const fs::path& path) { return exercise_gguf(MappedFile(path).bytes()); });
}

}  // namespace
}  // namespace pomona::store
