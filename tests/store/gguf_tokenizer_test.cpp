#include "store/gguf_tokenizer.h"

#include <gtest/gtest.h>

#include "store/gguf.h"
#include "tests/store/gguf_tokenizer_exercise.h"
#include "tests/support/corpus.h"
#include "tests/support/refused.h"

namespace pomona::store {
namespace {

/// The kind and message with which the vocabulary is refused, or "nothing".
std::string refusal(const GgufMetadata& metadata) {
  return test::refused([&] { read_tokenizer(metadata); });
}

const std::vector<std::string_view> kTokens = {"a", "b", "ab", "<|im_end|>"};
const std::vector<std::int32_t> kKinds = {1, 1, 1, 3};

/// A small good file's metadata without the keys in `leave_out`.
GgufMetadata metadata_without(std::vector<std::string_view> leave_out) {
  GgufMetadata metadata("v.gguf");
  const auto add = [&](std::string_view key, GgufValue value) {
    if (std::find(leave_out.begin(), leave_out.end(), key) == leave_out.end())
      metadata.add(key, std::move(value));
  };
  add("tokenizer.ggml.model", std::string_view("gpt2"));
  add("tokenizer.ggml.pre", std::string_view("gpt-2"));
  add("tokenizer.ggml.tokens", gguf_array(kTokens));
  add("tokenizer.ggml.token_type", gguf_array(std::span<const std::int32_t>(kKinds)));
  add("tokenizer.ggml.merges", gguf_array(std::vector<std::string_view>{"a b"}));
  add("tokenizer.ggml.eos_token_id", std::uint32_t{3});
  return metadata;
}

TEST(GgufTokenizer, ReadsAVocabulary) {
  const auto tokenizer = read_tokenizer(metadata_without({}));
  EXPECT_EQ(tokenizer->encode("abba"), (std::vector<text::TokenId>{2, 1, 0}));
  EXPECT_EQ(tokenizer->special().eos, 3);
  EXPECT_TRUE(tokenizer->ends_generation(3));
  EXPECT_EQ(tokenizer->vocabulary_size(), 4u);
  EXPECT_EQ(read_chat_template(metadata_without({})), std::nullopt);
}

/// The ids of "a" with BOS where the file with these pairs wants it.
std::vector<text::TokenId> with_special(
    std::string_view pretokenizer,
    const std::vector<std::pair<std::string_view, GgufValue>>& pairs) {
  GgufMetadata metadata = metadata_without({"tokenizer.ggml.pre"});
  metadata.add("tokenizer.ggml.pre", pretokenizer);
  metadata.add("tokenizer.ggml.bos_token_id", std::uint32_t{3});
  for (const auto& [key, value] : pairs) metadata.add(key, value);
  return read_tokenizer(metadata)->encode("a", {.add_special = true});
}

TEST(GgufTokenizer, BosIsThePretokenizersDefaultUnlessTheFileSaysOtherwise) {
  const std::vector<text::TokenId> bare = {0}, bos = {3, 0};
  constexpr std::string_view kKey = "tokenizer.ggml.add_bos_token";
  for (const std::string_view llama3 : {"llama-bpe", "llama3", "llama-v3"}) {
    EXPECT_EQ(with_special(llama3, {}), bos) << llama3;
    EXPECT_EQ(with_special(llama3, {{kKey, false}}), bare) << llama3;
  }
  GgufMetadata without_bos = metadata_without({"tokenizer.ggml.pre"});
  without_bos.add("tokenizer.ggml.pre", std::string_view("llama-bpe"));
  EXPECT_EQ(read_tokenizer(without_bos)->encode("a", {.add_special = true}), bare);
  for (const std::string_view other : {"gpt-2", "smollm", "dbrx", "qwen2"}) {
    EXPECT_EQ(with_special(other, {}), bare) << other;
    EXPECT_EQ(with_special(other, {{kKey, true}}), bos) << other;
  }
}

TEST(GgufTokenizer, SaysWhatIsWrong) {
  EXPECT_EQ(refusal(metadata_without({})), "nothing");
  EXPECT_EQ(refusal(metadata_without({"tokenizer.ggml.tokens"})),
            "bad_file: key \"tokenizer.ggml.tokens\" of v.gguf: missing");
  EXPECT_EQ(refusal(metadata_without({"tokenizer.ggml.pre"})),
            "bad_file: key \"tokenizer.ggml.pre\" of v.gguf: missing");

  GgufMetadata other = metadata_without({"tokenizer.ggml.model"});
  other.add("tokenizer.ggml.model", std::string_view("rwkv"));
  EXPECT_EQ(refusal(other),
            "unsupported: tokenizer of v.gguf: vocabularies of the kind \"rwkv\" are not read, "
            "only \"gpt2\" (byte-level BPE), \"llama\" and \"t5\" (SentencePiece), and \"bert\" "
            "(WordPiece)");

  GgufMetadata numbers = metadata_without({"tokenizer.ggml.tokens"});
  numbers.add("tokenizer.ggml.tokens", gguf_array(std::span<const std::int32_t>(kKinds)));
  EXPECT_EQ(
      refusal(numbers),
      "bad_file: key \"tokenizer.ggml.tokens\" of v.gguf: expected an array of strings, found "
      "array of i32");

  const std::vector<std::int32_t> odd = {1, 1, 7, 3};
  GgufMetadata kinds = metadata_without({"tokenizer.ggml.token_type"});
  kinds.add("tokenizer.ggml.token_type", gguf_array(std::span<const std::int32_t>(odd)));
  EXPECT_EQ(
      refusal(kinds),
      "bad_file: key \"tokenizer.ggml.token_type\" of v.gguf: token 2 has the unknown type 7");

  GgufMetadata eos = metadata_without({"tokenizer.ggml.eos_token_id"});
  eos.add("tokenizer.ggml.eos_token_id", std::uint32_t{4});
  EXPECT_EQ(refusal(eos),
            "bad_file: tokenizer of v.gguf: special token 4 is not one of the 4 tokens");
}

TEST(GgufTokenizer, ReadsTheTinyModelsVocabulary) {
  const GgufFile file(POMONA_SOURCE_DIR "/tests/golden/llama_tiny.gguf");
  const auto tokenizer = read_tokenizer(file.metadata());
  EXPECT_EQ(tokenizer->vocabulary_size(), 283u);
  const std::string text = "Every token of it comes back.";
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
  EXPECT_TRUE(read_chat_template(file.metadata()).has_value());
}

TEST(GgufTokenizerCorpus, ReplaysWithoutACrash) {
  test::replay_corpus("gguf_tokenizer", 5, [](const fs::path& path) {
    return exercise_tokenizer(MappedFile(path).bytes());
  });
}

}  // namespace
}  // namespace pomona::store
