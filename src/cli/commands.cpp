// The table of sub-commands.
#include <array>

#include "cli/command.h"

namespace pomona::cli {

extern const Command kRun, kInit, kData, kPull, kList, kShow, kRm, kClean, kChat, kGenerate,
    kTokenize, kTemplate, kTune, kImatrix, kQuantize, kConvert, kMerge, kScore, kPerplexity, kBench,
    kHelp, kCompletion;

namespace {

const std::array kCommands = {
    &kRun,         //
    &kInit,        //
    &kData,        //
    &kPull,        //
    &kList,        //
    &kShow,        //
    &kRm,          //
    &kClean,       //
    &kTune,        //
    &kImatrix,     //
    &kQuantize,    //
    &kConvert,     //
    &kMerge,       //
    &kChat,        //
    &kGenerate,    //
    &kTokenize,    //
    &kTemplate,    //
    &kScore,       //
    &kPerplexity,  //
    &kBench,       //
    &kHelp,        //
    &kCompletion,  //
};

}  // namespace

std::span<const Command* const> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  for (const Command* command : kCommands) {
    if (command->name == name) return command;
  }
  return nullptr;
}

Prepared::Prepared(const Command& command) : arguments(std::string(command.name)) {
  action = command.prepare(arguments);
  if (command.json) arguments.flag("--json", json, "one JSON object on standard output");
  arguments.flag("-h,--help", help, "this text");
}

}  // namespace pomona::cli
