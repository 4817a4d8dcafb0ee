#include "text/pretokenizer.h"

#include "base/error.h"
#include "base/text.h"
#include "text/reference_unicode.h"

namespace pomona::text {

const std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

namespace {

/// Hands on the parts of one piece, delimiters as the behaviour says.
class Parts {
 public:
  Parts(const Piece& piece, Delimiters delimiters, bool invert, PieceSink next)
      : piece_(piece), delimiters_(delimiters), invert_(invert), next_(next) {}

  /// The next part is [begin, end).
  void add(std::size_t begin, std::size_t end, bool match) {
    if (begin == end) return;
    const bool delimiter = match != invert_;
    switch (delimiters_) {
      case Delimiters::removed:
        if (!delimiter) emit(begin, end);
        return;
      case Delimiters::isolated:
        emit(begin, end);
        return;
      case Delimiters::contiguous:
        if (delimiter != was_delimiter_) flush();
        break;
      case Delimiters::merged_with_previous:
        if (!delimiter || was_delimiter_) flush();
        break;
      case Delimiters::merged_with_next:
        if (delimiter || !was_delimiter_) flush();
        break;
    }
    was_delimiter_ = delimiter;
    end_ = end;
  }

  void flush() {
    emit(begin_, end_);
    begin_ = end_;
  }

 private:
  void emit(std::size_t begin, std::size_t end) {
    if (begin < end)
      next_(Piece{piece_.text.substr(begin, end - begin), piece_.at_start && begin == 0});
  }

  const Piece& piece_;
  Delimiters delimiters_;
  bool invert_;
  PieceSink next_;
  std::size_t begin_ = 0, end_ = 0;  // not handed on yet
  bool was_delimiter_ = false;
};

class PatternStep : public SplitStep {
 public:
  template <class Pattern>
  PatternStep(const Pattern& pattern, Delimiters delimiters, bool invert, Regex::View view)
      : regex_(pattern), delimiters_(delimiters), invert_(invert), view_(view) {}

  void split(const Piece& piece, PieceSink next) const override {
    Parts parts(piece, delimiters_, invert_, next);
    for (std::size_t at = 0; at < piece.text.size();) {
      const Regex::Match match = regex_.find(piece.text, at, view_);
      parts.add(at, match.begin, false);
      parts.add(match.begin, match.end, true);
      at = match.end;
    }
    parts.flush();
  }

 private:
  Regex regex_;
  Delimiters delimiters_;
  bool invert_;
  Regex::View view_;
};

class LiteralStep : public SplitStep {
 public:
  LiteralStep(std::string_view text, Delimiters delimiters, bool invert)
      : text_(text), delimiters_(delimiters), invert_(invert) {}

  void split(const Piece& piece, PieceSink next) const override {
    Parts parts(piece, delimiters_, invert_, next);
    const std::size_t size = piece.text.size();
    for (std::size_t at = 0; at < size;) {
      const std::size_t found = text_.empty() ? size : std::min(piece.text.find(text_, at), size);
      const std::size_t end = std::min(found + text_.size(), size);
      parts.add(at, found, false);
      parts.add(found, end, true);
      at = end;
    }
    parts.flush();
  }

 private:
  std::string text_;
  Delimiters delimiters_;
  bool invert_;
};

class MetaspaceStep : public SplitStep {
 public:
  MetaspaceStep(std::string_view mark, PrependMark prepend, bool split)
      : mark_(mark),
        prepend_(prepend),
        split_(split),
        marks_(mark, Delimiters::merged_with_next, false) {}

  void split(const Piece& piece, PieceSink next) const override {
    std::string text = replace_all(piece.text, " ", mark_);
    const bool prepends =
        prepend_ == PrependMark::always || (prepend_ == PrependMark::first && piece.at_start);
    if (prepends && !text.starts_with(mark_)) text.insert(0, mark_);
    const Piece marked{text, piece.at_start};
    if (split_) {
      marks_.split(marked, next);
    } else {
      next(marked);
    }
  }

 private:
  std::string mark_;
  PrependMark prepend_;
  bool split_;
  LiteralStep marks_;
};

class PrefixSpaceStep : public SplitStep {
 public:
  void split(const Piece& piece, PieceSink next) const override {
    if (piece.text.starts_with(' ')) return next(piece);
    std::string text(1, ' ');
    text += piece.text;
    next(Piece{text, piece.at_start});
  }
};

}  // namespace

void Pretokenizer::add_pattern(std::string_view pattern, Delimiters delimiters, bool invert) {
  add(std::make_unique<PatternStep>(pattern, delimiters, invert, view_));
}

void Pretokenizer::add_pattern(const RegexNode& tree, Delimiters delimiters, bool invert) {
  add(std::make_unique<PatternStep>(tree, delimiters, invert, view_));
}

void Pretokenizer::add_literal(std::string_view text, Delimiters delimiters, bool invert) {
  refuse_bytes("splitting at a literal text");
  add(std::make_unique<LiteralStep>(text, delimiters, invert));
}

void Pretokenizer::add_metaspace(std::string_view mark, PrependMark prepend, bool split) {
  refuse_bytes("Metaspace");
  add(std::make_unique<MetaspaceStep>(mark, prepend, split));
}

void Pretokenizer::add_byte_level(bool prefix_space, bool split) {
  refuse_bytes("ByteLevel");
  if (prefix_space) add(std::make_unique<PrefixSpaceStep>());
  if (split) add_pattern(kGpt2Pattern);
  view_ = Regex::View::byte_letters;
}

void Pretokenizer::refuse_bytes(std::string_view what) const {
  if (byte_level()) fail(ErrorKind::unsupported, "{} behind ByteLevel is not supported", what);
}

void Pretokenizer::run(std::size_t step, const Piece& piece, PieceSink sink) const {
  if (step == steps_.size()) return sink(piece);
  const auto next = [&](const Piece& part) { run(step + 1, part, sink); };
  steps_[step]->split(piece, next);
}

void add_punctuation(Pretokenizer& pretokenizer, Delimiters delimiters) {
  CharSet set = reference_unicode().punctuation;
  for (const char c : std::string_view("$+<=>^`|~")) {
    const auto mark = static_cast<char32_t>(c);  // ASCII's symbols count as well
    set = set.unite(CharSet::of_range(mark, mark));
  }
  pretokenizer.add_pattern(set_node(set), delimiters);
}

void add_words(Pretokenizer& pretokenizer) {
  const CharSet word = CharSet::word();
  RegexNode words;
  words.kind = RegexNode::Kind::choice;
  for (const CharSet& set : {word, word.unite(CharSet::white_space()).complement()})
    words.parts.push_back(repeat_node(set_node(set), 1, RegexNode::kUnbounded));
  pretokenizer.add_pattern(words, Delimiters::removed, true);
}

void add_bert(Pretokenizer& pretokenizer) {
  pretokenizer.add_pattern(set_node(CharSet::white_space()), Delimiters::removed);
  add_punctuation(pretokenizer, Delimiters::isolated);
}

}  // namespace pomona::text
