// The reference vocabularies in the other kind of file and back: the same tokens of the reference's
// own texts.
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/text.h"
#include "convert/tokenizers.h"
#include "store/gguf.h"
#include "store/gguf_tokenizer.h"
#include "store/hub_folder.h"
#include "tests/support/real_model.h"
#include "tests/support/temp_folder.h"

namespace pomona::convert {
namespace {

/// Writes the tokeniser of a GGUF file as a folder.
void write_folder(const store::GgufFile& file, const fs::path& folder) {
  const auto text = model::open_model_text(file.path());
  const HubTokenizerFiles files = hub_tokenizer(file.metadata(), text, 2048);
  write_file(folder / store::kTokenizerFile, files.tokenizer);
  write_file(folder / store::kTokenizerConfigFile, files.config.dump());
  write_file(folder / store::kGenerationConfigFile, files.generation.dump());
}

/// Files differ in whether they call <unk> and placeholders control tokens.
text::TokenKind kind_of(const text::Tokenizer& tokenizer, text::TokenId id) {
  const text::TokenKind kind = tokenizer.kind(id);
  return kind == text::TokenKind::unknown ? text::TokenKind::control : kind;
}

class Vocabulary : public testing::TestWithParam<const char*> {};

TEST_P(Vocabulary, StaysTheSameThereAndBack) {
  const auto folder = test::shared_data("oracles/tokenizers");
  if (!folder) GTEST_SKIP() << "no reference tokenisers beside the repository";
  const fs::path path = *folder / GetParam();
  const store::GgufFile file(path);
  const model::ModelText before = model::open_model_text(path);
  const test::TempFolder made;
  write_folder(file, made.path());
  const model::ModelText hub = model::open_model_text(made.path());

  const TokenCheck check = compare_tokens(before, hub);
  EXPECT_EQ(check.texts, before.chat_template ? 258 : 257);
  EXPECT_EQ(check.different, 0) << check.example;
  EXPECT_EQ(check.special, std::vector<std::string>());
  const std::string inputs = read_file(path.string() + ".inp");
  EXPECT_EQ(hub.tokenizer->encode(inputs), before.tokenizer->encode(inputs));

  GgufKeys keys;
  const auto rows = static_cast<std::int64_t>(before.tokenizer->vocabulary_size());
  write_gguf_tokenizer(made.path(), hub, rows, keys);
  const store::GgufMetadata again = keys.metadata("again");
  const auto after = store::read_tokenizer(again);
  EXPECT_EQ(after->encode(inputs), before.tokenizer->encode(inputs));
  for (std::int64_t id = 0; id < rows; ++id) {
    const auto token = static_cast<text::TokenId>(id);
    EXPECT_EQ(after->token_text(token), before.tokenizer->token_text(token)) << id;
    EXPECT_EQ(kind_of(*after, token), kind_of(*before.tokenizer, token)) << id;
    EXPECT_EQ(after->ends_generation(token), before.tokenizer->ends_generation(token)) << id;
  }
  EXPECT_EQ(after->special().bos, before.tokenizer->special().bos);
  EXPECT_EQ(after->special().add_bos, before.tokenizer->special().add_bos);
}

INSTANTIATE_TEST_SUITE_P(All, Vocabulary,
                         testing::Values("ggml-vocab-gpt-2.gguf", "ggml-vocab-falcon.gguf",
                                         "ggml-vocab-deepseek-coder.gguf",
                                         "ggml-vocab-llama-spm.gguf", "ggml-vocab-phi-3.gguf"));

}  // namespace
}  // namespace pomona::convert
