#include "train/render.h"

#include <algorithm>

#include "base/error.h"
#include "model/chat.h"
#include "text/tokenizer.h"

namespace pomona::train {
namespace {

using Tokens = std::vector<text::TokenId>;

bool starts_with(const Tokens& tokens, const Tokens& front) {
  return tokens.size() >= front.size() && std::equal(front.begin(), front.end(), tokens.begin());
}

std::size_t common_front(const Tokens& a, const Tokens& b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                                  a.begin());
}

/// The tokens of a text that is continued: without the EOS that some vocabularies ask for.
Tokens open_ended(Tokens tokens, const text::Tokenizer& tokenizer) {
  const text::SpecialTokens& special = tokenizer.special();
  if (special.add_eos && !tokens.empty() && tokens.back() == special.eos) tokens.pop_back();
  return tokens;
}

bool spells(const text::Tokenizer& tokenizer, const Tokens& tokens, std::size_t from,
            std::string_view text) {
  std::string bytes;
  for (std::size_t i = from; i < tokens.size(); ++i) bytes += tokenizer.token_bytes(tokens[i]);
  return bytes == text;
}

/// The tokens of `text` behind other text. Many vocabularies put a space before a text's first
/// word; behind a line end they do not.
Tokens continuation(const text::Tokenizer& tokenizer, std::string_view text, bool parse_special,
                    const std::string& place) {
  const text::EncodeOptions options{.add_special = false, .parse_special = parse_special};
  Tokens tokens = tokenizer.encode(text, options);
  if (spells(tokenizer, tokens, 0, text)) return tokens;
  const Tokens front = tokenizer.encode("\n", options);
  tokens = tokenizer.encode(std::string("\n").append(text), options);
  if (starts_with(tokens, front) && spells(tokenizer, tokens, front.size(), text)) {
    tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(front.size()));
    return tokens;
  }
  fail(ErrorKind::bad_file,
       "{}: the tokeniser joins the end of the prompt with the answer; let the prompt end without "
       "a space, or with a line end",
       place);
}

text::TokenId end_of_text(const model::Model& model) {
  const auto eos = model.tokenizer->special().eos;
  if (!eos)
    fail(ErrorKind::unsupported,
         "data: {}: the vocabulary has no EOS, so a trained model would never stop",
         model.path.string());
  return *eos;
}

/// Tokens of which those from `first` on are targets.
Rendered supervised_from(Tokens tokens, std::size_t first) {
  Rendered row{std::move(tokens), {}};
  row.supervised.assign(row.tokens.size(), 0);
  for (std::size_t i = std::max<std::size_t>(first, 1); i < row.tokens.size(); ++i)
    row.supervised[i] = 1;
  return row;
}

/// Tokens of a conversation's answers, from the first to behind the end-of-generation token.
struct Span {
  std::size_t begin = 0, end = 0;
};

/// One conversation on its way to tokens.
class Conversation {
 public:
  Conversation(const model::Model& model, const RowContent& content, const std::string& place)
      : model_(model), content_(content), place_(place) {}

  std::string rendered(std::size_t messages, bool generation_prompt) const {
    Json front = Json::array();
    for (std::size_t i = 0; i < messages; ++i) front.push_back(content_.messages[i]);
    try {
      return model::render_chat(model_, front, generation_prompt, content_.tools);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::bad_argument) throw;
      fail(ErrorKind::bad_file, "{}: {}", place_, error.what());
    }
  }

  Tokens encoded(std::string_view rendered) const {
    return open_ended(model::encode_chat(model_, rendered), *model_.tokenizer);
  }

  /// The messages whose content is learnt.
  std::vector<std::size_t> answers(LossOn loss) const {
    std::vector<std::size_t> found;
    for (std::size_t i = content_.answers_from; i < content_.messages.size(); ++i) {
      if (content_.messages[i].at("role").get_ref<const std::string&>() == "assistant")
        found.push_back(i);
    }
    const bool last_only =
        loss == LossOn::last || (loss == LossOn::completion && content_.answers_from == 0);
    if (last_only && !found.empty()) found.erase(found.begin(), found.end() - 1);
    return found;
  }

  Rendered with_targets(const std::vector<std::size_t>& answers) const;

 private:
  [[noreturn]] void fail_rewritten(std::size_t message, bool only) const {
    fail(ErrorKind::bad_file,
         "{}: the chat template writes what stands before the answer in message {} differently "
         "once it is answered{}",
         place_, message + 1,
         only ? "; no mask fits it, so such rows cannot be trained with this template"
              : " and others follow (it strips or rewrites earlier turns); loss = \"last\" learns "
                "the last answer only");
  }

  const model::Model& model_;
  const RowContent& content_;
  const std::string& place_;
};

