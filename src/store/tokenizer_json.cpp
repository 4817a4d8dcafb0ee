#include "store/tokenizer_json.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "base/quote.h"
#include "base/string_hash.h"
#include "store/tokenizer_file.h"
#include "text/bpe.h"
#include "text/unigram.h"
#include "text/wordpiece.h"

namespace pomona::store {
namespace {

using text::TokenId;
using text::TokenKind;

/// Ids may leave gaps, but not so many that memory is wasted on them.
constexpr std::size_t kMostGaps = std::size_t{1} << 16;

class Builder {
 public:
  Builder(const TokenizerFile& file, const TokenRoles& roles)
      : file_(file), root_(file.rest, "tokenizer " + file.origin), roles_(roles) {}

  std::unique_ptr<text::Tokenizer> build() {
    spec_.origin = file_.origin;
    model_ = model_type();
    place_vocabulary();
    place_added();
    find_kinds();
    set_roles();
    parts_.normalizer = read_normalizer(root_.find("normalizer"));
    parts_.pretokenizer = read_pretokenizer(root_.find("pre_tokenizer"));
    read_post_processor(root_.find("post_processor"), spec_.tokens.size(), parts_.front,
                        parts_.back);
    spec_.special.add_bos = !parts_.front.empty() && spec_.special.bos == parts_.front.front();
    spec_.special.add_eos = !parts_.back.empty() && spec_.special.eos == parts_.back.back();
    const auto vocabulary = std::make_shared<text::Vocabulary>(spec_);
    read_decoder(root_.find("decoder"), normalized_added(), *vocabulary);
    parts_.vocabulary = vocabulary;
    parts_.model = make_model();
    return std::make_unique<text::ComposedTokenizer>(std::move(parts_));
  }

 private:
  /// The texts that added tokens are looked for in normalised text as, and decoded from.
  std::map<TokenId, std::string> normalized_added() const {
    std::map<TokenId, std::string> texts;
    if (parts_.normalizer.empty()) return texts;
    for (const text::AddedRule& rule : parts_.added) {
      if (!rule.normalized) continue;
      std::string& text = texts[rule.id];
      text = spec_.tokens[static_cast<std::size_t>(rule.id)];
      parts_.normalizer.apply(text);
    }
    return texts;
  }

  JsonPart model() const { return root_.at("model"); }

  /// Files of old versions leave the model's type to be guessed from what it has.
  std::string model_type() const {
    if (model().find("type")) return model().string("type");
    if (file_.has_merges) return "BPE";
    if (file_.has_pieces) return "Unigram";
    return model().find("continuing_subword_prefix") ? "WordPiece" : "WordLevel";
  }

  void place(std::string_view text, std::int64_t id, const JsonPart& part) {
    const std::size_t most = (file_.vocabulary.size() + file_.pieces.size()) * 2 + kMostGaps;
    if (id < 0 || static_cast<std::uint64_t>(id) >= most)
      part.refuse(fmt::format("the id {} of {} is out of range", id, quote_name(text)));
    const auto index = static_cast<std::size_t>(id);
    if (index >= spec_.tokens.size()) spec_.tokens.resize(index + 1);
    if (!spec_.tokens[index].empty() && spec_.tokens[index] != text)
      part.refuse(fmt::format("{} and {} have the same id {}", quote_name(spec_.tokens[index]),
                              quote_name(text), id));
    spec_.tokens[index] = text;
  }

  void place_vocabulary() {
    if (model_ == "Unigram" ? !file_.has_pieces : file_.has_pieces)
      model().refuse(fmt::format("its vocab is not that of the type {}", quote_name(model_)));
    for (const auto& [text, id] : file_.vocabulary) place(text, id, model());
    for (const auto& [text, score] : file_.pieces) spec_.tokens.push_back(text);
    if (spec_.tokens.empty()) model().refuse("its vocab has no tokens");
  }

  void place_added() {
    std::unordered_map<std::string_view, std::int64_t, StringHash> ids;
    for (std::size_t i = 0; i < spec_.tokens.size(); ++i)
      ids.emplace(spec_.tokens[i], static_cast<std::int64_t>(i));
    const auto added = root_.find("added_tokens");
    if (!added) return;
    for (const JsonPart& token : added->elements()) {
      const std::string_view text = texts_.keep(token.string("content"));
      if (text.empty()) token.refuse("its content is empty");
      std::int64_t id = token.at("id").as_integer();
      const auto found = ids.find(text);
      if (found != ids.end()) id = found->second;
      place(text, id, token);
      if (found == ids.end()) spec_.apart.push_back(static_cast<TokenId>(id));
      parts_.added.push_back({static_cast<TokenId>(id), token.boolean("single_word", false),
                              token.boolean("lstrip", false), token.boolean("rstrip", false),
                              token.boolean("normalized", true)});
      if (token.boolean("special", false)) special_.push_back(static_cast<TokenId>(id));
    }
  }

  void find_kinds() {
    const bool byte_fallback =
        (model_ == "BPE" || model_ == "Unigram") && model().boolean("byte_fallback", false);
    spec_.kinds.assign(spec_.tokens.size(), TokenKind::normal);
    for (std::size_t i = 0; i < spec_.tokens.size(); ++i) {
      if (spec_.tokens[i].empty()) spec_.kinds[i] = TokenKind::unused;
      if (byte_fallback && text::byte_of_token(spec_.tokens[i])) spec_.kinds[i] = TokenKind::byte;
    }
    for (const text::AddedRule& rule : parts_.added) kind(rule.id) = TokenKind::user_defined;
    for (const TokenId id : special_) kind(id) = TokenKind::control;
  }
  TokenKind& kind(TokenId id) { return spec_.kinds[static_cast<std::size_t>(id)]; }

