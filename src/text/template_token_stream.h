// A position in the tokens of a template, for the parsers.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "text/template_lexer.h"

namespace pomona::text::jinja {

/// The tokens of one template and a position in them.
class TokenStream {
 public:
  TokenStream(std::vector<Token> tokens, std::string origin)
      : tokens_(std::move(tokens)), origin_(std::move(origin)) {}

  const Token& peek(std::size_t ahead = 0) const;
  Token take();
  bool at(TokenType type) const { return peek().type == type; }
  bool at_op(std::string_view op) const { return at(TokenType::op) && peek().text == op; }
  bool at_name(std::string_view name) const { return at(TokenType::name) && peek().text == name; }
  bool take_op(std::string_view op);
  bool take_name(std::string_view name);
  void expect_op(std::string_view op);
  void expect_name(std::string_view name);
  std::string expect_identifier();
  void expect(TokenType type, std::string_view what);

  [[noreturn]] void error(std::string_view message) const;
  /// "unexpected X, expected WHAT" at the present token.
  [[noreturn]] void unexpected(std::string_view expected) const;
  const std::string& origin() const { return origin_; }

 private:
  std::vector<Token> tokens_;
  std::string origin_;
  std::size_t at_ = 0;
};

/// Counts a level of nesting while it lives; throws bad_file when a template nests too deep for the
/// stack.
class NestingGuard {
 public:
  NestingGuard(int& depth, const TokenStream& stream);
  ~NestingGuard() { --depth_; }
  NestingGuard(const NestingGuard&) = delete;
  NestingGuard& operator=(const NestingGuard&) = delete;

 private:
  int& depth_;
};

}  // namespace pomona::text::jinja
