// Parses the expressions inside of template tags (Jinja 3.1's grammar).
#pragma once
#include <string>
#include <string_view>

#include "text/template_ast.h"
#include "text/template_token_stream.h"

namespace pomona::text::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& stream) : stream_(stream) {}

  /// An expression without commas at its top level; `conditional` allows "a if b else c".
  ExpressionPtr parse(bool conditional = true);

  /// One expression, or a tuple of several with commas between.
  ExpressionPtr parse_tuple(bool conditional = true);

  /// name(arguments)|name... behind a filter block's or block assignment's tag; the innermost input
  /// is null. `first_pipe` tells that the chain starts with "|".
  ExpressionPtr parse_filter_chain(bool first_pipe);

 private:
  ExpressionPtr start(bool conditional);
  ExpressionPtr parse_conditional();
  ExpressionPtr parse_or();
  ExpressionPtr parse_and();
  ExpressionPtr parse_not();
  ExpressionPtr parse_compare();
  ExpressionPtr parse_sum();
  ExpressionPtr parse_concatenation();
  ExpressionPtr parse_product();
  ExpressionPtr parse_power();
  ExpressionPtr parse_unary(bool with_filters);
  ExpressionPtr parse_primary();
  ExpressionPtr parse_name();
  ExpressionPtr parse_number();
  ExpressionPtr parse_parentheses();
  ExpressionPtr parse_list();
  ExpressionPtr parse_dict();
  ExpressionPtr parse_postfix(ExpressionPtr object);
  ExpressionPtr parse_subscript(ExpressionPtr object);
  ExpressionPtr parse_filters(ExpressionPtr input);
  ExpressionPtr parse_filter(ExpressionPtr input);
  ExpressionPtr parse_test(ExpressionPtr input);
  ArgumentList parse_arguments();
  std::string parse_dotted_name();
  bool at_expression_end() const;

  template <class Node>
  ExpressionPtr make(int line, Node node);

  TokenStream& stream_;
  int depth_ = 0;
  int nodes_ = 0;
};

}  // namespace pomona::text::jinja
