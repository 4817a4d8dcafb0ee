#include "text/template_render.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "base/error.h"
#include "text/template_functions.h"
#include "text/template_scope.h"

namespace pomona::text::jinja {
namespace {

constexpr int kDeepestRun = 250;

/// How a block ended.
enum class Flow { normal, broken, continued };

class Renderer {
 public:
  explicit Renderer(const std::string& now) : now_(now) {}

  std::string run(const Block& block, const Json& context) {
    const auto names = std::make_shared<Scope>(nullptr);
    add_globals(*names, now_, budget_);
    for (const auto& item : context.items())
      names->set(item.key(), from_json(item.value(), budget_));
    const auto top = std::make_shared<Scope>(names);
    return capture(block, top).take();
  }

 private:
  /// Counts a level of recursion while it lives.
  class Level {
   public:
    explicit Level(int& depth) : depth_(depth) {
      if (++depth_ <= kDeepestRun) return;
      --depth_;
      fail(ErrorKind::exhausted, "template: nested more than {} deep while running", kDeepestRun);
    }
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    int& depth_;
  };

  /// Sends the output to `text` while it lives.
  class Redirect {
   public:
    Redirect(Writer*& out, Writer& text) : out_(out), outer_(std::exchange(out, &text)) {}
    ~Redirect() { out_ = outer_; }
    Redirect(const Redirect&) = delete;
    Redirect& operator=(const Redirect&) = delete;

   private:
    Writer*& out_;
    Writer* outer_;
  };

  // --- statements ---

  /// The text that a block writes.
  Writer capture(const Block& block, const ScopePtr& scope) {
    Writer text(budget_);
    const Redirect redirect(out_, text);
    execute(block, scope);
    return text;
  }

  Flow execute(const Block& block, const ScopePtr& scope) {
    const Level level(depth_);
    for (const Statement& statement : block) {
      budget_.charge(1);
      const Flow flow =
          std::visit([&](const auto& node) { return perform(node, scope); }, statement.node);
      if (flow != Flow::normal) return flow;
    }
    return Flow::normal;
  }

  Flow perform(const Text& node, const ScopePtr&) {
    out_->put(node.text);
    return Flow::normal;
  }

  Flow perform(const Output& node, const ScopePtr& scope) {
    const Value value = evaluate(*node.expression, scope);
    write(value);
    return Flow::normal;
  }

  void write(const Value& value) {
    budget_.charge(weight_of(value));
    write_text(*out_, value);
  }

  Flow perform(const If& node, const ScopePtr& scope) {
    for (const auto& [condition, body] : node.branches)
      if (truthy(evaluate(*condition, scope))) return execute(body, scope);
    return execute(node.otherwise, scope);
  }

  Flow perform(const For& node, const ScopePtr& scope) {
    const Value iterable = evaluate(*node.iterable, scope);
    run_loop(node, iterable, scope, 1);
    return Flow::normal;
  }

  void bind_targets(const std::vector<std::string>& targets, const Value& item, Scope& scope) {
    if (targets.size() == 1) return scope.set(targets[0], item);
    const Sequence parts = iterate(item, budget_);
    if (parts.size() > targets.size())
      template_error(fmt::format("too many values to unpack (expected {})", targets.size()));
    if (parts.size() < targets.size())
      template_error(fmt::format("not enough values to unpack (expected {}, got {})",
                                 targets.size(), parts.size()));
    for (std::size_t i = 0; i < targets.size(); ++i) scope.set(targets[i], parts[i]);
  }

  /// The items for which the loop's condition holds.
  Sequence satisfying(const For& node, const Sequence& items, const ScopePtr& scope) {
    ListWriter chosen(budget_);
    for (const Value& item : items) {
      const auto inner = std::make_shared<Scope>(scope);
      bind_targets(node.targets, item, *inner);
      if (truthy(evaluate(*node.condition, inner))) chosen.add(item);
    }
    return iterate(chosen.take(), budget_);
  }

  void run_loop(const For& node, const Value& iterable, const ScopePtr& scope, std::int64_t depth) {
    auto loop = std::make_shared<Loop>();
    loop->items = iterate(iterable, budget_);
    if (node.condition != nullptr) loop->items = satisfying(node, loop->items, scope);
    if (loop->items.empty()) {
      execute(node.otherwise, std::make_shared<Scope>(scope));
      return;
    }
    loop->depth = depth;
    if (node.recursive) {
      loop->recurse = [this, &node, scope, depth](const Value& items) {
        Writer text(budget_);
        const Redirect redirect(out_, text);
        const Level level(depth_);
        run_loop(node, items, scope, depth + 1);
        return make_string(std::move(text));
      };
    }
    for (loop->index = 0; loop->index < loop->items.size(); ++loop->index) {
      budget_.charge(1);
      const auto inner = std::make_shared<Scope>(scope);
      inner->set("loop", Value(loop));
      bind_targets(node.targets, loop->items[loop->index], *inner);
      if (execute(node.body, inner) == Flow::broken) return;
    }
  }

