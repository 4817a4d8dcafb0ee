// A model's tokeniser in the other kind of file. Formats: tokenizer.json of the tokenizers library
// (huggingface.co/docs/tokenizers), GGUF's keys tokenizer.* (ggml documentation, docs/gguf.md).
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "convert/gguf_keys.h"
#include "model/model_files.h"

namespace pomona::convert {

/// The files of a folder that tell how text becomes tokens.
struct HubTokenizerFiles {
  std::string tokenizer;  // tokenizer.json
  Json config;            // tokenizer_config.json
  Json generation;        // generation_config.json
  std::optional<std::string> chat_template;
};

/// Of byte-level BPE and SentencePiece's BPE, which decoder models have; `context` tokens fit into
/// the model. Throws bad_file, unsupported for another kind of vocabulary.
HubTokenizerFiles hub_tokenizer(const store::GgufMetadata& metadata, const model::ModelText& text,
                                std::int64_t context);

/// How a folder's tokeniser marks the beginning of a text that GGUF's would mark in another way.
enum class Beginnings { same, metaspace };

/// Adds a folder's tokeniser with as many tokens as the embedding has rows. Throws bad_file,
/// unsupported for what GGUF cannot say.
Beginnings write_gguf_tokenizer(const std::filesystem::path& folder, const model::ModelText& text,
                                std::int64_t rows, GgufKeys& keys);

/// What two tokenisers make of the same texts.
struct TokenCheck {
  std::int64_t texts = 0, different = 0;
  bool usual_differ = false;         // texts that people write are among these
  std::string example;               // the first text that they cut differently
  std::vector<std::string> special;  // tokens that treat spaces or words beside them differently
};

/// Prose, the chat template, and texts put together of the vocabulary's own tokens at random;
/// beside these, each special token between words and spaces. With Metaspace in one of the two,
/// only what does not begin with a space or stand behind a special token: those it marks in its own
/// way.
TokenCheck compare_tokens(const model::ModelText& a, const model::ModelText& b,
                          Beginnings beginnings = Beginnings::same);

}  // namespace pomona::convert
