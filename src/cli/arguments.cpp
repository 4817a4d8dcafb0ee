#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/text.h"

namespace pomona::cli {
namespace {

template <class T>
bool read_number(const std::string& text, T& target) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, target);
  return !text.empty() && error == std::errc() && stop == end;
}

std::string range_of(const Argument& argument) {
  if (argument.lowest && argument.highest) {
    return fmt::format(" from {} to {}", *argument.lowest, *argument.highest);
  }
  return argument.lowest ? fmt::format(" of at least {}", *argument.lowest) : "";
}

template <class T>
void read_in_range(const Argument& argument, const std::string& text, T& target,
                   std::string_view kind) {
  T value = {};
  const bool read = read_number(text, value);
  const auto number = static_cast<double>(value);
  if (!read || !std::isfinite(number) || (argument.lowest && number < *argument.lowest) ||
      (argument.highest && number > *argument.highest)) {
    fail(ErrorKind::bad_argument, "{} takes {}{}, got \"{}\"", argument.name, kind,
         range_of(argument), text);
  }
  target = value;
}

}  // namespace

void read_value(const Argument& argument, const std::string& text, std::string& target) {
  const auto& choices = argument.choices;
  if (!choices.empty() && std::find(choices.begin(), choices.end(), text) == choices.end()) {
    const auto near = nearest(text, choices);
    fail(ErrorKind::bad_argument, "{} takes one of {}, got \"{}\"{}", argument.name,
         fmt::join(choices, ", "), text, near ? fmt::format("; did you mean {}?", *near) : "");
  }
  target = text;
}

void read_value(const Argument& argument, const std::string& text, std::filesystem::path& target) {
  if (text.empty()) fail(ErrorKind::bad_argument, "{} takes a path, got \"\"", argument.name);
  target = text;
}

void read_value(const Argument& argument, const std::string& text, std::int64_t& target) {
  read_in_range(argument, text, target, "a whole number");
}

void read_value(const Argument& argument, const std::string& text, int& target) {
  read_in_range(argument, text, target, "a whole number");
}

void read_value(const Argument& argument, const std::string& text, std::uint64_t& target) {
  read_in_range(argument, text, target, "a whole number without a sign");
}

void read_value(const Argument& argument, const std::string& text, double& target) {
  read_in_range(argument, text, target, "a number");
}

std::string shown_value(const std::string& value) { return value; }
std::string shown_value(std::int64_t value) { return fmt::format("{}", value); }
std::string shown_value(double value) { return fmt::format("{}", value); }

Argument& Arguments::add(const std::string& names, std::string value, std::string help) {
  Argument& argument = arguments_.emplace_back();
  const std::size_t comma = names.find(',');
  if (comma != std::string::npos) argument.letter = names.substr(0, comma);
  argument.name = comma == std::string::npos ? names : names.substr(comma + 1);
  argument.value = std::move(value);
  argument.help = std::move(help);
  return argument;
}

Argument& Arguments::flag(const std::string& names, bool& target, std::string help) {
  Argument& argument = add(names, "", std::move(help));
  argument.set = [&target](const Argument&, const std::string&) { target = true; };
  return argument;
}

void Arguments::fail_unknown(const std::string& word) const {
  if (!word.starts_with('-') || word == "-") {
    fail(ErrorKind::bad_argument, "{}: \"{}\" is one argument too many; `pomona help {}`", command_,
         word, command_);
  }
  std::vector<std::string> known;
  for (const Argument& argument : arguments_) {
    if (!argument.positional) known.push_back(argument.name);
  }
  const std::string name = word.substr(0, word.find('='));
  const auto near = nearest(name, known);
  fail(ErrorKind::bad_argument, "{}: there is no option {}{}; `pomona help {}`", command_, name,
       near ? fmt::format(", did you mean {}?", *near) : "", command_);
}

void Arguments::parse(const std::vector<std::string>& words) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<CLI::Option*> parsed;
  for (const Argument& argument : arguments_) {
    const std::string names =
        argument.letter.empty() ? argument.name : argument.letter + "," + argument.name;
    const bool takes_value = argument.positional || !argument.value.empty();
    CLI::Option* option = takes_value ? app.add_option(names) : app.add_flag(names);
    if (takes_value) option->expected(1)->allow_extra_args(false);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    parsed.push_back(option);
  }
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view said = error.what();
    fail(ErrorKind::bad_argument, "{}: {} needs a value; `pomona help {}`", command_,
         said.substr(0, said.find(':')), command_);
  } catch (const CLI::ParseError& error) {
    fail(ErrorKind::bad_argument, "{}: {}", command_, error.what());
  }
  std::vector<std::string> rest = app.remaining();
  const auto separator = std::find(rest.begin(), rest.end(), "--");
  if (separator != rest.end()) rest.erase(separator);
  if (!rest.empty()) fail_unknown(rest.front());
  std::size_t i = 0;
  for (const Argument& argument : arguments_) {
    const std::vector<std::string>& values = parsed[i++]->results();
    if (values.empty() && argument.required) {
      fail(ErrorKind::bad_argument, "{}: {} is missing; `pomona help {}`", command_, argument.name,
           command_);
    }
    const bool is_flag = !argument.positional && argument.value.empty();
    if (values.size() > 1 && !argument.repeated && !is_flag) {
      fail(ErrorKind::bad_argument, "{}: {} is given {} times", command_, argument.name,
           values.size());
    }
    for (const std::string& value : values) {
      if (is_flag && value != "true") {
        fail(ErrorKind::bad_argument, "{}: {} takes no value", command_, argument.name);
      }
      argument.set(argument, value);
    }
  }
}

}  // namespace pomona::cli
