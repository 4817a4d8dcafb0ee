#include "store/gguf_split.h"

#include <gtest/gtest.h>

#include "store/gguf.h"
#include "store/gguf_writer.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::store {
namespace {

using test::refused;

/// What differs between parts: two tensors in the first, one in the others.
struct PartSpec {
  std::uint16_t number;
  std::uint16_t count = 3;
  std::int32_t tensors = 4;
};

void write_part(const fs::path& path, const PartSpec& spec) {
  GgufWriter writer(path);
  if (spec.number == 0) writer.add("general.architecture", std::string_view("llama"));
  writer.add(kSplitNumber, spec.number);
  writer.add(kSplitCount, spec.count);
  writer.add(kSplitTensors, spec.tensors);
  const std::string letter(1, static_cast<char>('a' + spec.number));
  const std::vector<std::int64_t> dims = {2, 1};
  const std::vector<float> values = {static_cast<float>(spec.number), -1.0f};
  writer.declare(letter, dims, DType::f32);
  if (spec.number == 0) writer.declare("z", dims, DType::f32);
  writer.write_data(letter, std::as_bytes(std::span(values)));
  if (spec.number == 0) writer.write_data("z", std::as_bytes(std::span(values)));
  writer.commit();
}

class GgufSplitTest : public ::testing::Test {
 protected:
  GgufSplitTest() {
    for (std::uint16_t i = 0; i < 3; ++i) write(i, {i});
  }
  fs::path part(std::size_t number) const { return folder_ / gguf_part_name("m", number, 3); }
  void write(std::size_t place, const PartSpec& spec) { write_part(part(place), spec); }
  std::string open_error() {
    return refused([&] { GgufFile file(part(0)); });
  }

  test::TempFolder folder_;
};

TEST_F(GgufSplitTest, TheNameAloneTellsTheParts) {
  EXPECT_EQ(gguf_part_paths(part(1)), (std::vector{part(0), part(1), part(2)}));
  for (const char* const name :
       {"m.gguf", "m-00004-of-00003.gguf", "m-00000-of-00003.gguf", "m-0001-of-0003.gguf",
        "m-00001-of-00003.bin", "m-1e001-of-00003.gguf", "m-+0001-of-00003.gguf"})
    EXPECT_EQ(gguf_part_paths(folder_ / name), std::vector{folder_ / name});
}

TEST_F(GgufSplitTest, AllPartsAreOneModelWhicheverIsNamed) {
  for (std::size_t named = 0; named < 3; ++named) {
    const GgufFile file(part(named));
    EXPECT_EQ(file.parts(), 3u);
    EXPECT_EQ(file.path(), part(0));
    EXPECT_EQ(file.metadata().string("general.architecture"), "llama");
    ASSERT_EQ(file.tensors().size(), 4u);
    EXPECT_EQ(file.bytes(),
              fs::file_size(part(0)) + fs::file_size(part(1)) + fs::file_size(part(2)));
    EXPECT_EQ(file.mapping(file.tensor("c"))->path(), part(2));
    const TensorSource source = tensors_of(file);
    EXPECT_EQ(source.tensors()[1].name, "z");
    const Tensor c = source.at("c").tensor();
    EXPECT_EQ(c.shape(), (Shape{1, 2}));
    EXPECT_EQ(c.data<float>()[0], 2.0f);
    EXPECT_EQ(source.at("c").storage()->data, source.at("c").bytes.data());
  }
}

TEST_F(GgufSplitTest, NamesTheMissingPart) {
  fs::remove(part(1));
  EXPECT_EQ(open_error(), "not_found: read GGUF: " + part(0).string() + " is part 1 of 3, but \"" +
                              part(1).string() + "\" is missing");
}

TEST_F(GgufSplitTest, RefusesPartsOfOtherModels) {
  const std::string head = "bad_file: read GGUF: ";
  write(1, {2});
  EXPECT_EQ(open_error(), head + part(1).string() +
                              ": expected part 2 of 3 of the same model, found part 3 of 3");
  write(1, {1, 1});
  EXPECT_EQ(open_error(), head + part(1).string() +
                              ": expected part 2 of 3 of the same model, found a model of its own");
  write(1, {1, 3, 5});
  EXPECT_EQ(open_error(), head + part(1).string() +
                              ": expected part 2 of 3 of the same model, found part 2 of 3 with "
                              "other counts of tensors");
  for (std::uint16_t i = 0; i < 3; ++i) write(i, {i, 3, 5});
  EXPECT_EQ(open_error(), head + part(0).string() + ": its 3 parts hold 4 tensors, not 5");
}

TEST_F(GgufSplitTest, RefusesImpossibleNumbersAndNames) {
  write(0, {7});
  EXPECT_EQ(open_error(),
            "bad_file: key \"split.no\" of " + part(0).string() + ": part 7 of 3 cannot be");
  fs::rename(part(1), folder_ / "other.gguf");
  EXPECT_EQ(refused([&] { GgufFile file(folder_ / "other.gguf"); }),
            "bad_file: read GGUF: " + (folder_ / "other.gguf").string() +
                " is part 2 of 3, but its name does not end with -00002-of-00003.gguf, so the "
                "others cannot be found");
}

TEST_F(GgufSplitTest, RefusesATensorInTwoParts) {
  GgufWriter writer(part(2));
  writer.add(kSplitNumber, std::uint16_t{2});
  writer.add(kSplitCount, std::uint16_t{3});
  writer.add(kSplitTensors, std::int32_t{4});
  writer.declare("a", std::vector<std::int64_t>{1}, DType::f32);
  writer.write_data("a", std::vector<std::byte>(4));
  writer.commit();
  EXPECT_EQ(open_error(),
            "bad_file: read GGUF: " + part(0).string() + ": two parts hold the tensor \"a\"");
}

}  // namespace
}  // namespace pomona::store
