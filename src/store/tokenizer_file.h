// The hub's tokenizer.json, read in one pass: the long lists of a vocabulary into flat vectors, all
// else as a small JSON tree. Format: the tokenizers library (huggingface.co/docs/tokenizers).
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "text/vocabulary.h"

namespace pomona::store {

struct TokenizerFile {
  std::string origin;  // the file's name, for errors
  Json rest;           // without the lists below

  /// model.vocab as an object: texts and ids. Views into `strings`, as all here.
  std::vector<std::pair<std::string_view, std::int64_t>> vocabulary;
  /// model.vocab as an array: texts and scores, in the order of ids.
  std::vector<std::pair<std::string_view, double>> pieces;
  bool has_pieces = false;
  /// model.merges, each as its two parts.
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  bool has_merges = false;
  text::StringArena strings;
};

/// Throws bad_file naming `origin` and the byte or the part that is wrong.
TokenizerFile parse_tokenizer_file(std::string_view json, std::string origin);

}  // namespace pomona::store
