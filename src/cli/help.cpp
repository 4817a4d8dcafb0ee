#include "cli/help.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "cli/terminal.h"
#include "simd/cpu.h"

namespace pomona::cli {
namespace {

constexpr std::array<std::pair<Group, std::string_view>, 5> kHeadings = {{
    {Group::life, "The whole life of an application"},
    {Group::models, "Models on this computer"},
    {Group::use, "Use a model"},
    {Group::judge, "Know how good and how fast it is"},
    {Group::other, "More"},
}};

/// The left column takes at most this much; longer names stand on a line of their own.
constexpr std::size_t kLeft = 28;

std::string row(std::string_view left, std::string_view right, std::size_t left_columns,
                std::size_t columns) {
  const std::size_t indent = left_columns + 4;
  std::string line = fmt::format("  {}", left);
  if (display_width(left) > left_columns) {
    line += fmt::format("\n{:{}}", "", indent);
  } else {
    line += std::string(indent - 2 - display_width(left), ' ');
  }
  return fmt::format("{}{}\n", line, wrap(right, columns, indent));
}

std::string left_of(const Argument& argument) {
  if (argument.positional) return argument.name;
  const std::string letter =
      argument.letter.empty() ? "    " : fmt::format("{}, ", argument.letter);
  return fmt::format("{}{}{}{}", letter, argument.name, argument.value.empty() ? "" : " ",
                     argument.value);
}

std::string right_of(const Argument& argument, std::string_view program) {
  std::string text = as_typed(argument.help, program);
  if (!argument.choices.empty()) {
    text += fmt::format(": {}", fmt::join(argument.choices, ", "));
  }
  if (!argument.fallback.empty()) text += fmt::format(" (default {})", argument.fallback);
  if (argument.repeated) text += "; may be given several times";
  return text;
}

std::string usage(const Prepared& prepared, std::string_view program) {
  std::string text = fmt::format("Usage  {} {}", program, prepared.arguments.command());
  for (const Argument& argument : prepared.arguments.all()) {
    if (!argument.positional) continue;
    text +=
        argument.required ? fmt::format(" {}", argument.name) : fmt::format(" [{}]", argument.name);
  }
  return text + " [options]\n";
}

std::string arguments_table(const Prepared& prepared, std::size_t columns,
                            std::string_view program) {
  std::size_t left = 0;
  for (const Argument& argument : prepared.arguments.all()) {
    left = std::max(left, display_width(left_of(argument)));
  }
  left = std::min(left, kLeft);
  std::string places, options;
  for (const Argument& argument : prepared.arguments.all()) {
    std::string& part = argument.positional ? places : options;
    part += row(left_of(argument), right_of(argument, program), left, columns);
  }
  return fmt::format("{}{}\nOptions\n{}", places.empty() ? "" : "\n", places, options);
}

}  // namespace

std::string version_line() {
  return fmt::format("pomona " POMONA_VERSION " ({}, {} threads)",
                     simd::name_of(simd::level_in_use()), available_threads());
}

std::string overview(std::size_t columns, std::string_view program) {
  columns = std::min<std::size_t>(columns, 100);
  std::string text =
      "Pomona " POMONA_VERSION
      ": grow, graft, prune, select and serve generative models on this computer.\n\nStart here\n";
  constexpr std::size_t kFirst = 28;
  const auto first = [&](std::string_view command, std::string_view says) {
    text += row(fmt::format("{} {}", program, command), says, kFirst, columns);
  };
  first("pull smollm2-135m", "fetch a small model (98 MB), once");
  first("chat smollm2-135m", "talk to it");
  first("init your-data.csv", "make an application file from your examples");
  first("run app.toml", "the whole life: prompts compared, measured, reported");
  std::size_t left = 0;
  for (const Command* command : commands()) left = std::max(left, command->name.size());
  for (const auto& [group, heading] : kHeadings) {
    std::string part;
    for (const Command* command : commands()) {
      if (command->group == group) part += row(command->name, command->summary, left, columns);
    }
    if (!part.empty()) text += fmt::format("\n{}\n{}", heading, part);
  }
  text += fmt::format("\n`{} help COMMAND` explains each, with examples.\n", program);
  return text;
}

std::string help_page(const Command& command, std::size_t columns, std::string_view program) {
  columns = std::min<std::size_t>(columns, 100);
  const Prepared prepared(command);
  std::string text =
      fmt::format("pomona {}: {}\n\n{}", command.name, command.summary, usage(prepared, program));
  if (!command.about.empty())
    text += fmt::format("\n{}\n", wrap(as_typed(command.about, program), columns, 0));
  text += arguments_table(prepared, columns, program);
  if (!command.examples.empty()) text += "\nExamples\n";
  for (const Example& example : command.examples) {
    text += fmt::format("  {}\n      {}\n",
                        replace_all(example.command, "pomona ", fmt::format("{} ", program)),
                        wrap(example.says, columns, 6));
  }
  return text;
}

}  // namespace pomona::cli
