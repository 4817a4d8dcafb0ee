// The names that a template can see while it runs.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/template_value.h"

namespace pomona::text::jinja {

/// The names of a block, with those of the block around it behind.
class Scope {
 public:
  explicit Scope(std::shared_ptr<const Scope> parent) : parent_(std::move(parent)) {}

  void set(const std::string& name, Value value) {
    for (auto& [known, old] : names_) {
      if (known != name) continue;
      old = std::move(value);
      return;
    }
    names_.emplace_back(name, std::move(value));
  }

  const Value* find(const std::string& name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent_.get())
      for (const auto& [known, value] : scope->names_)
        if (known == name) return &value;
    return nullptr;
  }

 private:
  std::shared_ptr<const Scope> parent_;
  std::vector<std::pair<std::string, Value>> names_;
};

using ScopePtr = std::shared_ptr<Scope>;

/// Sets the functions every template has: raise_exception, strftime_now (of the local time `now`),
/// namespace, dict and range. `budget` and `now` must outlive the scope.
void add_globals(Scope& scope, const std::string& now, Budget& budget);

/// Sets space.name = value. Throws bad_argument for a value that could make a cycle.
void set_attribute(Namespace& space, const std::string& name, const Value& value, Budget& budget);

/// A function value.
Value make_callable(std::string name, std::function<Value(Arguments&)> call);

}  // namespace pomona::text::jinja
