// Contents of rows as tokens with a mask of targets. The mask goes by position: rendering the
// conversation up to an answer, as it is at serving, tells where the answer begins.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "train/examples.h"
#include "train/row_content.h"

namespace pomona::train {

/// tokens (T), supervised (T).
struct Rendered {
  std::vector<text::TokenId> tokens;
  std::vector<std::uint8_t> supervised;
};

class Renderer {
 public:
  /// `loss` is not automatic; `model` must outlive it.
  Renderer(const model::Model& model, LossOn loss) : model_(model), loss_(loss) {}

  /// What stands before the first target is, token by token, what the model is given at serving:
  /// Model::chat_prompt's tokens, or `generate --raw`'s. Text and completions end with EOS; an
  /// answer of a conversation with the end that its template writes; tokens behind the last target
  /// are left out. Throws bad_file that starts with `place`: the template refuses the messages or
  /// rewrites earlier turns, an answer is empty or has no end-of-generation token, nothing is a
  /// target, BOS is doubled.
  Rendered render(const RowContent& content, const std::string& place) const;

 private:
  Rendered text(const std::string& text, const std::string& place) const;
  Rendered plain(const RowContent& content, const std::string& place) const;
  Rendered chat(const RowContent& content, const std::string& place) const;

  const model::Model& model_;
  LossOn loss_;
};

}  // namespace pomona::train
