#include "text/template_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "base/error.h"
#include "base/quote.h"
#include "text/template_expression_parser.h"
#include "text/template_lexer.h"

namespace pomona::text::jinja {
namespace {

class Parser {
 public:
  explicit Parser(TokenStream stream) : stream_(std::move(stream)), expressions_(stream_) {}

  Block run() {
    Block block = parse_block({});
    if (!stream_.at(TokenType::end)) stream_.unexpected("the end of the template");
    return block;
  }

 private:
  using Names = std::initializer_list<std::string_view>;

  bool at_tag(Names names) const {
    if (!stream_.at(TokenType::block_begin) || stream_.peek(1).type != TokenType::name)
      return false;
    return std::find(names.begin(), names.end(), stream_.peek(1).text) != names.end();
  }

  /// The statements up to a tag with one of `ends`, of which the "{%" and the name are taken too.
  Block parse_body(Names ends, std::string& end) {
    const NestingGuard guard(depth_, stream_);
    Block block = parse_block(ends);
    if (!stream_.at(TokenType::block_begin))
      stream_.error(fmt::format("the template ends before '{}'", *(ends.end() - 1)));
    stream_.take();
    end = stream_.take().text;
    return block;
  }

  /// A body with one possible end, taken whole.
  Block parse_body_to(std::string_view name) {
    std::string end;
    Block block = parse_body({name}, end);
    stream_.expect(TokenType::block_end, "the end of the tag");
    return block;
  }

  Block parse_block(Names ends) {
    Block block;
    while (!stream_.at(TokenType::end) && !at_tag(ends)) {
      const int line = stream_.peek().line;
      if (stream_.at(TokenType::data)) {
        block.push_back({line, Text{stream_.take().text}});
      } else if (stream_.at(TokenType::variable_begin)) {
        stream_.take();
        block.push_back({line, Output{expressions_.parse_tuple()}});
        stream_.expect(TokenType::variable_end, "the end of the tag");
      } else {
        stream_.take();
        parse_statement(line, block);
      }
    }
    return block;
  }

  void end_tag() { stream_.expect(TokenType::block_end, "the end of the tag"); }

  void parse_statement(int line, Block& block) {
    const std::string name = stream_.expect_identifier();
    if (name == "if") return block.push_back({line, parse_if()});
    if (name == "for") return block.push_back({line, parse_for()});
    if (name == "set") return parse_set(line, block);
    if (name == "macro") return block.push_back({line, parse_macro()});
    if (name == "call") return block.push_back({line, parse_call()});
    if (name == "filter") return block.push_back({line, parse_filter()});
    if (name == "with") return block.push_back({line, parse_with()});
    if (name == "break" || name == "continue") {
      if (loops_ == 0) stream_.error(fmt::format("'{}' outside of a loop", name));
      end_tag();
      if (name == "break") return block.push_back({line, Break{}});
      return block.push_back({line, Continue{}});
    }
    if (name == "generation") {
      end_tag();
      return block.push_back({line, Group{parse_body_to("endgeneration")}});
    }
    for (const std::string_view other : {"include", "import", "from", "extends", "block"}) {
      if (name == other)
        fail(ErrorKind::unsupported,
             "template {}: line {}: '{}' is not supported in chat templates", stream_.origin(),
             line, name);
    }
    stream_.error(fmt::format("unknown tag '{}'", shortened(name)));
  }

  If parse_if() {
    If node;
    std::string end = "elif";
    while (end == "elif") {
      ExpressionPtr condition = expressions_.parse_tuple();
      end_tag();
      Block body = parse_body({"elif", "else", "endif"}, end);
      node.branches.emplace_back(std::move(condition), std::move(body));
    }
    end_tag();
    if (end == "else") node.otherwise = parse_body_to("endif");
    return node;
  }

  For parse_for() {
    For node;
    const bool brackets = stream_.take_op("(");
    node.targets.push_back(stream_.expect_identifier());
    while (stream_.take_op(",")) node.targets.push_back(stream_.expect_identifier());
    if (brackets) stream_.expect_op(")");
    stream_.expect_name("in");
    node.iterable = expressions_.parse_tuple(false);
    if (stream_.take_name("if")) node.condition = expressions_.parse();
    node.recursive = stream_.take_name("recursive");
    end_tag();
    std::string end;
    ++loops_;
    node.body = parse_body({"else", "endfor"}, end);
    --loops_;
    end_tag();
    if (end == "else") node.otherwise = parse_body_to("endfor");
    return node;
  }

  Target parse_target() {
    Target target;
    target.name = stream_.expect_identifier();
    if (stream_.take_op(".")) target.attribute = stream_.expect_identifier();
    return target;
  }

  void parse_set(int line, Block& block) {
    const bool brackets = stream_.take_op("(");
    Set node;
    node.targets.push_back(parse_target());
    while (stream_.take_op(",")) node.targets.push_back(parse_target());
    if (brackets) stream_.expect_op(")");
    if (stream_.take_op("=")) {
      node.value = expressions_.parse_tuple();
      end_tag();
      block.push_back({line, std::move(node)});
      return;
    }
    if (node.targets.size() != 1) stream_.unexpected("'='");
    SetBlock body;
    body.target = std::move(node.targets[0]);
    if (stream_.at_op("|")) body.filter = expressions_.parse_filter_chain(true);
    end_tag();
    body.body = parse_body_to("endset");
    block.push_back({line, std::move(body)});
  }

  void parse_parameters(MacroDefinition& macro) {
    if (!stream_.take_op("(")) return;
    bool first = true;
    while (!stream_.take_op(")")) {
      if (!first) stream_.expect_op(",");
      first = false;
      std::string name = stream_.expect_identifier();
      ExpressionPtr fallback;
      if (stream_.take_op("=")) fallback = expressions_.parse();
      macro.parameters.emplace_back(std::move(name), std::move(fallback));
    }
  }

  MacroDefinition parse_macro() {
    MacroDefinition macro;
    macro.name = stream_.expect_identifier();
    if (!stream_.at_op("(")) stream_.unexpected("'('");
    parse_parameters(macro);
    end_tag();
    macro.body = parse_closed_body("endmacro");
    return macro;
  }

  /// A body in which an outer loop cannot be left.
  Block parse_closed_body(std::string_view end) {
    const int outer = std::exchange(loops_, 0);
    Block body = parse_body_to(end);
    loops_ = outer;
    return body;
  }

  CallBlock parse_call() {
    CallBlock node;
    node.caller.name = "caller";
    parse_parameters(node.caller);
    node.call = expressions_.parse();
    if (!std::holds_alternative<Call>(node.call->node)) stream_.error("expected a call");
    end_tag();
    node.caller.body = parse_closed_body("endcall");
    return node;
  }

  FilterBlock parse_filter() {
    FilterBlock node;
    node.filter = expressions_.parse_filter_chain(false);
    end_tag();
    node.body = parse_body_to("endfilter");
    return node;
  }

  With parse_with() {
    With node;
    while (!stream_.at(TokenType::block_end)) {
      if (!node.variables.empty()) stream_.expect_op(",");
      std::string name = stream_.expect_identifier();
      stream_.expect_op("=");
      node.variables.emplace_back(std::move(name), expressions_.parse());
    }
    end_tag();
    node.body = parse_body_to("endwith");
    return node;
  }

  TokenStream stream_;
  ExpressionParser expressions_;
  int depth_ = 0;
  int loops_ = 0;
};

}  // namespace

Block parse_template(std::string_view source, const std::string& origin) {
  return Parser(TokenStream(tokenize_template(source, origin), origin)).run();
}

}  // namespace pomona::text::jinja
