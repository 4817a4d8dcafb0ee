// What makes tokens of one word: the part of a tokeniser that differs most from kind to kind.
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "text/pretokenizer.h"
#include "text/tokenizer.h"

namespace pomona::text {

class WordModel {
 public:
  virtual ~WordModel() = default;

  /// Appends the tokens of `word`, which is not empty. May be called from several threads.
  virtual void encode(std::string_view word, std::vector<TokenId>& ids) const = 0;

  /// A split that changes no token, because the model never joins across it: shorter words repeat
  /// more often. Null if there is none.
  virtual std::unique_ptr<SplitStep> safe_cuts() const { return nullptr; }
};

}  // namespace pomona::text
