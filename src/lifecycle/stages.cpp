// The stages of `run`, in the order of the life of an application. A new stage is one file in
// stages/ and one line here.
#include "lifecycle/stages/stages.h"

#include <array>

namespace pomona::lifecycle {
namespace {

constexpr std::array kStages = {
    kScope, kSelect, kPrompt, kEvaluate, kReport,
};

}  // namespace

std::span<const Stage> stages() { return kStages; }

}  // namespace pomona::lifecycle
