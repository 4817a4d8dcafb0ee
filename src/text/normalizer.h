// Rewrites text before it is split into words: a chain of steps as in the hub's tokenizer.json.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/unicode.h"

namespace pomona::text {

class Normalizer {
 public:
  /// Rewrites well-formed UTF-8 into well-formed UTF-8.
  using Step = std::function<void(std::string&)>;

  void add(Step step) { steps_.push_back(std::move(step)); }
  bool empty() const { return steps_.empty(); }
  void apply(std::string& text) const {
    for (const Step& step : steps_) step(text);
  }

 private:
  std::vector<Step> steps_;
};

/// What BERT's own tokeniser does to a text.
struct BertCleaning {
  bool clean = true;          // drops control characters, every white space becomes a space
  bool space_chinese = true;  // a space on either side of each Chinese character
  bool strip_accents = true;
  bool lowercase = true;
};

Normalizer::Step normal_form_step(NormalForm form);
Normalizer::Step lowercase_step();
Normalizer::Step strip_step(bool left, bool right);
Normalizer::Step strip_accents_step();
/// Every `from` becomes `to`.
Normalizer::Step replace_step(std::string_view from, std::string_view to);
/// Every match of the regular expression becomes `to`. Throws unsupported, see regex.h.
Normalizer::Step replace_pattern_step(std::string_view pattern, std::string_view to);
/// Puts `text` in front of every text that is not empty.
Normalizer::Step prepend_step(std::string_view text);
/// Drops control characters and makes a space of every kind of space, as SentencePiece's "nmt"
/// rule.
Normalizer::Step nmt_step();
Normalizer::Step bert_step(BertCleaning cleaning);
/// Each byte becomes the letter that stands for it (byte_alphabet.h).
Normalizer::Step byte_letters_step();

}  // namespace pomona::text
