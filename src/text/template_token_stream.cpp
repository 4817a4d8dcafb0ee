#include "text/template_token_stream.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/quote.h"

namespace pomona::text::jinja {
namespace {

constexpr int kDeepestNesting = 60;

}  // namespace

const Token& TokenStream::peek(std::size_t ahead) const {
  return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

Token TokenStream::take() {
  Token token = peek();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool TokenStream::take_op(std::string_view op) {
  if (!at_op(op)) return false;
  take();
  return true;
}

bool TokenStream::take_name(std::string_view name) {
  if (!at_name(name)) return false;
  take();
  return true;
}

void TokenStream::expect_op(std::string_view op) {
  if (!take_op(op)) unexpected(fmt::format("'{}'", op));
}

void TokenStream::expect_name(std::string_view name) {
  if (!take_name(name)) unexpected(fmt::format("'{}'", name));
}

std::string TokenStream::expect_identifier() {
  if (!at(TokenType::name)) unexpected("a name");
  return take().text;
}

void TokenStream::expect(TokenType type, std::string_view what) {
  if (!at(type)) unexpected(what);
  take();
}

void TokenStream::error(std::string_view message) const {
  syntax_error(origin_, peek().line, message);
}

void TokenStream::unexpected(std::string_view expected) const {
  const auto found = [&]() -> std::string {
    switch (peek().type) {
      case TokenType::end:
        return "the end of the template";
      case TokenType::block_end:
      case TokenType::variable_end:
        return "the end of the tag";
      case TokenType::data:
        return "text";
      case TokenType::string:
        return "a string";
      default:
        return fmt::format("'{}'", shortened(peek().text));
    }
  };
  error(fmt::format("unexpected {}, expected {}", found(), expected));
}

NestingGuard::NestingGuard(int& depth, const TokenStream& stream) : depth_(depth) {
  if (++depth_ > kDeepestNesting) {
    --depth_;
    stream.error(fmt::format("nested more than {} deep", kDeepestNesting));
  }
}

}  // namespace pomona::text::jinja
