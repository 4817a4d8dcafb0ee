#include "store/gguf_output.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "store/gguf_split.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::store {
namespace {

class GgufOutputTest : public ::testing::Test {
 protected:
  fs::path golden_file(const std::string& name) const {
    return golden::path_of("checkpoint/" + name);
  }
  test::TempFolder folder_;
};

TEST_F(GgufOutputTest, ARewrittenFileIsTheSameBytes) {
  std::vector<fs::path> files = {golden_file("whole.gguf"),
                                 golden::path_of("llama_tiny_q4_1.gguf")};
  for (const char* seed : {"types", "tensors", "alignment", "vocabulary"})
    files.push_back(fs::path(POMONA_SOURCE_DIR) / "tests/corpus/gguf" /
                    fmt::format("valid_{}.gguf", seed));
  for (const fs::path& path : files) {
    SCOPED_TRACE(path);
    const GgufFile file(path);
    EXPECT_EQ(write_gguf(folder_ / "x.gguf", output_of(file)),
              std::vector<fs::path>{folder_ / "x.gguf"});
    EXPECT_TRUE(read_file(folder_ / "x.gguf") == read_file(path));
  }
}

TEST_F(GgufOutputTest, SplitModelsAreJoinedAndSplitAgain) {
  const GgufFile parts(golden_file("split-00001-of-00003.gguf"));
  ASSERT_EQ(parts.parts(), 3u);
  write_gguf(folder_ / "one.gguf", output_of(parts));
  EXPECT_TRUE(read_file(folder_ / "one.gguf") == read_file(golden_file("whole.gguf")));
  // Tensors of 12, 24, 36, 48 and 60 bytes.
  const GgufFile one(folder_ / "one.gguf");
  GgufOutput output = output_of(one);
  output.set("general.alignment", std::uint32_t{64});
  const auto paths = write_gguf(folder_ / "again.gguf", output, 100);
  ASSERT_EQ(paths.size(), 3u);
  EXPECT_EQ(paths[1].filename(), "again-00002-of-00003.gguf");
  const GgufFile again(paths[2]);
  EXPECT_EQ(again.metadata().unsigned_integer(kSplitTensors), 5u);
  EXPECT_EQ(again.alignment(), 64u);
  std::vector<std::size_t> holders;
  for (const GgufTensor& tensor : again.tensors()) {
    holders.push_back(tensor.part);
    EXPECT_EQ(tensor.offset % 64, 0u);
    EXPECT_TRUE(std::ranges::equal(tensor.bytes, one.tensor(tensor.name).bytes));
  }
  EXPECT_EQ(holders, (std::vector<std::size_t>{0, 0, 0, 1, 2}));
}

TEST_F(GgufOutputTest, ReplacesTensorsAndMetadata) {
  const GgufFile file(golden_file("whole.gguf"));
  GgufOutput output = output_of(file);
  output.set("general.alignment", std::uint32_t{256});
  output.set("new", -1.5f);
  output.unset("a.flag");
  GgufArray outer, inner;
  inner.type = outer.type = GgufType::array;
  inner.arrays = {gguf_array(std::vector<std::string_view>{"deep"})};
  inner.count = 1;
  outer.arrays = {inner, GgufArray{}};
  outer.count = 2;
  output.set("nested", outer);
  Tensor replaced = Tensor::zeros({2, 32}, DType::q8_0);
  replaced.raw()[2] = std::byte{5};
  *output.find("t.1") = output_of("t.1", replaced);
  EXPECT_EQ(output.find("t.9"), nullptr);
  write_gguf(folder_ / "x.gguf", output);

  const GgufFile back(folder_ / "x.gguf");
  EXPECT_EQ(back.alignment(), 256u);
  EXPECT_EQ(back.metadata().entries()[1].first, "a.texts");
  EXPECT_EQ(back.metadata().real("new"), -1.5);
  EXPECT_EQ(back.metadata().find("a.flag"), nullptr);
  EXPECT_EQ(std::get<GgufArray>(*back.metadata().find("nested")).arrays[0].arrays[0].strings[0],
            "deep");
  EXPECT_EQ(back.tensor("t.1").dtype, DType::q8_0);
  EXPECT_EQ(back.tensor("t.1").shape(), (std::vector<std::int64_t>{2, 32}));
  EXPECT_EQ(back.tensor("t.1").bytes[2], std::byte{5});
  EXPECT_TRUE(std::ranges::equal(back.tensor("t.2").bytes, file.tensor("t.2").bytes));
  EXPECT_EQ(back.tensor("t.2").offset % 256, 0u);
}

TEST_F(GgufOutputTest, RefusesWhatGgufCannotHoldAndLeavesNothing) {
  const fs::path path = folder_ / "x.gguf";
  const std::string head = "bad_argument: write GGUF: " + path.string() + ": tensor ";
  const auto error = [&](std::string name, std::string_view type, std::vector<std::int64_t> shape) {
    GgufOutput output;
    output.tensors = {
        {std::move(name), *element_type(type), std::move(shape), [](const ByteSink&) {}}};
    return test::refused([&] { write_gguf(path, output); });
  };
  const std::string limits = ": names have up to 63 bytes, shapes up to 4 sizes above 0";
  const std::string longest(63, 'n');
  EXPECT_EQ(error(longest + "n", "F32", {1}), head + "\"" + longest + "n\" (1)" + limits);
  EXPECT_EQ(error("t", "F32", {1, 1, 1, 1, 1}), head + "\"t\" (1, 1, 1, 1, 1)" + limits);
  EXPECT_EQ(error("t", "F32", {0}), head + "\"t\" (0)" + limits);
  EXPECT_EQ(error("t", "BOOL", {1}), head + "\"t\" holds BOOL, which the format does not have");
  EXPECT_EQ(error("t", "F32", {1}), "bad_argument: write tensor \"t\": 0 bytes instead of 4");
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

}  // namespace
}  // namespace pomona::store
