// What a sub-command takes from its command line, declared once: parsing, help and shell completion
// follow from it. The only file that knows CLI11 is arguments.cpp.
#pragma once
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace pomona::cli {

/// One argument. The functions that return Argument& describe it further.
struct Argument {
  std::string name;    // "MODEL", "--seed"
  std::string letter;  // "-n", or empty
  std::string value;   // name of an option's value, empty for a flag
  std::string help;
  std::vector<std::string> choices;  // the only values, if any
  std::string fallback;              // value if it is not given, for help
  std::optional<double> lowest, highest;
  bool positional = false, required = false, repeated = false;
  std::function<void(const Argument&, const std::string&)> set;

  Argument& one_of(std::vector<std::string> values) {
    choices = std::move(values);
    return *this;
  }
  Argument& at_least(double least) {
    lowest = least;
    return *this;
  }
  Argument& between(double least, double most) {
    lowest = least;
    highest = most;
    return *this;
  }
  Argument& optional() {
    required = false;
    return *this;
  }
  Argument& needed() {
    required = true;
    return *this;
  }
};

/// Reads a value into a target; throws bad_argument naming the argument, what it takes, and the
/// text.
void read_value(const Argument& argument, const std::string& text, std::string& target);
void read_value(const Argument& argument, const std::string& text, std::filesystem::path& target);
void read_value(const Argument& argument, const std::string& text, std::int64_t& target);
void read_value(const Argument& argument, const std::string& text, int& target);
void read_value(const Argument& argument, const std::string& text, std::uint64_t& target);
void read_value(const Argument& argument, const std::string& text, double& target);

template <class T>
void read_value(const Argument& argument, const std::string& text, std::optional<T>& target) {
  read_value(argument, text, target.emplace());
}

template <class T>
void read_value(const Argument& argument, const std::string& text, std::vector<T>& target) {
  read_value(argument, text, target.emplace_back());
}

std::string shown_value(const std::string& value);
std::string shown_value(std::int64_t value);
std::string shown_value(double value);

class Arguments {
 public:
  explicit Arguments(std::string command) : command_(std::move(command)) {}

  /// An argument by place, required unless optional(). `target` must outlive parse().
  template <class T>
  Argument& positional(const std::string& name, T& target, std::string help) {
    Argument& argument = add(name, "", std::move(help), target);
    argument.positional = argument.required = true;
    return argument;
  }

  /// An option with a value; `names` is "--seed" or "-n,--max-new-tokens". A vector as target takes
  /// the option any number of times.
  template <class T>
  Argument& option(const std::string& names, std::string value, T& target, std::string help) {
    Argument& argument = add(names, std::move(value), std::move(help), target);
    if constexpr (std::is_same_v<T, std::string>) {
      argument.fallback = shown_value(target);
    } else if constexpr (std::is_floating_point_v<T>) {
      argument.fallback = shown_value(target);
    } else if constexpr (std::is_integral_v<T>) {
      argument.fallback = shown_value(static_cast<std::int64_t>(target));
    }
    return argument;
  }

  Argument& flag(const std::string& names, bool& target, std::string help);

  const std::string& command() const { return command_; }
  const std::deque<Argument>& all() const { return arguments_; }

  /// Sets the targets from the words behind the command's name. Throws bad_argument: unknown,
  /// missing or repeated arguments, values that do not fit.
  void parse(const std::vector<std::string>& words);

 private:
  template <class T>
  Argument& add(const std::string& names, std::string value, std::string help, T& target) {
    Argument& argument = add(names, std::move(value), std::move(help));
    argument.set = [&target](const Argument& self, const std::string& text) {
      read_value(self, text, target);
    };
    if constexpr (requires { target.emplace_back(); } && !std::is_same_v<T, std::string> &&
                  !std::is_same_v<T, std::filesystem::path>) {
      argument.repeated = true;
    }
    return argument;
  }
  Argument& add(const std::string& names, std::string value, std::string help);
  [[noreturn]] void fail_unknown(const std::string& word) const;

  std::string command_;
  std::deque<Argument> arguments_;  // references stay good
};

}  // namespace pomona::cli
