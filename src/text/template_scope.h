// The names that a template can see while it runs.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "text/template_value.h"

namespace pomona::text::jinja {

/// The names of a block, with those of the block around it behind.
class Scope {
 public:
  explicit Scope(std::shared_ptr<const Scope> parent)
      : parent_(std::move(parent)), depth_(parent_ == nullptr ? 0 : parent_->depth_ + 1) {}

  void set(const std::string& name, Value value) { names_.set(name, std::move(value)); }

  const Value* find(std::string_view name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent_.get())
      if (const Value* value = scope->names_.find(name)) return value;
    return nullptr;
  }

  /// The number of blocks around this one.
  std::uint64_t depth() const { return depth_; }

 private:
  std::shared_ptr<const Scope> parent_;
  std::uint64_t depth_;
  OrderedMap<std::string, Value, NameKeys> names_;
};

using ScopePtr = std::shared_ptr<Scope>;

/// Sets the functions every template has: raise_exception, strftime_now (of the local time `now`),
/// namespace, dict and range. `budget` and `now` must outlive the scope.
void add_globals(Scope& scope, const std::string& now, Budget& budget);

/// Sets space.name = value. Throws bad_argument for a value that could make a cycle.
void set_attribute(Namespace& space, const std::string& name, const Value& value, Budget& budget);

}  // namespace pomona::text::jinja