  void assign(const Target& target, const Value& value, const ScopePtr& scope) {
    if (!target.attribute) return scope->set(target.name, value);
    const Value* object = scope->find(target.name);
    const auto* space = object == nullptr ? nullptr : object->as<std::shared_ptr<Namespace>>();
    if (space == nullptr) template_error("cannot assign attribute on non-namespace object");
    set_attribute(**space, *target.attribute, value, budget_);
  }

  Flow perform(const Set& node, const ScopePtr& scope) {
    const Value value = evaluate(*node.value, scope);
    if (node.targets.size() == 1) {
      assign(node.targets[0], value, scope);
      return Flow::normal;
    }
    const Sequence parts = iterate(value, budget_);
    if (parts.size() != node.targets.size())
      template_error(
          fmt::format("expected {} values to unpack, got {}", node.targets.size(), parts.size()));
    for (std::size_t i = 0; i < parts.size(); ++i) assign(node.targets[i], parts[i], scope);
    return Flow::normal;
  }

  Flow perform(const SetBlock& node, const ScopePtr& scope) {
    Value text = make_string(capture(node.body, std::make_shared<Scope>(scope)));
    if (node.filter != nullptr) text = run_filter_chain(*node.filter, text, scope);
    assign(node.target, text, scope);
    return Flow::normal;
  }

  Flow perform(const FilterBlock& node, const ScopePtr& scope) {
    const Value text = make_string(capture(node.body, std::make_shared<Scope>(scope)));
    write(run_filter_chain(*node.filter, text, scope));
    return Flow::normal;
  }

  Flow perform(const MacroDefinition& node, const ScopePtr& scope) {
    scope->set(node.name, make_macro(node, scope));
    return Flow::normal;
  }

  Flow perform(const CallBlock& node, const ScopePtr& scope) {
    const Call& call = std::get<Call>(node.call->node);
    const Value callee = evaluate(*call.callee, scope);
    Arguments arguments = evaluate(call.arguments, scope);
    arguments.named.emplace_back("caller", make_macro(node.caller, scope));
    write(invoke(callee, arguments));
    return Flow::normal;
  }

  Flow perform(const With& node, const ScopePtr& scope) {
    const auto inner = std::make_shared<Scope>(scope);
    for (const auto& [name, expression] : node.variables)
      inner->set(name, evaluate(*expression, scope));
    return execute(node.body, inner);
  }

  Flow perform(const Group& node, const ScopePtr& scope) { return execute(node.body, scope); }
  Flow perform(const Break&, const ScopePtr&) { return Flow::broken; }
  Flow perform(const Continue&, const ScopePtr&) { return Flow::continued; }

  // --- macros and calls ---

  Value make_macro(const MacroDefinition& macro, const ScopePtr& scope) {
    // Only a weak reference: the scope holds the macro.
    const std::weak_ptr<Scope> home = scope;
    const auto call = [this, &macro, home](Arguments& arguments) {
      const ScopePtr outer = home.lock();
      if (outer == nullptr)
        template_error(fmt::format("macro '{}' was called outside of its block", macro.name));
      return run_macro(macro, arguments, outer);
    };
    return make_callable(macro.name, call, budget_);
  }

  Value run_macro(const MacroDefinition& macro, Arguments& arguments, const ScopePtr& outer) {
    const auto scope = std::make_shared<Scope>(outer);
    budget_.charge(arguments.named.size() * macro.parameters.size() / 8);  // of comparisons
    if (arguments.positional.size() > macro.parameters.size())
      template_error(fmt::format("macro '{}' takes not more than {} argument(s)", macro.name,
                                 macro.parameters.size()));
    for (const auto& [name, value] : arguments.named) {
      if (name != "caller" && !has_parameter(macro, name))
        template_error(fmt::format("macro '{}' takes no keyword argument '{}'", macro.name, name));
      scope->set(name, value);
    }
    for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
      const auto& [name, fallback] = macro.parameters[i];
      const bool named = std::any_of(arguments.named.begin(), arguments.named.end(),
                                     [&](const auto& entry) { return entry.first == name; });
      if (i < arguments.positional.size()) {
        if (named)
          template_error(
              fmt::format("macro '{}' got multiple values for argument '{}'", macro.name, name));
        scope->set(name, arguments.positional[i]);
      } else if (!named) {
        scope->set(name,
                   fallback != nullptr
                       ? evaluate(*fallback, scope)
                       : undefined(fmt::format("parameter '{}' was not provided", name), budget_));
      }
    }
    return make_string(capture(macro.body, scope));
  }

  static bool has_parameter(const MacroDefinition& macro, const std::string& name) {
    return std::any_of(macro.parameters.begin(), macro.parameters.end(),
                       [&](const auto& parameter) { return parameter.first == name; });
  }

  Value invoke(const Value& callee, Arguments& arguments) {
    require_defined(callee);
    if (const auto* loop = callee.as<std::shared_ptr<Loop>>()) {
      const auto bound = bind(arguments, "loop", {"iterable"});
      if (!(*loop)->recurse || !bound[0])
        template_error("The loop must have the 'recursive' marker to be called recursively.");
      return (*loop)->recurse(*bound[0]);
    }
    const auto* function = callee.as<std::shared_ptr<const Callable>>();
    if (function == nullptr)
      template_error(fmt::format("'{}' object is not callable", type_name(callee)));
    return (*function)->call(arguments);
  }

