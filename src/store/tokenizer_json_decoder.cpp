#include <algorithm>
#include <functional>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"
#include "store/tokenizer_json.h"
#include "text/bert.h"
#include "text/byte_alphabet.h"

namespace pomona::store {
namespace {

/// What becomes of one token's text; `first` where no token is in front of it.
using Step = std::function<void(std::string& text, bool first)>;

/// Up to `most` of `content` at the front, or at the back.
std::size_t count_at(std::string_view text, std::string_view content, std::size_t most,
                     bool front) {
  std::size_t count = 0;
  while (count < most && !content.empty() &&
         (front ? text.starts_with(content) : text.ends_with(content))) {
    front ? text.remove_prefix(content.size()) : text.remove_suffix(content.size());
    ++count;
  }
  return count;
}

class Steps {
 public:
  void add(const JsonPart& part) {
    const std::string type = part.string("type");
    if (type == "Sequence") {
      for (const JsonPart& step : part.at("decoders").elements()) add(step);
    } else if (type == "Fuse") {
      fused_ = true;
    } else if (type == "Strip") {
      add_strip(part);
    } else {
      if (fused_)
        part.unsupported(fmt::format("{} behind Fuse is not supported", quote_name(type)));
      steps_.push_back(step_of(part, type));
    }
  }

  std::string apply(std::string_view token, bool first) const {
    std::string text(token);
    for (const Step& step : steps_) step(text, first);
    return text;
  }

 private:
  static Step step_of(const JsonPart& part, const std::string& type) {
    if (type == "ByteLevel") {
      return [](std::string& text, bool) {
        if (auto bytes = text::bytes_of_letters(text)) text = *std::move(bytes);
      };
    }
    if (type == "ByteFallback") {
      return [](std::string& text, bool) {
        if (const auto byte = text::byte_of_token(text)) text = static_cast<char>(*byte);
      };
    }
    if (type == "Replace") {
      const std::string from = part.at("pattern").string("String");
      return [from, to = part.string("content")](std::string& text, bool) {
        text = replace_all(text, from, to);
      };
    }
    if (type == "Metaspace") return metaspace(part);
    if (type == "WordPiece") return wordpiece(part);
    part.unsupported(fmt::format("a decoder of the type {} is not supported", quote_name(type)));
  }

  static Step metaspace(const JsonPart& part) {
    bool drops = part.boolean("add_prefix_space", true);  // before there were schemes
    if (part.find("prepend_scheme")) drops = part.string("prepend_scheme") != "never";
    return [mark = part.string("replacement"), drops](std::string& text, bool first) {
      text = replace_all(text, mark, first && drops ? "" : " ");
    };
  }

  static Step wordpiece(const JsonPart& part) {
    const bool clean = part.boolean("cleanup", true);
    return [prefix = part.string("prefix"), clean](std::string& text, bool first) {
      if (!first) {
        if (text.starts_with(prefix)) {
          text.erase(0, prefix.size());
        } else {
          text.insert(0, 1, ' ');
        }
      }
      if (clean) text = text::clean_up_spaces(std::move(text));
    };
  }

  /// Behind Fuse the whole text is stripped, in front of it each token.
  void add_strip(const JsonPart& part) {
    const auto start = static_cast<std::size_t>(part.integer("start").value_or(0));
    const auto stop = static_cast<std::size_t>(part.integer("stop").value_or(0));
    if (fused_ && stop > 0) part.unsupported("Strip at the end of a text is not supported");
    const bool whole = fused_;
    const auto strip = [content = part.string("content"), start, stop, whole](std::string& text,
                                                                              bool first) {
      if (whole && !first) return;
      text.erase(0, count_at(text, content, start, true) * content.size());
      text.resize(text.size() - count_at(text, content, stop, false) * content.size());
    };
    steps_.push_back(strip);
  }

  std::vector<Step> steps_;
  bool fused_ = false;
};

}  // namespace

void read_decoder(const std::optional<JsonPart>& part,
                  const std::map<text::TokenId, std::string>& rewritten,
                  text::Vocabulary& vocabulary) {
  Steps steps;
  if (part) steps.add(*part);
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<text::TokenId>(i);
    const auto found = rewritten.find(id);
    const std::string_view token = found == rewritten.end() ? vocabulary.text(id) : found->second;
    if (part) {
      vocabulary.set_bytes(id, steps.apply(token, false), steps.apply(token, true));
    } else {
      vocabulary.set_bytes(id, fmt::format(" {}", token), token);
    }
  }
}

namespace {

class Additions {
 public:
  Additions(std::size_t tokens, std::vector<text::TokenId>& front, std::vector<text::TokenId>& back)
      : tokens_(tokens), front_(front), back_(back) {}

  void add(const JsonPart& part) {
    const std::string type = part.string("type");
    if (type == "Sequence") {
      for (const JsonPart& step : part.at("processors").elements()) add(step);
    } else if (type == "TemplateProcessing") {
      add_template(part);
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
      surround({pair_id(part.at("cls"))}, {pair_id(part.at("sep"))});
    } else if (type != "ByteLevel") {  // which moves offsets only
      part.unsupported(
          fmt::format("a post_processor of the type {} is not supported", quote_name(type)));
    }
  }

 private:
  using Ids = std::vector<text::TokenId>;

  void surround(Ids front, Ids back) {
    front.insert(front.end(), front_.begin(), front_.end());
    front_ = std::move(front);
    back_.insert(back_.end(), back.begin(), back.end());
  }

  text::TokenId id_of(const JsonPart& number) const {
    const std::int64_t id = number.as_integer();
    if (static_cast<std::uint64_t>(id) >= tokens_)
      number.refuse(fmt::format("{} is not one of the {} tokens", id, tokens_));
    return static_cast<text::TokenId>(id);
  }

  /// Of ["[CLS]", 101].
  text::TokenId pair_id(const JsonPart& pair) const {
    const auto elements = pair.elements();
    if (elements.size() != 2) pair.refuse("expected a token and its id");
    return id_of(elements[1]);
  }

  void add_template(const JsonPart& part) {
    Ids front, back;
    int texts = 0;
    const JsonPart single = part.at("single");
    for (const JsonPart& piece : single.elements()) {
      if (piece.find("Sequence")) {
        ++texts;
        continue;
      }
      const std::string name = piece.at("SpecialToken").string("id");
      for (const JsonPart& id : part.at("special_tokens").at(name).at("ids").elements())
        (texts == 0 ? front : back).push_back(id_of(id));
    }
    if (texts != 1) single.refuse(fmt::format("expected one place for the text, found {}", texts));
    surround(std::move(front), std::move(back));
  }

  std::size_t tokens_;
  Ids& front_;
  Ids& back_;
};

}  // namespace

void read_post_processor(const std::optional<JsonPart>& part, std::size_t tokens,
                         std::vector<text::TokenId>& front, std::vector<text::TokenId>& back) {
  if (part) Additions(tokens, front, back).add(*part);
}

}  // namespace pomona::store
