#include "store/safetensors_writer.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/file.h"
#include "store/checkpoint.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::store {
namespace {

using test::refused;

fs::path golden_file(const std::string& name) { return golden::path_of("checkpoint/" + name); }

/// A tensor of bytes 0, 1, 2 ...
TensorOutput counting(std::string name, std::string_view type, std::vector<std::int64_t> shape) {
  TensorOutput tensor{std::move(name), *element_type(type), std::move(shape), {}};
  tensor.write = [size = tensor.size()](const ByteSink& sink) {
    for (std::uint64_t i = 0; i < size; ++i) {
      const auto byte = static_cast<std::byte>(i);
      sink({&byte, 1});
    }
  };
  return tensor;
}

TEST(SafetensorsWriter, WritesTheBytesOfTheReferenceWriter) {
  const test::TempFolder folder;
  const SafetensorsFile types = open_safetensors(golden_file("types.safetensors"));
  write_safetensors(folder / "types.safetensors", outputs_of(types.tensors), types.metadata);
  EXPECT_EQ(read_file(folder / "types.safetensors"), read_file(golden_file("types.safetensors")));
}

TEST(SafetensorsWriter, WritesShardsAsTheReferenceDoes) {
  const test::TempFolder folder;
  const TensorSource shards = open_checkpoint(golden_file("model.safetensors.index.json"));
  const auto names =
      write_safetensors_folder(folder.path(), outputs_of(shards), {{"format", "pt"}}, 16);
  EXPECT_EQ(names, (std::vector<std::string>{"model-00001-of-00002.safetensors",
                                             "model-00002-of-00002.safetensors"}));
  for (const std::string name :
       {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
        "model.safetensors.index.json"})
    EXPECT_EQ(read_file(folder / name), read_file(golden_file(name))) << name;
  EXPECT_EQ(write_safetensors_folder(folder.path(), outputs_of(shards), {}, 32),
            std::vector<std::string>{"model.safetensors"});
}

TEST(SafetensorsWriter, StridedTensorsAreWrittenDensely) {
  const test::TempFolder folder;
  const TensorSource views = open_checkpoint(golden_file("views.pt"));
  write_safetensors(folder / "v.safetensors", outputs_of(views), {});
  const TensorSource back = open_safetensors(folder / "v.safetensors").tensors;
  ASSERT_EQ(back.tensors().size(), views.tensors().size());
  for (const StoredTensor& tensor : views.tensors()) {
    const Tensor wanted = tensor.decoded(), found = back.at(tensor.name).decoded();
    ASSERT_EQ(found.shape(), wanted.shape());
    EXPECT_EQ(std::memcmp(found.raw(), wanted.raw(), static_cast<std::size_t>(wanted.bytes())), 0)
        << tensor.name;
  }
}

TEST(SafetensorsWriter, AlignsWhatComesInPieces) {
  const test::TempFolder folder;
  const std::vector<TensorOutput> tensors = {counting("a", "U8", {3}), counting("b", "F64", {2}),
                                             counting("c", "F16", {}), counting("d", "F32", {0})};
  write_safetensors(folder / "x.safetensors", tensors, {});
  const TensorSource back = open_safetensors(folder / "x.safetensors").tensors;
  for (const StoredTensor& tensor : back.tensors()) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) %
                  static_cast<std::size_t>(tensor.type.bytes),
              0u)
        << tensor.name;
    for (std::size_t i = 0; i < tensor.bytes.size(); ++i)
      EXPECT_EQ(tensor.bytes[i], static_cast<std::byte>(i));
  }
  EXPECT_EQ(back.tensors().front().name, "b");
  EXPECT_EQ(back.at("c").shape, std::vector<std::int64_t>{});
  EXPECT_EQ(back.at("d").tensor().elements(), 0);
}

TEST(SafetensorsWriter, RefusesWhatTheFormatCannotHold) {
  const test::TempFolder folder;
  const fs::path path = folder / "x.safetensors";
  const std::string head = "bad_argument: write safetensors: " + path.string() + ": ";
  const auto error = [&](const std::vector<TensorOutput>& tensors) {
    return refused([&] { write_safetensors(path, tensors, {}); });
  };
  EXPECT_EQ(error({counting("a", "U8", {1}), counting("a", "U8", {1})}),
            head + "the name \"a\" twice or reserved");
  EXPECT_EQ(error({counting("__metadata__", "U8", {1})}),
            head + "the name \"__metadata__\" twice or reserved");
  EXPECT_EQ(error({counting("q", "Q8_0", {32})}),
            head + "tensor \"q\" holds Q8_0, which the format does not have");
  EXPECT_EQ(error({counting("\xFF", "U8", {1})}),
            head + "a tensor's name is not valid UTF-8 at byte 0");
  EXPECT_EQ(test::refused([&] { write_safetensors(path, {}, {{"a", "1"}, {"a", "2"}}); }),
            head + "the metadata \"a\" twice");
  EXPECT_EQ(test::refused([&] { write_safetensors(path, {}, {{"a", "\xFF"}}); }),
            head + "the metadata is not valid UTF-8 at byte 1");
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(TensorOutput, ChecksSizes) {
  const auto size_error = [](std::string_view type, std::vector<std::int64_t> shape) {
    return refused([&] { counting("t", type, shape); });
  };
  EXPECT_EQ(counting("t", "Q8_0", {3, 64}).size(), 3u * 2 * 34);
  EXPECT_EQ(size_error("Q8_0", {64, 3}),
            "bad_argument: write tensor \"t\": rows of 3 values do not divide into Q8_0 blocks of "
            "32");
  EXPECT_EQ(size_error("F32", {-1}),
            "bad_argument: write tensor \"t\": the shape (-1) is negative or overflows");
  EXPECT_EQ(size_error("U8", {std::int64_t{1} << 62, 4}),
            "bad_argument: write tensor \"t\": the shape (4611686018427387904, 4) is negative or "
            "overflows");
  EXPECT_EQ(size_error("F32", {std::int64_t{1} << 62}),
            "bad_argument: write tensor \"t\": the size of F32 (4611686018427387904) overflows");
  TensorOutput wrong = counting("t", "U8", {4});
  wrong.shape = {5};
  const ByteSink sink = [](std::span<const std::byte>) {};
  EXPECT_EQ(refused([&] { write_values(wrong, sink); }),
            "bad_argument: write tensor \"t\": 4 bytes instead of 5");
  wrong.shape = {3};
  EXPECT_EQ(refused([&] { write_values(wrong, sink); }),
            "bad_argument: write tensor \"t\": more than its 3 bytes");
}

TEST(TensorOutput, DealsOutInOrder) {
  const std::vector<TensorOutput> tensors = {counting("a", "U8", {10}), counting("b", "U8", {10}),
                                             counting("c", "U8", {30}), counting("d", "U8", {1})};
  EXPECT_EQ(deal_out(tensors, 20), (std::vector<std::size_t>{2, 3, 4}));
  EXPECT_EQ(deal_out(tensors, 51), (std::vector<std::size_t>{4}));
  EXPECT_EQ(deal_out(tensors, 1), (std::vector<std::size_t>{1, 2, 3, 4}));
  EXPECT_EQ(deal_out({}, 1), (std::vector<std::size_t>{0}));
}

}  // namespace
}  // namespace pomona::store
