#include "store/tokenizer_json.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "store/hub_tokenizer.h"
#include "tests/store/tokenizer_json_exercise.h"
#include "tests/support/corpus.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"
#include "text/bert.h"

namespace pomona::store {
namespace {

using Ids = std::vector<text::TokenId>;

/// A small tokenizer.json with `changes` merged into it (RFC 7396).
Json small(const Json& changes = Json::object()) {
  Json json = Json::parse(R"({
    "normalizer": {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "_"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "_"}]},
    "pre_tokenizer": null,
    "post_processor": {"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
    "decoder": {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "_"}, "content": " "},
        {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "added_tokens": [
        {"id": 0, "content": "<unk>", "special": true, "normalized": false},
        {"id": 1, "content": "<s>", "special": true, "normalized": false},
        {"id": 9, "content": "<tag>", "special": false, "normalized": false, "lstrip": true}],
    "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
        "vocab": {"<unk>": 0, "<s>": 1, "_": 2, "a": 3, "b": 4, "ab": 5, "_a": 6, "_ab": 7, "<0x63>": 8},
        "merges": ["a b", ["_", "ab"], "_ a"]}
  })");
  json.merge_patch(changes);
  return json;
}

std::unique_ptr<text::Tokenizer> read(const Json& json, const TokenRoles& roles = {}) {
  return read_tokenizer_json(json.dump(), "t.json", roles);
}

std::string error_with(const char* changes) {
  return test::refused([&] { read(small(Json::parse(changes))); });
}

TEST(TokenizerJson, ComposesTheParts) {
  const auto tokenizer = read(small());
  EXPECT_EQ(tokenizer->vocabulary_size(), 10u);
  EXPECT_EQ(tokenizer->encode("ab a"), (Ids{7, 6}));
  EXPECT_EQ(tokenizer->encode("ab", {.add_special = true}), (Ids{1, 7}));
  EXPECT_EQ(tokenizer->encode("bc"), (Ids{2, 4, 8}));          // c by its byte
  EXPECT_EQ(tokenizer->encode("a\u00E9\u00E9"), (Ids{6, 0}));  // unknown characters are fused
  EXPECT_EQ(tokenizer->encode("a <tag>b"), (Ids{6, 9, 2, 4}));
  EXPECT_EQ(tokenizer->encode("<s>", {.parse_special = true}), (Ids{1}));
  EXPECT_EQ(tokenizer->encode("<s>"), (Ids{2, 0}));
  EXPECT_EQ(tokenizer->decode(Ids{1, 7, 6, 9, 8}), "ab a<tag>c");
  EXPECT_EQ(tokenizer->decode(Ids{1, 7}, true), "<s> ab");
  EXPECT_EQ(tokenizer->kind(8), text::TokenKind::byte);
}

TEST(TokenizerJson, RolesAreThoseOfTheFilesBeside) {
  const auto tokenizer = read(
      small(), {.bos = "<s>", .eos = "ab", .unknown = {}, .padding = "no such", .ends = {4, 99}});
  EXPECT_EQ(tokenizer->special().bos, 1);
  EXPECT_TRUE(tokenizer->special().add_bos);
  EXPECT_FALSE(tokenizer->special().add_eos);
  EXPECT_EQ(tokenizer->special().eos, 5);
  EXPECT_EQ(tokenizer->special().unknown, 0);
  EXPECT_EQ(tokenizer->special().padding, std::nullopt);
  EXPECT_TRUE(tokenizer->ends_generation(5));
  EXPECT_TRUE(tokenizer->ends_generation(4));
  EXPECT_FALSE(tokenizer->ends_generation(3));
}

TEST(TokenizerJson, Unigram) {
  const auto tokenizer =
      read(Json::parse(R"({"pre_tokenizer": {"type": "Metaspace", "replacement": "_"},
    "decoder": {"type": "Metaspace", "replacement": "_"},
    "model": {"type": "Unigram", "unk_id": 0,
      "vocab": [["<unk>", 0], ["_", -2.5], ["a", -3], ["b", -3], ["ab", -4], ["_a", -1]]}})"));
  EXPECT_EQ(tokenizer->encode("ab"), (Ids{5, 3}));  // -1 - 3 > -2.5 - 4
  EXPECT_EQ(tokenizer->encode("bab"), (Ids{1, 3, 4}));
  EXPECT_EQ(tokenizer->encode("xyb"), (Ids{1, 0, 3}));
  EXPECT_EQ(tokenizer->decode(Ids{5, 3, 5}), "ab a");
}

