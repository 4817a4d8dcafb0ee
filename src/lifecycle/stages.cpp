// The stages of `run`, in the order of the life of an application. A new stage is one file in
// stages/ and its line here.
#include <array>

#include "lifecycle/stage.h"

namespace pomona::lifecycle {

extern const Stage kScope, kSelect, kPrompt, kTune, kEvaluate, kCompress, kReport;

namespace {

const std::array kStages = {
    &kScope,     // the data are checked before anything begins that takes long
    &kSelect,    // the model is chosen, fetched and measured
    &kPrompt,    // prompts, which are methods, and whether they fit into the model's context
    &kTune,      // training: methods that make a model of their own, or an adapter
    &kEvaluate,  // every method answers the rows, and the answers are compared
    &kCompress,  // what is promoted, in smaller types, and what each of them costs and loses
    &kReport,    // report.html, report.json, and the alias of what is promoted
};

}  // namespace

std::span<const Stage* const> stages() { return kStages; }

}  // namespace pomona::lifecycle
