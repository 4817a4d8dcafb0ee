#include <gtest/gtest.h>

#include <sstream>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "store/gguf.h"
#include "store/gguf_tokenizer.h"
#include "tests/support/real_model.h"

namespace pomona::text {
namespace {

/// The inputs of an .inp file, which a marker on a line of its own separates.
std::vector<std::string> read_inputs(const fs::path& path) {
  constexpr std::string_view kMarker = "\n__ggml_vocab_test__\n";
  const std::string all = read_file(path);
  std::vector<std::string> inputs;
  std::string_view rest = all;
  for (;;) {
    const std::size_t at = rest.find(kMarker);
    if (at == std::string_view::npos) return inputs;
    inputs.emplace_back(rest.substr(0, at));
    rest.remove_prefix(at + kMarker.size());
  }
}

std::vector<TokenId> read_ids(std::string_view line) {
  std::istringstream stream{std::string(line)};
  std::vector<TokenId> ids;
  for (TokenId id = 0; stream >> id;) ids.push_back(id);
  return ids;
}

class TokenizerOracle : public testing::TestWithParam<const char*> {};

TEST_P(TokenizerOracle, EqualsTheReference) {
  const auto folder = test::shared_data("oracles/tokenizers");
  if (!folder) GTEST_SKIP() << "no reference tokenisers beside the repository";
  const fs::path path = *folder / GetParam();
  const store::GgufFile file(path);
  const auto tokenizer = store::read_tokenizer(file.metadata());
  const std::vector<std::string> inputs = read_inputs(path.string() + ".inp");
  const std::string expected_text = read_file(path.string() + ".out");
  const std::vector<std::string_view> expected = split(expected_text, '\n');
  ASSERT_GE(inputs.size(), 40u);
  ASSERT_GE(expected.size(), inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto ids = tokenizer->encode(inputs[i]);
    EXPECT_EQ(ids, read_ids(expected[i])) << "input " << i << ": " << inputs[i];
    // What WordPiece leaves out - case, accents, kinds of space - does not come back.
    if (!tokenizer->find("[CLS]")) {
      EXPECT_EQ(tokenizer->decode(ids), inputs[i]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, TokenizerOracle,
                         testing::Values("ggml-vocab-gpt-2.gguf", "ggml-vocab-falcon.gguf",
                                         "ggml-vocab-deepseek-coder.gguf",
                                         "ggml-vocab-llama-spm.gguf", "ggml-vocab-phi-3.gguf",
                                         "ggml-vocab-bert-bge.gguf"));

TEST(TokenizerFull, SmolLmEqualsTheReference) {
  const auto model = test::real_model();
  if (!model) GTEST_SKIP() << test::kNoRealModel;
  const store::GgufFile file(*model);
  const auto tokenizer = store::read_tokenizer(file.metadata());
  const Json golden = read_json(POMONA_SOURCE_DIR "/tests/golden/tokenizer_smollm.json");
  ASSERT_GE(golden["cases"].size(), 60u);
  for (const Json& item : golden["cases"]) {
    const auto text = item["text"].get<std::string>();
    const auto ids = item["ids"].get<std::vector<TokenId>>();
    EXPECT_EQ(tokenizer->encode(text), ids) << text;
    const auto parsed = item.contains("parsed") ? item["parsed"].get<std::vector<TokenId>>() : ids;
    EXPECT_EQ(tokenizer->encode(text, {.parse_special = true}), parsed) << text;
    EXPECT_EQ(tokenizer->decode(ids, true), item["decoded"].get<std::string>());
  }
}

}  // namespace
}  // namespace pomona::text
