// Hand-made safetensors files and their corrupt twins.
#include "store/safetensors.h"

#include <gtest/gtest.h>

#include "tests/store/safetensors_exercise.h"
#include "tests/support/corpus.h"
#include "tests/support/refused.h"

namespace pomona::store {
namespace {

/// A file with this header (padded with spaces as the format allows) and `data` bytes of values.
std::string file_of(const std::string& header, std::size_t data, std::uint64_t added_length = 0) {
  const std::uint64_t length = header.size() + added_length;
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header +
         std::string(data, '\1');
}

std::string parse_error(const std::string& file) {
  const std::string message =
      test::refused([&] { parse_safetensors(std::as_bytes(std::span(file)), "x"); });
  const std::string head = "bad_file: read safetensors: x: ";
  return message.starts_with(head) ? message.substr(head.size()) : message;
}

constexpr std::string_view kGood =
    R"({"__metadata__":{"a":"b"},"t":{"dtype":"F32","shape":[2,1],"data_offsets":[2,10]},"u":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}  )";

TEST(Safetensors, ReadsAHandMadeFile) {
  const std::string file = file_of(std::string(kGood), 10);
  const SafetensorsContents contents = parse_safetensors(std::as_bytes(std::span(file)), "x");
  EXPECT_EQ(contents.metadata, (TextPairs{{"a", "b"}}));
  ASSERT_EQ(contents.tensors.size(), 2u);
  EXPECT_EQ(contents.tensors[0].name, "u");
  EXPECT_EQ(contents.tensors[1].shape, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(contents.tensors[1].bytes.size(), 8u);
  EXPECT_EQ(reinterpret_cast<const char*>(contents.tensors[1].bytes.data() + 8),
            file.data() + file.size());
}

TEST(Safetensors, EveryCutIsAnErrorThatNamesTheFile) {
  const std::string whole = file_of(std::string(kGood), 10);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(parse_error(whole.substr(0, size)), "nothing") << size;
}

struct Twin {
  std::string_view header;
  std::size_t data;
  std::string_view error;
};

TEST(Safetensors, SaysWhatIsWrongWithItsTwins) {
  const Twin twins[] = {
      {"{}", 0, "nothing"},
      {"{}   ", 0, "nothing"},
      {R"({"t":{"dtype":"I64","shape":[],"data_offsets":[0,8]}})", 8, "nothing"},
      {R"({"t":{"dtype":"I64","shape":[0,7],"data_offsets":[0,0]}})", 0, "nothing"},
      {R"({"t":{"dtype":"F4","shape":[6],"data_offsets":[0,3]}})", 3, "nothing"},
      {"", 0, "byte 8: the header does not start with {"},
      {" {}", 0, "byte 8: the header does not start with {"},
      {"[]", 0, "byte 8: the header does not start with {"},
      {R"({"t":})", 0, "byte 13: the header is not valid JSON"},
      {"{}}", 0, "byte 10: the header is not valid JSON"},
      {std::string_view("{}\0", 3), 0, "byte 10: the header is not valid JSON"},
      {"{\"\xFF\":{}}", 0, "byte 10: the header is not valid JSON"},
      {R"({"t":7})", 0, "header: a number at the key \"t\""},
      {R"({"t":[]})", 0, "header: an array at the key \"t\""},
      {R"({"t":null})", 0, "header: null at the key \"t\""},
      {R"({"t":{}})", 0, "tensor \"t\": the key \"dtype\" is missing"},
      {R"({"t":{"dtype":"F32","shape":[]}})", 0,
       "tensor \"t\": the key \"data_offsets\" is missing"},
      {R"({"t":{"dtype":"F32","dtype":"F32"}})", 0, "tensor \"t\": the key \"dtype\" occurs twice"},
      {R"({"t":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"t":{}})", 1,
       "header: the key \"t\" occurs twice"},
      {R"({"t":{"stride":[1]}})", 0, "tensor \"t\": an unknown key \"stride\""},
      {R"({"t":{"dtype":7}})", 0, "tensor \"t\": a number at the key \"dtype\""},
      {R"({"t":{"shape":[-1]}})", 0, "tensor \"t\": a negative number at the key \"shape\""},
      {R"({"t":{"shape":[1.5]}})", 0, "tensor \"t\": a fraction at the key \"shape\""},
      {R"({"t":{"shape":[[1]]}})", 0, "tensor \"t\": an array at the key \"shape\""},
      {R"({"t":{"data_offsets":[0]}})", 0,
       "tensor \"t\": \"data_offsets\" has one number, not two"},
      {R"({"t":{"data_offsets":[0,1,2]}})", 0,
       "tensor \"t\": a number at the key \"data_offsets\""},
      {R"({"__metadata__":{"a":1}})", 0, "__metadata__: a number at the key \"a\""},
      {R"({"__metadata__":{"a":{}}})", 0, "__metadata__: an object at the key \"a\""},
      {R"({"t":{"dtype":"Q4_1","shape":[32],"data_offsets":[0,20]}})", 20,
       "unsupported: read safetensors: x: tensor \"t\" has the element type \"Q4_1\""},
      {R"({"t":{"dtype":"F4","shape":[5],"data_offsets":[0,3]}})", 3,
       "tensor \"t\": 5 values do not fill whole bytes of F4"},
      {R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}})", 8,
       "tensor \"t\": its values at 0 to 9 lie outside the 8 bytes of data that begin at byte 62"},
      {R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8,
       "tensor \"t\": its values at 8 to 0 lie outside the 8 bytes of data that begin at byte 62"},
      {R"({"t":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8,
       "tensor \"t\": F32 (3) takes 12 bytes, but its values at 0 to 8 have 8"},
      {R"({"t":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
       "tensor \"t\": its number of values overflows"},
      {R"({"t":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}})", 0,
       "tensor \"t\": its number of values overflows"},
      {R"({"t":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,0]}})", 0,
       "tensor \"t\": its number of values overflows"},
      {R"({"t":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0,
       "tensor \"t\": its size overflows"},
      {R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2,
       "tensor \"t\": its values begin at 1, those before it end at 0"},
      {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
       3, "tensor \"b\": its values begin at 1, those before it end at 2"},
      {R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 3,
       "byte 62: 2 bytes of data belong to no tensor"},
  };
  for (const Twin& twin : twins)
    EXPECT_EQ(parse_error(file_of(std::string(twin.header), twin.data)), twin.error) << twin.header;
}

TEST(Safetensors, ChecksTheHeadersLength) {
  EXPECT_EQ(parse_error("short"), "byte 0: the file has 5 bytes, too few for the header's length");
  EXPECT_EQ(parse_error(file_of("{}", 0, 1)), "byte 8: the header takes 3 bytes, 2 are left");
  EXPECT_EQ(parse_error(file_of("{}", 0, 99'999'998)),
            "byte 8: the header takes 100000000 bytes, 2 are left");
  EXPECT_EQ(parse_error(file_of("{}", 0, 99'999'999)),
            "byte 0: the header's length is 100000001, more than 100000000: not a safetensors "
            "file");
}

TEST(Safetensors, DeepJsonIsNoDanger) {
  std::string deep = R"({"t":)";
  deep += std::string(1 << 20, '[');
  EXPECT_EQ(parse_error(file_of(deep, 0)), "header: an array at the key \"t\"");
}

TEST(SafetensorsCorpus, ReplaysWithoutACrash) {
  test::replay_corpus("safetensors", 3, [](const fs::path& path) {
    return exercise_safetensors(MappedFile(path).bytes());
  });
}

}  // namespace
}  // namespace pomona::store
