// The tokeniser that a GGUF file's metadata describes (keys tokenizer.ggml.*).
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "store/gguf_value.h"
#include "text/byte_level_bpe.h"
#include "text/sentencepiece.h"
#include "text/tokenizer.h"

namespace pomona::store {

/// The byte-level BPE vocabulary of a file with tokenizer.ggml.model "gpt2". The result views the
/// file. Throws bad_file for missing or wrong keys.
text::BpeSpec bpe_spec(const GgufMetadata& metadata);

/// The vocabulary of a file with tokenizer.ggml.model "llama", or with `unigram` of one with "t5".
/// The result views the file. Throws bad_file for missing or wrong keys.
text::SentencePieceSpec sentencepiece_spec(const GgufMetadata& metadata, bool unigram);

/// The file's tokeniser; needs only the vocabulary, not the model. Throws bad_file, or unsupported
/// naming the kind of vocabulary.
std::unique_ptr<text::Tokenizer> read_tokenizer(const GgufMetadata& metadata);

/// The source of the file's chat template, if it has one.
std::optional<std::string> read_chat_template(const GgufMetadata& metadata);

}  // namespace pomona::store