  // --- expressions ---

  Value evaluate(const Expression& expression, const ScopePtr& scope) {
    const Level level(depth_);
    budget_.charge(1);
    return std::visit([&](const auto& node) { return compute(node, scope); }, expression.node);
  }

  Arguments evaluate(const ArgumentList& list, const ScopePtr& scope) {
    Arguments arguments;
    for (const ExpressionPtr& argument : list.positional)
      arguments.positional.push_back(evaluate(*argument, scope));
    for (const auto& [name, argument] : list.named)
      arguments.named.emplace_back(name, evaluate(*argument, scope));
    return arguments;
  }

  Value compute(const Constant& node, const ScopePtr&) { return node.value; }

  Value compute(const Name& node, const ScopePtr& scope) {
    budget_.charge(scope->depth() / 8);
    if (const Value* value = scope->find(node.name)) return *value;
    return undefined(fmt::format("'{}' is undefined", node.name), budget_);
  }

  Value compute(const Attribute& node, const ScopePtr& scope) {
    return attribute_of(evaluate(*node.object, scope), node.name, budget_);
  }

  Value compute(const Item& node, const ScopePtr& scope) {
    const Value object = evaluate(*node.object, scope);
    return item_of(object, evaluate(*node.index, scope), budget_);
  }

  Value compute(const Slice& node, const ScopePtr& scope) {
    const auto part = [&](const ExpressionPtr& expression) {
      return expression == nullptr ? Value(None{}) : evaluate(*expression, scope);
    };
    const Value object = evaluate(*node.object, scope);
    const Value start = part(node.start);
    const Value stop = part(node.stop);
    return slice_of(object, start, stop, part(node.step), budget_);
  }

  Value compute(const Call& node, const ScopePtr& scope) {
    const Value callee = evaluate(*node.callee, scope);
    Arguments arguments = evaluate(node.arguments, scope);
    return invoke(callee, arguments);
  }

  /// A chain of filters whose innermost input is `text`.
  Value run_filter_chain(const Expression& expression, const Value& text, const ScopePtr& scope) {
    const Level level(depth_);
    const Filter& filter = std::get<Filter>(expression.node);
    const Value input =
        filter.input == nullptr ? text : run_filter_chain(*filter.input, text, scope);
    return apply_filter(filter.name, input, evaluate(filter.arguments, scope), budget_);
  }

  Value compute(const Filter& node, const ScopePtr& scope) {
    const Value input = evaluate(*node.input, scope);
    return apply_filter(node.name, input, evaluate(node.arguments, scope), budget_);
  }

  Value compute(const Test& node, const ScopePtr& scope) {
    const Value input = evaluate(*node.input, scope);
    return apply_test(node.name, input, evaluate(node.arguments, scope), budget_) != node.negated;
  }

  Value compute(const Unary& node, const ScopePtr& scope) {
    const Value operand = evaluate(*node.operand, scope);
    if (node.op == UnaryOperator::logical_not) return !truthy(operand);
    return apply_sign(node.op, operand);
  }

  Value compute(const Binary& node, const ScopePtr& scope) {
    Value left = evaluate(*node.left, scope);
    if (node.op == BinaryOperator::logical_and)
      return truthy(left) ? evaluate(*node.right, scope) : left;
    if (node.op == BinaryOperator::logical_or)
      return truthy(left) ? left : evaluate(*node.right, scope);
    return apply_binary(node.op, left, evaluate(*node.right, scope), budget_);
  }

  Value compute(const Compare& node, const ScopePtr& scope) {
    Value left = evaluate(*node.first, scope);
    for (const auto& [op, operand] : node.rest) {
      Value right = evaluate(*operand, scope);
      if (!apply_comparison(op, left, right, budget_)) return false;
      left = std::move(right);
    }
    return true;
  }

  Value compute(const Conditional& node, const ScopePtr& scope) {
    if (truthy(evaluate(*node.condition, scope))) return evaluate(*node.yes, scope);
    if (node.no != nullptr) return evaluate(*node.no, scope);
    return undefined("the inline if-expression evaluated to false and no else section was defined.",
                     budget_);
  }

  Value compute(const ListDisplay& node, const ScopePtr& scope) {
    ListWriter items(budget_);
    for (const ExpressionPtr& item : node.items) items.add(evaluate(*item, scope));
    return items.take(node.tuple);
  }

  Value compute(const DictDisplay& node, const ScopePtr& scope) {
    std::vector<std::pair<Value, Value>> items;
    for (const auto& [key, value] : node.items) {
      Value name = evaluate(*key, scope);
      items.emplace_back(std::move(name), evaluate(*value, scope));
    }
    return make_dict(items, budget_);
  }

  const std::string& now_;
  Budget budget_;
  Writer* out_ = nullptr;
  int depth_ = 0;
};

}  // namespace

std::string render_block(const Block& block, const Json& context, const std::string& now) {
  return Renderer(now).run(block, context);
}

}  // namespace pomona::text::jinja
