#include "text/template_expression_parser.h"

#include <fmt/format.h>

#include <cstdlib>
#include <limits>
#include <optional>

namespace pomona::text::jinja {
namespace {

/// Nodes in one expression: a long chain of operators is a deep tree, and trees are walked by
/// recursion.
constexpr int kMostNodes = 3000;

std::optional<BinaryOperator> product_operator(const Token& token) {
  if (token.type != TokenType::op) return std::nullopt;
  if (token.text == "*") return BinaryOperator::multiply;
  if (token.text == "/") return BinaryOperator::divide;
  if (token.text == "//") return BinaryOperator::floor_divide;
  if (token.text == "%") return BinaryOperator::modulo;
  return std::nullopt;
}

std::optional<Comparison> comparison(const Token& token) {
  if (token.type != TokenType::op) return std::nullopt;
  if (token.text == "==") return Comparison::equal;
  if (token.text == "!=") return Comparison::not_equal;
  if (token.text == "<") return Comparison::less;
  if (token.text == "<=") return Comparison::less_equal;
  if (token.text == ">") return Comparison::greater;
  if (token.text == ">=") return Comparison::greater_equal;
  return std::nullopt;
}

}  // namespace

template <class Node>
ExpressionPtr ExpressionParser::make(int line, Node node) {
  if (++nodes_ > kMostNodes)
    stream_.error(fmt::format("an expression has more than {} parts", kMostNodes));
  return std::make_unique<Expression>(Expression{line, std::move(node)});
}

ExpressionPtr ExpressionParser::start(bool conditional) {
  if (depth_ == 0) nodes_ = 0;
  const NestingGuard guard(depth_, stream_);
  return conditional ? parse_conditional() : parse_or();
}

ExpressionPtr ExpressionParser::parse(bool conditional) { return start(conditional); }

bool ExpressionParser::at_expression_end() const {
  const TokenType type = stream_.peek().type;
  return type == TokenType::variable_end || type == TokenType::block_end ||
         type == TokenType::end || stream_.at_op(")") || stream_.at_name("in");
}

ExpressionPtr ExpressionParser::parse_tuple(bool conditional) {
  const int line = stream_.peek().line;
  ExpressionPtr first = start(conditional);
  if (!stream_.at_op(",")) return first;
  ListDisplay tuple;
  tuple.tuple = true;
  tuple.items.push_back(std::move(first));
  while (stream_.take_op(",") && !at_expression_end()) tuple.items.push_back(start(conditional));
  return make(line, std::move(tuple));
}

ExpressionPtr ExpressionParser::parse_conditional() {
  const int line = stream_.peek().line;
  ExpressionPtr value = parse_or();
  while (stream_.take_name("if")) {
    Conditional node;
    node.condition = parse_or();
    node.yes = std::move(value);
    if (stream_.take_name("else")) node.no = start(true);
    value = make(line, std::move(node));
  }
  return value;
}

ExpressionPtr ExpressionParser::parse_or() {
  const int line = stream_.peek().line;
  ExpressionPtr left = parse_and();
  while (stream_.take_name("or")) {
    ExpressionPtr right = parse_and();
    left = make(line, Binary{BinaryOperator::logical_or, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_and() {
  const int line = stream_.peek().line;
  ExpressionPtr left = parse_not();
  while (stream_.take_name("and")) {
    ExpressionPtr right = parse_not();
    left = make(line, Binary{BinaryOperator::logical_and, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_not() {
  const int line = stream_.peek().line;
  if (!stream_.take_name("not")) return parse_compare();
  const NestingGuard guard(depth_, stream_);
  return make(line, Unary{UnaryOperator::logical_not, parse_not()});
}

ExpressionPtr ExpressionParser::parse_compare() {
  const int line = stream_.peek().line;
  Compare node;
  node.first = parse_sum();
  for (;;) {
    if (const auto op = comparison(stream_.peek())) {
      stream_.take();
      node.rest.emplace_back(*op, parse_sum());
    } else if (stream_.take_name("in")) {
      node.rest.emplace_back(Comparison::in, parse_sum());
    } else if (stream_.at_name("not") && stream_.peek(1).type == TokenType::name &&
               stream_.peek(1).text == "in") {
      stream_.take();
      stream_.take();
      node.rest.emplace_back(Comparison::not_in, parse_sum());
    } else {
      break;
    }
  }
  if (node.rest.empty()) return std::move(node.first);
  return make(line, std::move(node));
}

ExpressionPtr ExpressionParser::parse_sum() {
  const int line = stream_.peek().line;
  ExpressionPtr left = parse_concatenation();
  while (stream_.at_op("+") || stream_.at_op("-")) {
    const BinaryOperator op =
        stream_.take().text == "+" ? BinaryOperator::add : BinaryOperator::subtract;
    ExpressionPtr right = parse_concatenation();
    left = make(line, Binary{op, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_concatenation() {
  const int line = stream_.peek().line;
  ExpressionPtr left = parse_product();
  while (stream_.take_op("~")) {
    ExpressionPtr right = parse_product();
    left = make(line, Binary{BinaryOperator::concatenate, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_product() {
  const int line = stream_.peek().line;
  ExpressionPtr left = parse_power();
  while (const auto op = product_operator(stream_.peek())) {
    stream_.take();
    ExpressionPtr right = parse_power();
    left = make(line, Binary{*op, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_power() {
  const int line = stream_.peek().line;
  ExpressionPtr left = parse_unary(true);
  while (stream_.take_op("**")) {
    ExpressionPtr right = parse_unary(true);
    left = make(line, Binary{BinaryOperator::power, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_unary(bool with_filters) {
  const NestingGuard guard(depth_, stream_);
  const int line = stream_.peek().line;
  ExpressionPtr value;
  if (stream_.take_op("-")) {
    value = make(line, Unary{UnaryOperator::negative, parse_unary(false)});
  } else if (stream_.take_op("+")) {
    value = make(line, Unary{UnaryOperator::positive, parse_unary(false)});
  } else {
    value = parse_primary();
  }
  value = parse_postfix(std::move(value));
  return with_filters ? parse_filters(std::move(value)) : std::move(value);
}

ExpressionPtr ExpressionParser::parse_primary() {
  const Token& token = stream_.peek();
  switch (token.type) {
    case TokenType::name:
      return parse_name();
    case TokenType::string: {
      const int line = token.line;
      std::string text;
      while (stream_.at(TokenType::string)) text += stream_.take().text;
      return make(line, Constant{Value(std::move(text))});
    }
    case TokenType::integer:
    case TokenType::floating:
      return parse_number();
    default:
      break;
  }
  if (stream_.at_op("(")) return parse_parentheses();
  if (stream_.at_op("[")) return parse_list();
  if (stream_.at_op("{")) return parse_dict();
  stream_.unexpected("an expression");
}

ExpressionPtr ExpressionParser::parse_name() {
  Token token = stream_.take();
  if (token.text == "true" || token.text == "True") return make(token.line, Constant{Value(true)});
  if (token.text == "false" || token.text == "False")
    return make(token.line, Constant{Value(false)});
  if (token.text == "none" || token.text == "None") return make(token.line, Constant{None{}});
  return make(token.line, Name{std::move(token.text)});
}

ExpressionPtr ExpressionParser::parse_number() {
  const Token token = stream_.take();
  if (token.type == TokenType::floating)
    return make(token.line, Constant{Value(std::strtod(token.text.c_str(), nullptr))});
  std::int64_t value = 0;
  for (const char c : token.text) {
    if (value > (std::numeric_limits<std::int64_t>::max() - 9) / 10)
      stream_.error("an integer is too large");
    value = value * 10 + (c - '0');
  }
  return make(token.line, Constant{Value(value)});
}

ExpressionPtr ExpressionParser::parse_parentheses() {
  const int line = stream_.take().line;
  if (stream_.take_op(")")) return make(line, ListDisplay{{}, true});
  ExpressionPtr inside = parse_tuple();
  stream_.expect_op(")");
  return inside;
}

ExpressionPtr ExpressionParser::parse_list() {
  const int line = stream_.take().line;
  ListDisplay list;
  while (!stream_.take_op("]")) {
    if (!list.items.empty()) stream_.expect_op(",");
    if (stream_.take_op("]")) break;
    list.items.push_back(start(true));
  }
  return make(line, std::move(list));
}

ExpressionPtr ExpressionParser::parse_dict() {
  const int line = stream_.take().line;
  DictDisplay dict;
  while (!stream_.take_op("}")) {
    if (!dict.items.empty()) stream_.expect_op(",");
    if (stream_.take_op("}")) break;
    ExpressionPtr key = start(true);
    stream_.expect_op(":");
    dict.items.emplace_back(std::move(key), start(true));
  }
  return make(line, std::move(dict));
}

ExpressionPtr ExpressionParser::parse_postfix(ExpressionPtr object) {
  for (;;) {
    const int line = stream_.peek().line;
    if (stream_.take_op(".")) {
      if (stream_.at(TokenType::integer)) {
        ExpressionPtr index = parse_number();
        object = make(line, Item{std::move(object), std::move(index)});
      } else {
        object = make(line, Attribute{std::move(object), stream_.expect_identifier()});
      }
    } else if (stream_.at_op("[")) {
      object = parse_subscript(std::move(object));
    } else if (stream_.at_op("(")) {
      ArgumentList arguments = parse_arguments();
      object = make(line, Call{std::move(object), std::move(arguments)});
    } else {
      return object;
    }
  }
}

ExpressionPtr ExpressionParser::parse_subscript(ExpressionPtr object) {
  const int line = stream_.take().line;
  ExpressionPtr parts[3];
  int count = 0;  // of colons
  for (;;) {
    if (!stream_.at_op(":") && !stream_.at_op("]")) parts[count] = start(true);
    if (count == 2 || !stream_.take_op(":")) break;
    ++count;
  }
  stream_.expect_op("]");
  if (count > 0)
    return make(line, Slice{std::move(object), std::move(parts[0]), std::move(parts[1]),
                            std::move(parts[2])});
  if (parts[0] == nullptr) stream_.error("expected an index between the brackets");
  return make(line, Item{std::move(object), std::move(parts[0])});
}

ExpressionPtr ExpressionParser::parse_filters(ExpressionPtr input) {
  for (;;) {
    const int line = stream_.peek().line;
    if (stream_.at_op("|")) {
      stream_.take();
      input = parse_filter(std::move(input));
    } else if (stream_.at_name("is")) {
      input = parse_test(std::move(input));
    } else if (stream_.at_op("(")) {
      ArgumentList arguments = parse_arguments();
      input = make(line, Call{std::move(input), std::move(arguments)});
    } else {
      return input;
    }
  }
}

std::string ExpressionParser::parse_dotted_name() {
  std::string name = stream_.expect_identifier();
  while (stream_.take_op(".")) name.append(".").append(stream_.expect_identifier());
  return name;
}

ExpressionPtr ExpressionParser::parse_filter(ExpressionPtr input) {
  const int line = stream_.peek().line;
  Filter filter;
  filter.input = std::move(input);
  filter.name = parse_dotted_name();
  if (stream_.at_op("(")) filter.arguments = parse_arguments();
  return make(line, std::move(filter));
}

ExpressionPtr ExpressionParser::parse_filter_chain(bool first_pipe) {
  nodes_ = 0;
  const NestingGuard guard(depth_, stream_);  // arguments belong to this expression
  ExpressionPtr chain;
  if (!first_pipe) chain = parse_filter(nullptr);
  while (stream_.take_op("|")) chain = parse_filter(std::move(chain));
  return chain;
}

ExpressionPtr ExpressionParser::parse_test(ExpressionPtr input) {
  const int line = stream_.take().line;
  Test test;
  test.negated = stream_.take_name("not");
  test.input = std::move(input);
  test.name = parse_dotted_name();
  const Token& next = stream_.peek();
  const bool value = next.type == TokenType::string || next.type == TokenType::integer ||
                     next.type == TokenType::floating || stream_.at_op("[") || stream_.at_op("{");
  const bool word = next.type == TokenType::name && next.text != "else" && next.text != "or" &&
                    next.text != "and" && next.text != "is" && next.text != "if" &&
                    next.text != "in" && next.text != "not" && next.text != "recursive";
  if (stream_.at_op("(")) {
    test.arguments = parse_arguments();
  } else if (value || word) {
    const NestingGuard guard(depth_, stream_);
    test.arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  return make(line, std::move(test));
}

ArgumentList ExpressionParser::parse_arguments() {
  stream_.expect_op("(");
  ArgumentList arguments;
  bool first = true;
  while (!stream_.take_op(")")) {
    if (!first) {
      stream_.expect_op(",");
      if (stream_.take_op(")")) break;
    }
    first = false;
    if (stream_.at_op("*") || stream_.at_op("**"))
      stream_.error("arguments with * or ** are not supported");
    const bool named = stream_.at(TokenType::name) && stream_.peek(1).type == TokenType::op &&
                       stream_.peek(1).text == "=";
    if (named) {
      std::string name = stream_.take().text;
      stream_.take();
      arguments.named.emplace_back(std::move(name), start(true));
    } else if (!arguments.named.empty()) {
      stream_.error("a positional argument follows a named one");
    } else {
      arguments.positional.push_back(start(true));
    }
  }
  return arguments;
}

}  // namespace pomona::text::jinja