Rendered Conversation::with_targets(const std::vector<std::size_t>& answers) const {
  const text::Tokenizer& tokenizer = *model_.tokenizer;
  const std::string whole = rendered(answers.back() + 1, false);
  Tokens tokens = encoded(whole);
  std::vector<Span> spans;
  for (const std::size_t answer : answers) {
    const std::string prompt = rendered(answer, true);
    const std::string answered = answer == answers.back() ? whole : rendered(answer + 1, false);
    if (!whole.starts_with(prompt) || !whole.starts_with(answered) ||
        answered.size() <= prompt.size())
      fail_rewritten(answer, answers.size() == 1);
    const Tokens given = encoded(prompt);
    if (!starts_with(tokens, given)) {
      // The answer's first token would reach into the prompt: it begins where serving lets it.
      if (common_front(tokens, given) < (spans.empty() ? 0 : spans.back().end))
        fail_rewritten(answer, false);
      const Tokens rest =
          continuation(tokenizer, std::string_view(whole).substr(prompt.size()), true, place_);
      tokens = given;
      tokens.insert(tokens.end(), rest.begin(), rest.end());
    }
    std::size_t end =
        answer == answers.back() ? tokens.size() : common_front(tokens, encoded(answered));
    while (end > given.size() && !tokenizer.ends_generation(tokens[end - 1])) --end;
    if (end <= given.size())
      fail(ErrorKind::bad_file,
           "{}: the chat template writes no end-of-generation token behind the answer in message "
           "{}, so a model trained on it would never stop",
           place_, answer + 1);
    if (end == given.size() + 1)
      fail(ErrorKind::bad_file,
           "{}: the chat template writes nothing of the answer in message {}; not every template "
           "writes tool calls",
           place_, answer + 1);
    spans.push_back({given.size(), end});
  }
  tokens.resize(spans.back().end);
  Rendered row{std::move(tokens), {}};
  row.supervised.assign(row.tokens.size(), 0);
  for (const Span& span : spans)
    std::fill(row.supervised.begin() + static_cast<std::ptrdiff_t>(span.begin),
              row.supervised.begin() + static_cast<std::ptrdiff_t>(span.end), std::uint8_t{1});
  return row;
}

void check(const Rendered& row, const text::Tokenizer& tokenizer, const std::string& place) {
  bool any = false, ends = false;
  for (std::size_t i = 0; i < row.tokens.size(); ++i) {
    any = any || row.supervised[i] != 0;
    ends = ends || (row.supervised[i] != 0 && tokenizer.ends_generation(row.tokens[i]));
  }
  if (!any) fail(ErrorKind::bad_file, "{}: no token is a target of the loss", place);
  if (!ends)
    fail(ErrorKind::bad_file,
         "{}: no target is an end-of-generation token, so a model trained on it would never stop",
         place);
  const auto bos = tokenizer.special().bos;
  if (bos && row.tokens.size() > 1 && row.tokens[0] == *bos && row.tokens[1] == *bos)
    fail(ErrorKind::bad_file,
         "{}: begins with the token {} twice; take it out of the text, it is put there anyway",
         place, tokenizer.token_text(*bos));
}

}  // namespace

Rendered Renderer::text(const std::string& text, const std::string& place) const {
  const text::TokenId eos = end_of_text(model_);
  Tokens tokens = model_.tokenizer->encode(text, {.add_special = true});
  if (tokens.empty() || tokens.back() != eos) tokens.push_back(eos);
  if (tokens.size() < 2) fail(ErrorKind::bad_file, "{}: the text has no token", place);
  return supervised_from(std::move(tokens), 1);
}

Rendered Renderer::plain(const RowContent& content, const std::string& place) const {
  const text::Tokenizer& tokenizer = *model_.tokenizer;
  const text::EncodeOptions options{.add_special = true};
  const text::TokenId eos = end_of_text(model_);
  Tokens given = open_ended(tokenizer.encode(content.prompt, options), tokenizer);
  Tokens tokens =
      open_ended(tokenizer.encode(content.prompt + content.completion, options), tokenizer);
  if (!starts_with(tokens, given)) {
    const Tokens rest = continuation(tokenizer, content.completion, false, place);
    tokens = given;
    tokens.insert(tokens.end(), rest.begin(), rest.end());
  }
  tokens.push_back(eos);
  return supervised_from(std::move(tokens), loss_ == LossOn::everything ? 1 : given.size());
}

Rendered Renderer::chat(const RowContent& content, const std::string& place) const {
  const Conversation conversation(model_, content, place);
  if (loss_ != LossOn::everything) return conversation.with_targets(conversation.answers(loss_));
  return supervised_from(
      conversation.encoded(conversation.rendered(content.messages.size(), false)), 1);
}

Rendered Renderer::render(const RowContent& content, const std::string& place) const {
  Rendered row;
  switch (content.kind) {
    case RowContent::Kind::text:
      row = text(content.text, place);
      break;
    case RowContent::Kind::plain:
      row = plain(content, place);
      break;
    case RowContent::Kind::chat:
      row = chat(content, place);
      break;
  }
  check(row, *model_.tokenizer, place);
  return row;
}

}  // namespace pomona::train
