// Modules: structs whose member names are checkpoint names. A module names its members once, in
//   template <class Visit> void each(Visit&& visit) { visit("weight", weight); ... }
// and that serves loading, saving, counting, adapting and optimising.
#pragma once
#include <string>
#include <type_traits>

#include "tensor/packed.h"

namespace pomona::nn {

/// Calls f(path, parameter) for every Parameter of `module`, in the order of its members; a path is
/// the members' names joined by dots, as in checkpoints.
template <class Module, class F>
void each_parameter(Module& module, const std::string& prefix, F&& f) {
  module.each([&](const std::string& name, auto& member) {
    const std::string path = prefix.empty() ? name : prefix + "." + name;
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(member)>, Parameter>) {
      f(path, member);
    } else {
      each_parameter(member, path, f);
    }
  });
}

}  // namespace pomona::nn