  std::optional<TokenId> find(const std::optional<std::string>& text) const {
    if (!text || text->empty()) return std::nullopt;
    const auto found = std::find(spec_.tokens.begin(), spec_.tokens.end(), *text);
    if (found == spec_.tokens.end()) return std::nullopt;
    return static_cast<TokenId>(found - spec_.tokens.begin());
  }

  void set_roles() {
    spec_.special.bos = find(roles_.bos);
    spec_.special.eos = find(roles_.eos);
    spec_.special.padding = find(roles_.padding);
    spec_.special.unknown = unknown_token();
    for (const std::int64_t id : roles_.ends) {
      if (id >= 0 && static_cast<std::uint64_t>(id) < spec_.tokens.size())
        spec_.ends.push_back(static_cast<TokenId>(id));
    }
    if (!spec_.special.unknown) spec_.special.unknown = find(roles_.unknown);
  }

  /// The model's own token for the unknown.
  std::optional<TokenId> unknown_token() const {
    if (model_ == "Unigram") {
      const auto id = model().integer("unk_id");
      if (!id) return std::nullopt;
      if (static_cast<std::uint64_t>(*id) >= file_.pieces.size())
        model().refuse(
            fmt::format("unk_id {} is not one of the {} tokens", *id, file_.pieces.size()));
      return static_cast<TokenId>(*id);
    }
    if (!model().find("unk_token")) return std::nullopt;
    const std::string text = model().string("unk_token");
    const auto id = find(text);
    if (!id && model_ != "WordLevel")
      model().refuse(fmt::format("unk_token {} is not in the vocabulary", quote_name(text)));
    return id;
  }

  std::unique_ptr<text::WordModel> make_model() {
    if (model_ == "BPE") return make_bpe();
    if (parts_.pretokenizer.byte_level())
      model().unsupported(
          fmt::format("the type {} behind ByteLevel is not supported", quote_name(model_)));
    if (model_ == "Unigram") return make_unigram();
    if (model_ == "WordPiece") return make_wordpiece();
    if (model_ == "WordLevel")
      return std::make_unique<text::WordLevelModel>(parts_.vocabulary, model_unknown());
    model().unsupported(fmt::format("the type {} is not supported", quote_name(model_)));
  }

  /// As unknown_token(): the roles of other files do not make a model have one.
  std::optional<TokenId> model_unknown() const { return unknown_token(); }

  std::unique_ptr<text::WordModel> make_bpe() {
    const JsonPart part = model();
    if (const auto dropout = part.find("dropout"); dropout && dropout->json() != 0)
      part.unsupported("dropout is not supported");
    text::BpeRules rules;
    rules.byte_level = parts_.pretokenizer.byte_level();
    rules.whole_words_first = part.boolean("ignore_merges", false);
    rules.byte_fallback = part.boolean("byte_fallback", false);
    rules.fuse_unknown = part.boolean("fuse_unk", false);
    rules.unknown = model_unknown();
    if (part.find("continuing_subword_prefix"))
      rules.prefix = part.string("continuing_subword_prefix");
    if (part.find("end_of_word_suffix")) rules.suffix = part.string("end_of_word_suffix");
    rules.merges.reserve(file_.merges.size());
    text::MergeReader reader(*parts_.vocabulary, rules.prefix);
    for (const auto& [left, right] : file_.merges) rules.merges.push_back(reader.next(left, right));
    return std::make_unique<text::BpeModel>(parts_.vocabulary, std::move(rules));
  }

  std::unique_ptr<text::WordModel> make_unigram() {
    text::UnigramRules rules;
    for (const auto& [text, score] : file_.pieces) rules.scores.push_back(score);
    rules.scores.resize(parts_.vocabulary->size());
    rules.unknown = model_unknown();
    rules.byte_fallback = model().boolean("byte_fallback", false);
    return std::make_unique<text::UnigramModel>(parts_.vocabulary, std::move(rules));
  }

  std::unique_ptr<text::WordModel> make_wordpiece() {
    text::WordPieceRules rules;
    const auto unknown = model_unknown();
    if (!unknown) model().refuse("it names no unk_token");
    rules.unknown = *unknown;
    rules.continue_prefix = model().string("continuing_subword_prefix");
    rules.most_characters =
        static_cast<std::size_t>(model().integer("max_input_chars_per_word").value_or(100));
    return std::make_unique<text::WordPieceModel>(parts_.vocabulary, rules);
  }

  const TokenizerFile& file_;
  JsonPart root_;
  const TokenRoles& roles_;
  std::string model_;  // its type
  text::VocabularySpec spec_;
  text::StringArena texts_;
  std::vector<TokenId> special_;
  text::Composition parts_;
};

}  // namespace

std::unique_ptr<text::Tokenizer> read_tokenizer_json(std::string_view json,
                                                     const std::string& origin,
                                                     const TokenRoles& roles) {
  return Builder(parse_tokenizer_file(json, origin), roles).build();
}

}  // namespace pomona::store