TEST(TokenizerJson, WordPieceAndWordLevel) {
  const auto pieces = read(Json::parse(R"({"normalizer": {"type": "BertNormalizer"},
    "pre_tokenizer": {"type": "BertPreTokenizer"}, "decoder": {"type": "WordPiece", "prefix": "##"},
    "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
      "max_input_chars_per_word": 4,
      "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3, "##b": 4, "##bc": 5, "!": 6}}})"));
  EXPECT_EQ(pieces->encode("\u00C1bc abb!", {.add_special = true}), (Ids{1, 3, 5, 3, 4, 4, 6, 2}));
  EXPECT_EQ(pieces->encode("abx abbbb"), (Ids{0, 0}));  // too long
  EXPECT_EQ(pieces->decode(Ids{3, 5, 3, 4, 6}), "abc ab!");
  const auto words = read(Json::parse(R"({"pre_tokenizer": {"type": "Whitespace"},
    "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "ab": 1, "+": 2}}})"));
  EXPECT_EQ(words->encode("ab+x"), (Ids{1, 2, 0}));
  EXPECT_EQ(words->decode(Ids{1, 2}), "ab +");
}

TEST(TokenizerJson, GuessesTheModelOfOldFiles) {
  Json json = small();
  json["model"].erase("type");
  EXPECT_EQ(read(json)->encode("ab"), (Ids{7}));
}

TEST(TokenizerJson, NamesThePartThatIsUnknown) {
  EXPECT_EQ(
      error_with(R"({"normalizer": {"type": "Sequence", "normalizers": [{"type": "Magic"}]}})"),
      "unsupported: tokenizer t.json: normalizer.normalizers[0]: a normalizer of the type "
      "\"Magic\" is not supported");
  EXPECT_EQ(error_with(R"({"pre_tokenizer": {"type": "UnicodeScripts"}})"),
            "unsupported: tokenizer t.json: pre_tokenizer: a pre_tokenizer of the type "
            "\"UnicodeScripts\" is not supported");
  EXPECT_EQ(error_with(R"({"decoder": {"decoders": [{"type": "CTC"}]}})"),
            "unsupported: tokenizer t.json: decoder.decoders[0]: a decoder of the type \"CTC\" is "
            "not supported");
  EXPECT_EQ(error_with(R"({"post_processor": {"type": "Magic"}})"),
            "unsupported: tokenizer t.json: post_processor: a post_processor of the type \"Magic\" "
            "is not supported");
  EXPECT_EQ(error_with(R"({"model": {"type": "Magic"}})"),
            "unsupported: tokenizer t.json: model: the type \"Magic\" is not supported");
  EXPECT_EQ(error_with(R"({"model": {"dropout": 0.1}})"),
            "unsupported: tokenizer t.json: model: dropout is not supported");
  EXPECT_EQ(error_with(R"({"pre_tokenizer": {"type": "Split", "behavior": "Isolated",
                           "pattern": {"Regex": "(?<=a)b"}}})"),
            "unsupported: tokenizer t.json: pre_tokenizer: pattern \"(?<=a)b\": the group (? at "
            "byte 0 is not supported");
}

