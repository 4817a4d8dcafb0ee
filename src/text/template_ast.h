// The parsed form of a chat template: expressions and statements.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "text/template_value.h"

namespace pomona::text::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct ArgumentList {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
};

struct Constant {
  Value value;
};
struct Name {
  std::string name;
};
/// object.name
struct Attribute {
  ExpressionPtr object;
  std::string name;
};
/// object[index]
struct Item {
  ExpressionPtr object;
  ExpressionPtr index;
};
/// object[start:stop:step], each of which may be null.
struct Slice {
  ExpressionPtr object;
  ExpressionPtr start;
  ExpressionPtr stop;
  ExpressionPtr step;
};
struct Call {
  ExpressionPtr callee;
  ArgumentList arguments;
};
/// input | name(arguments); a null input stands for the text of a block.
struct Filter {
  ExpressionPtr input;
  std::string name;
  ArgumentList arguments;
};
struct Test {
  ExpressionPtr input;
  std::string name;
  ArgumentList arguments;
  bool negated = false;
};
enum class UnaryOperator { negative, positive, logical_not };
struct Unary {
  UnaryOperator op;
  ExpressionPtr operand;
};
enum class BinaryOperator {
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power,
  concatenate,
  logical_and,
  logical_or,
};
struct Binary {
  BinaryOperator op;
  ExpressionPtr left;
  ExpressionPtr right;
};
enum class Comparison { equal, not_equal, less, less_equal, greater, greater_equal, in, not_in };
/// first op operand op operand ...: each neighbouring pair must hold.
struct Compare {
  ExpressionPtr first;
  std::vector<std::pair<Comparison, ExpressionPtr>> rest;
};
/// yes if condition else no; without else the value is undefined.
struct Conditional {
  ExpressionPtr condition;
  ExpressionPtr yes;
  ExpressionPtr no;
};
struct ListDisplay {
  std::vector<ExpressionPtr> items;
  bool tuple = false;
};
struct DictDisplay {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> items;
};

struct Expression {
  int line;
  std::variant<Constant, Name, Attribute, Item, Slice, Call, Filter, Test, Unary, Binary, Compare,
               Conditional, ListDisplay, DictDisplay>
      node;
};

struct Statement;
using Block = std::vector<Statement>;

struct Text {
  std::string text;
};
struct Output {
  ExpressionPtr expression;
};
struct If {
  std::vector<std::pair<ExpressionPtr, Block>> branches;
  Block otherwise;
};
struct For {
  std::vector<std::string> targets;
  ExpressionPtr iterable;
  ExpressionPtr condition;  // may be null
  Block body;
  Block otherwise;
  bool recursive = false;
};
/// A name, or attribute `attribute` of the namespace `name`.
struct Target {
  std::string name;
  std::optional<std::string> attribute;
};
struct Set {
  std::vector<Target> targets;
  ExpressionPtr value;
};
/// {% set target | filter %} body {% endset %}
struct SetBlock {
  Target target;
  ExpressionPtr filter;  // may be null; its innermost input is the body's text
  Block body;
};
struct MacroDefinition {
  std::string name;
  std::vector<std::pair<std::string, ExpressionPtr>> parameters;  // with default, or null
  Block body;
};
/// {% call(parameters) macro(arguments) %} body {% endcall %}
struct CallBlock {
  MacroDefinition caller;
  ExpressionPtr call;
};
struct FilterBlock {
  ExpressionPtr filter;  // its innermost input is the body's text
  Block body;
};
struct With {
  std::vector<std::pair<std::string, ExpressionPtr>> variables;
  Block body;
};
struct Break {};
struct Continue {};
/// A body that stands for itself, such as {% generation %}.
struct Group {
  Block body;
};

struct Statement {
  int line;
  std::variant<Text, Output, If, For, Set, SetBlock, MacroDefinition, CallBlock, FilterBlock, With,
               Break, Continue, Group>
      node;
};

}  // namespace pomona::text::jinja
