// Loading model files: a small one of every storage format runs, and each way to be wrong is told
// in a sentence.
#include "model/model.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "base/text.h"
#include "store/gguf.h"
#include "tests/model/load_exercise.h"
#include "tests/support/corpus.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_file.h"

namespace pomona::model {
namespace {

using test::refused;
using test::TinyFile;

/// The kind and message with which the file is refused, its folder left out; "nothing" if it loads.
std::string refusal(const TinyFile& file) {
  const test::TempFolder folder;
  file.write(folder / "m.gguf");
  return replace_all(refused([&] { load_model(folder / "m.gguf"); }), folder.path().string() + "/",
                     "");
}

TEST(LoadModel, ReadsASmallFileOfEveryFormat) {
  const test::TempFolder folder;
  TinyFile().write(folder / "m.gguf");
  const Model model = load_model(folder / "m.gguf");
  const LmShape& shape = model.lm->shape();
  EXPECT_EQ((std::vector{shape.V, shape.D, shape.L, shape.H, shape.G, shape.E, shape.F}),
            (std::vector<std::int64_t>{5, 32, 1, 2, 1, 16, 32}));
  EXPECT_EQ(shape.context, 64);
  EXPECT_EQ(model.name, "m");
  EXPECT_EQ(model.parameters, 5u * 32 + 3 * 32 + 2 * 32 * 32 + 2 * 16 * 32 + 3 * 32 * 32);
  EXPECT_EQ(model.types, (std::map<std::string, int>{
                             {"BF16", 1}, {"F16", 2}, {"F32", 3}, {"Q4_1", 3}, {"Q8_0", 2}}));
  EXPECT_EQ(model.end_tokens, std::vector<std::int32_t>{4});
  EXPECT_EQ(model.chat_template, nullptr);
  EXPECT_TRUE(exercise_model_file(folder / "m.gguf"));
}

TEST(LoadModel, ABrokenTemplateMattersToChatsAlone) {
  const test::TempFolder folder;
  TinyFile file;
  file.set("tokenizer.chat_template", std::string_view("{% if %}"));
  file.write(folder / "m.gguf");
  const Model model = load_model(folder / "m.gguf");
  EXPECT_TRUE(exercise_model_file(folder / "m.gguf"));
  const std::string error = refused([&] { model.chat_prompt({{"user", "a"}}); });
  EXPECT_TRUE(error.starts_with("bad_file: template ")) << error;
  EXPECT_TRUE(
      error.ends_with("m.gguf: chat template: line 1: unexpected the end of the tag, "
                      "expected an expression"))
      << error;
}

struct Fault {
  std::string_view name;
  std::function<void(TinyFile&)> change;
  std::string_view error;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

/// A change of one key.
template <class T>
std::function<void(TinyFile&)> key(std::string_view name, T value) {
  return [=](TinyFile& file) { file.set(name, value); };
}
std::function<void(TinyFile&)> key(std::string_view name, const char* value) {
  return key(name, std::string_view(value));
}
std::function<void(TinyFile&)> no_key(std::string_view name) {
  return [=](TinyFile& file) { file.unset(name); };
}
/// A change of one tensor, its shape slowest first.
std::function<void(TinyFile&)> tensor(std::string_view name, const std::vector<std::int64_t>& shape,
                                      DType dtype = DType::f32) {
  return [=](TinyFile& file) { file.tensor(name, shape, dtype); };
}
std::function<void(TinyFile&)> no_tensor(std::string_view name) {
  return [=](TinyFile& file) { file.drop_tensor(name); };
}
std::function<void(TinyFile&)> strings(std::string_view name,
                                       const std::vector<std::string_view>& texts) {
  return [=](TinyFile& file) { file.set(name, store::gguf_array(texts)); };
}

class LoadModelFault : public ::testing::TestWithParam<Fault> {};

TEST_P(LoadModelFault, IsToldInASentence) {
  TinyFile file;
  GetParam().change(file);
  EXPECT_EQ(refusal(file), GetParam().error);
}

const auto kName = [](const auto& one) { return std::string(one.param.name); };

INSTANTIATE_TEST_SUITE_P(
    Attention, LoadModelFault,
    ::testing::Values(
        Fault{
            "both_ways", key("llama.attention.causal", false),
            "unsupported: m.gguf: llama.attention.causal is false, only models that look back are "
            "supported"},
        Fault{
            "scaled", key("llama.rope.scaling.attn_factor", 1.5f),
            "unsupported: m.gguf: llama.rope.scaling.attn_factor is 1.5, without yarn or longrope "
            "only 1 is supported"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Architecture, LoadModelFault,
    ::testing::Values(
        Fault{"none", no_key("general.architecture"),
              "bad_file: key \"general.architecture\" of m.gguf: missing"},
        Fault{"number", key("general.architecture", std::uint32_t{1}),
              "bad_file: key \"general.architecture\" of m.gguf: expected a string, found u32"},
        Fault{"experts", key("llama.expert_count", std::uint32_t{8}),
              "unsupported: m.gguf: a mixture of 8 experts is not supported"},
        Fault{"rope_scaling", key("llama.rope.scaling.type", "dynamic"),
              "unsupported: m.gguf: rope: the type \"dynamic\" is not known; known are default, "
              "linear, llama3, yarn, longrope"},
        Fault{"rope_scaling_factor", key("llama.rope.scaling.factor", -4.0f),
              "bad_file: m.gguf: llama.rope.scaling.factor is -4, expected a number above 0"},
        Fault{"yarn_in_part",
              [](TinyFile& file) {
                file.set("llama.rope.scaling.type", std::string_view("yarn"));
                file.set("llama.rope.scaling.yarn_ext_factor", 0.5f);
              },
              "unsupported: m.gguf: llama.rope.scaling.yarn_ext_factor is 0.5, only 1 is "
              "supported"},
        Fault{"rope_factors_of_another_size", tensor("rope_freqs.weight", {16}),
              "bad_file: m.gguf: tensor rope_freqs.weight has the shape (16), the metadata asks "
              "for (8)"},
        Fault{"negative_rope_factors", tensor("rope_freqs.weight", {8}),
              "bad_file: m.gguf: rope_freqs.weight has -1, expected numbers above 0"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Sizes, LoadModelFault,
    ::testing::Values(
        Fault{"no_width", no_key("llama.embedding_length"),
              "bad_file: m.gguf: llama.embedding_length is missing, expected a whole number"},
        Fault{"width_as_text", key("llama.embedding_length", "wide"),
              "bad_file: m.gguf: llama.embedding_length is \"wide\", expected a whole number"},
        Fault{"other_width", key("llama.embedding_length", std::uint32_t{64}),
              "bad_file: m.gguf: tensor token_embd.weight has the shape (5, 32), the metadata asks "
              "for (5, 64)"},
        Fault{"huge_width", key("llama.embedding_length", std::uint64_t{1} << 63),
              "bad_file: m.gguf: llama.embedding_length is 9223372036854775808, expected 1 to "
              "16777216"},
        Fault{"no_layers", key("llama.block_count", std::uint32_t{0}),
              "bad_file: m.gguf: llama.block_count is 0, expected 1 to 16777216"},
        Fault{"negative_layers", key("llama.block_count", std::int32_t{-1}),
              "bad_file: m.gguf: llama.block_count is -1, expected 1 to 16777216"},
        Fault{"more_layers", key("llama.block_count", std::uint32_t{2}),
              "bad_file: m.gguf: no tensor \"blk.1.attn_norm.weight\" among its 11; there is "
              "\"blk.0.attn_norm.weight\""},
        Fault{"more_layers_than_tensors", key("llama.block_count", std::uint32_t{16777216}),
              "bad_file: m.gguf: llama.block_count is 16777216, but there are 11 tensors in all"},
        Fault{"no_feed_forward", key("llama.feed_forward_length", std::uint32_t{0}),
              "bad_file: m.gguf: llama.feed_forward_length is 0, expected 1 to 16777216"},
        Fault{"no_context", key("llama.context_length", std::uint32_t{0}),
              "bad_file: m.gguf: llama.context_length is 0, expected 1 to 16777216"},
        Fault{"no_eps", no_key("llama.attention.layer_norm_rms_epsilon"),
              "bad_file: m.gguf: llama.attention.layer_norm_rms_epsilon is missing, expected a "
              "number above 0"},
        Fault{"eps_zero", key("llama.attention.layer_norm_rms_epsilon", 0.0f),
              "bad_file: m.gguf: llama.attention.layer_norm_rms_epsilon is 0, expected a number "
              "above 0"},
        Fault{
            "eps_nan",
            key("llama.attention.layer_norm_rms_epsilon", std::numeric_limits<float>::quiet_NaN()),
            "bad_file: m.gguf: llama.attention.layer_norm_rms_epsilon is nan, expected a number "
            "above 0"},
        Fault{"theta_negative", key("llama.rope.freq_base", -1.0f),
              "bad_file: m.gguf: llama.rope.freq_base is -1, expected a number above 0"},
        Fault{"theta_infinite",
              key("llama.rope.freq_base", std::numeric_limits<double>::infinity()),
              "bad_file: m.gguf: llama.rope.freq_base is inf, expected a number above 0"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Heads, LoadModelFault,
    ::testing::Values(
        Fault{"none", key("llama.attention.head_count", std::uint32_t{0}),
              "bad_file: m.gguf: llama.attention.head_count is 0, expected 1 to 16777216"},
        Fault{"not_dividing_the_width",
              [](TinyFile& file) {
                file.set("llama.attention.head_count", std::uint32_t{3});
                file.set("llama.attention.head_count_kv", std::uint32_t{3});
              },
              "bad_file: m.gguf: llama.embedding_length is 32, expected a multiple of "
              "llama.attention.head_count, which is 3"},
        Fault{"more_than_the_width", key("llama.attention.head_count", std::uint32_t{64}),
              "bad_file: m.gguf: llama.embedding_length is 32, expected a multiple of "
              "llama.attention.head_count, which is 64"},
        Fault{"not_dividing_into_groups", key("llama.attention.head_count_kv", std::uint32_t{3}),
              "bad_file: m.gguf: llama.attention.head_count is 2, expected a multiple of "
              "llama.attention.head_count_kv, which is 3"},
        Fault{"no_groups", key("llama.attention.head_count_kv", std::uint8_t{0}),
              "bad_file: m.gguf: llama.attention.head_count_kv is 0, expected 1 to 16777216"},
        Fault{"more_groups_than_stored", no_key("llama.attention.head_count_kv"),
              "bad_file: m.gguf: tensor blk.0.attn_k.weight has the shape (16, 32), the metadata "
              "asks for (32, 32)"},
        Fault{"odd_size", key("llama.attention.key_length", std::uint32_t{15}),
              "unsupported: m.gguf: heads of 15 values are not supported, only multiples of 16 up "
              "to 256"},
        Fault{"large_size", key("llama.attention.key_length", std::uint32_t{272}),
              "unsupported: m.gguf: heads of 272 values are not supported, only multiples of 16 up "
              "to 256"},
        Fault{"size_zero", key("llama.attention.key_length", std::uint32_t{0}),
              "bad_file: m.gguf: llama.attention.key_length is 0, expected 1 to 16777216"},
        Fault{"size_that_wraps_to_minus_16", key("llama.attention.key_length", ~std::uint64_t{15}),
              "bad_file: m.gguf: llama.attention.key_length is 18446744073709551600, expected 1 to "
              "16777216"},
        Fault{
            "other_size_of_values", key("llama.attention.value_length", std::uint32_t{32}),
            "unsupported: m.gguf: llama.attention.value_length is 32, only the size of the heads, "
            "16, is supported"},
        Fault{
            "partly_rotated", key("llama.rope.dimension_count", std::uint32_t{8}),
            "unsupported: m.gguf: llama.rope.dimension_count is 8, only the size of the heads, 16, "
            "is supported"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Tensors, LoadModelFault,
    ::testing::Values(
        Fault{"no_embedding", no_tensor("token_embd.weight"),
              "bad_file: m.gguf: no tensor \"token_embd.weight\" among its 10"},
        Fault{"no_norm", no_tensor("output_norm.weight"),
              "bad_file: m.gguf: no tensor \"output_norm.weight\" among its 10; there is "
              "\"blk.0.attn_norm.weight\""},
        Fault{"transposed", tensor("blk.0.attn_k.weight", {32, 16}),
              "bad_file: m.gguf: tensor blk.0.attn_k.weight has the shape (32, 16), the metadata "
              "asks for (16, 32)"},
        Fault{"vector_for_a_matrix", tensor("token_embd.weight", {5}),
              "bad_file: m.gguf: tensor token_embd.weight has the shape (5), the metadata asks for "
              "(5, 32)"},
        Fault{
            "matrix_for_a_vector", tensor("output_norm.weight", {1, 32}),
            "bad_file: m.gguf: tensor output_norm.weight has the shape (1, 32), the metadata asks "
            "for (32)"},
        Fault{"four_dimensions", tensor("blk.0.attn_v.weight", {1, 1, 16, 32}),
              "bad_file: m.gguf: tensor blk.0.attn_v.weight has the shape (1, 1, 16, 32), the "
              "metadata asks for (16, 32)"},
        Fault{"integers", tensor("blk.0.ffn_up.weight", {32, 32}, DType::i32),
              "unsupported: m.gguf: tensor blk.0.ffn_up.weight holds I32, which weights cannot be"},
        Fault{"doubles", tensor("blk.0.ffn_norm.weight", {32}, DType::f64),
              "unsupported: m.gguf: tensor blk.0.ffn_norm.weight holds F64, which weights cannot "
              "be"},
        Fault{
            "unread_type",
            [](TinyFile& file) {
              file.tensor_of_type("blk.0.attn_q.weight", {32, 32}, 9, 32 * 36);
            },
            "unsupported: m.gguf: tensor blk.0.attn_q.weight holds Q8_1, which weights cannot be"},
        Fault{"small_head", tensor("output.weight", {4, 32}),
              "bad_file: m.gguf: tensor output.weight has the shape (4, 32), the metadata asks for "
              "(5, 32)"},
        Fault{"bias", tensor("blk.0.attn_q.bias", {32}),
              "bad_file: m.gguf: no tensor \"blk.0.attn_k.bias\" among its 12; there is "
              "\"blk.0.attn_q.bias\""},
        Fault{"norm_of_heads", tensor("blk.0.attn_q_norm.weight", {16}),
              "unsupported: m.gguf: tensor \"blk.0.attn_q_norm.weight\" has no place in this "
              "model; leaving it out would change the answers"},
        Fault{"another_layer", tensor("blk.1.attn_norm.weight", {32}),
              "unsupported: m.gguf: tensor \"blk.1.attn_norm.weight\" has no place in this model; "
              "leaving it out would change the answers"},
        Fault{"hostile_name", tensor("a\nb", {1}),
              "unsupported: m.gguf: tensor \"a\\x0Ab\" has no place in this model; leaving it out "
              "would change the answers"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Vocabulary, LoadModelFault,
    ::testing::Values(
        Fault{"none", no_key("tokenizer.ggml.tokens"),
              "bad_file: key \"tokenizer.ggml.tokens\" of m.gguf: missing"},
        Fault{"empty", strings("tokenizer.ggml.tokens", {}),
              "bad_file: tokenizer of m.gguf: no tokens"},
        Fault{"other_kind", key("tokenizer.ggml.model", "rwkv"),
              "unsupported: tokenizer of m.gguf: vocabularies of the kind \"rwkv\" are not read, "
              "only \"gpt2\" (byte-level BPE), \"llama\" and \"t5\" (SentencePiece), and \"bert\" "
              "(WordPiece)"},
        Fault{"larger_than_the_embedding", tensor("token_embd.weight", {4, 32}),
              "bad_file: m.gguf: 5 tokens in the vocabulary, 4 in the embedding"},
        Fault{"types_of_other_tokens", strings("tokenizer.ggml.tokens", {"a", "b", "ab"}),
              "bad_file: tokenizer of m.gguf: 3 tokens but 5 token types"},
        Fault{"end_beyond_it", key("tokenizer.ggml.eos_token_id", std::uint32_t{5}),
              "bad_file: tokenizer of m.gguf: special token 5 is not one of the 5 tokens"},
        Fault{"start_far_beyond_it", key("tokenizer.ggml.bos_token_id", std::uint32_t{4294967295}),
              "bad_file: key \"tokenizer.ggml.bos_token_id\" of m.gguf: 4294967295 is no token"},
        Fault{"negative_padding", key("tokenizer.ggml.padding_token_id", std::int32_t{-1}),
              "bad_file: key \"tokenizer.ggml.padding_token_id\" of m.gguf: expected an unsigned "
              "integer, found -1"},
        Fault{"merge_of_unknown_tokens", strings("tokenizer.ggml.merges", {"a b", "b c"}),
              "bad_file: tokenizer of m.gguf: merge 1 has a token that is not in the vocabulary"}),
    kName);

TEST(LoadCorpus, ReplaysWithoutACrash) { test::replay_corpus("load", 3, exercise_model_file); }

}  // namespace
}  // namespace pomona::model