TEST(TokenizerJson, SaysWhatIsWrong) {
  EXPECT_EQ(test::refused([] { read_tokenizer_json("{\"model\": {", "t.json"); }),
            "bad_file: tokenizer t.json: not valid JSON at byte 12");
  EXPECT_EQ(test::refused([] { read_tokenizer_json("[]", "t.json"); }),
            "bad_file: tokenizer t.json: it is no JSON object");
  EXPECT_EQ(test::refused([] { read_tokenizer_json("{}", "t.json"); }),
            "bad_file: tokenizer t.json: \"model\" is missing");
  EXPECT_EQ(error_with(R"({"model": {"vocab": {"x": "y"}}})"),
            "bad_file: tokenizer t.json: model.vocab: \"x\" has no id");
  EXPECT_EQ(error_with(R"({"model": {"vocab": {"x": 5000000}}})"),
            "bad_file: tokenizer t.json: model: the id 5000000 of \"x\" is out of range");
  EXPECT_EQ(error_with(R"({"model": {"vocab": {"x": 3}}})"),
            "bad_file: tokenizer t.json: model: \"a\" and \"x\" have the same id 3");
  EXPECT_EQ(error_with(R"({"model": {"merges": ["ab"]}})"),
            "bad_file: tokenizer t.json: model.merges[0] is not two tokens and a space between");
  EXPECT_EQ(error_with(R"({"model": {"merges": [["a"]]}})"),
            "bad_file: tokenizer t.json: model.merges: element 0 is not two tokens");
  EXPECT_EQ(error_with(R"({"model": {"merges": ["b a"]}})"),
            "bad_file: tokenizer of t.json: merge 0 has a token that is not in the vocabulary");
  EXPECT_EQ(error_with(R"({"model": {"unk_token": "no"}})"),
            "bad_file: tokenizer t.json: model: unk_token \"no\" is not in the vocabulary");
  EXPECT_EQ(
      error_with(R"({"model": {"byte_fallback": 1}})"),
      "bad_file: tokenizer t.json: model.byte_fallback: expected true or false, found number");
  EXPECT_EQ(error_with(R"({"model": {"vocab": [["a", 1]]}})"),
            "bad_file: tokenizer t.json: model: its vocab is not that of the type \"BPE\"");
  EXPECT_EQ(error_with(R"({"model": {"type": "Unigram", "vocab": [["a", 1, 2]]}})"),
            "bad_file: tokenizer t.json: model.vocab: element 0 is not a text and a score");
  EXPECT_EQ(error_with(R"({"post_processor": {"single": []}})"),
            "bad_file: tokenizer t.json: post_processor.single: expected one place for the text, "
            "found 0");
  EXPECT_EQ(error_with(R"({"post_processor": {"special_tokens": {"<s>": {"ids": [10]}}}})"),
            "bad_file: tokenizer t.json: post_processor.special_tokens.<s>.ids[0]: 10 is not one "
            "of the 10 tokens");
  EXPECT_EQ(error_with(R"({"normalizer": {"normalizers": [{"type": "Precompiled",
                           "precompiled_charsmap": "AAAA"}]}})"),
            "bad_file: tokenizer t.json: normalizer.normalizers[0].precompiled_charsmap: "
            "precompiled character map: 3 bytes hold no trie of 0 bytes");
  EXPECT_EQ(error_with(R"({"added_tokens": [{"id": 3, "content": "x"}]})"),
            "bad_file: tokenizer t.json: added_tokens[0]: \"a\" and \"x\" have the same id 3");
}

TEST(HubTokenizer, ReadsAFolder) {
  const test::TempFolder folder;
  const auto error = [&] { return test::refused([&] { read_hub_tokenizer(folder.path()); }); };
  EXPECT_TRUE(error().starts_with("not_found: ")) << error();
  write_file(folder.path() / "tokenizer.json", small().dump());
  HubTokenizer bare = read_hub_tokenizer(folder.path());
  EXPECT_EQ(bare.tokenizer->special().bos, std::nullopt);
  EXPECT_EQ(bare.chat_template, std::nullopt);
  write_file(folder.path() / "special_tokens_map.json", R"({"bos_token": "ab", "pad_token": "b"})");
  write_file(folder.path() / "generation_config.json", R"({"eos_token_id": [4, 5]})");
  write_file(folder.path() / "tokenizer_config.json",
             R"({"bos_token": {"content": "<s>"}, "eos_token": "<tag>",
                 "clean_up_tokenization_spaces": true,
                 "chat_template": [{"name": "tool_use", "template": "x"},
                                   {"name": "default", "template": "y"}]})");
  HubTokenizer all = read_hub_tokenizer(folder.path());
  EXPECT_EQ(all.tokenizer->special().bos, 1);
  EXPECT_EQ(all.tokenizer->special().eos, 9);
  EXPECT_EQ(all.tokenizer->special().padding, 4);
  EXPECT_TRUE(all.tokenizer->ends_generation(5));
  EXPECT_TRUE(all.clean_up_spaces);
  EXPECT_EQ(all.chat_template, "y");
  write_file(folder.path() / "chat_template.jinja", "z");
  EXPECT_EQ(read_hub_tokenizer(folder.path()).chat_template, "z");
  write_file(folder.path() / "tokenizer_config.json", R"({"bos_token": 1})");
  EXPECT_TRUE(
      error().ends_with("tokenizer_config.json: bos_token: expected a string, found number"))
      << error();
}

TEST(TokenizerJsonCorpus, ReplaysWithoutACrash) {
  test::replay_corpus("tokenizer_json", 5, [](const fs::path& path) {
    return exercise_tokenizer_json(read_file(path));
  });
}

TEST(HubTokenizer, CleansUpSpaces) {
  EXPECT_EQ(text::clean_up_spaces("I do n't , he 's ' ok ' ?"), "I don't, he's'ok '?");
}

}  // namespace
}  // namespace pomona::store
