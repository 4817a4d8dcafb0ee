// `pomona completion SHELL`: a script for the shell, made from the table of commands.
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "cli/command.h"

namespace pomona::cli {
namespace {

/// Values that a shell can offer for an argument.
std::string values_of(const Argument& argument) {
  std::string text;
  for (const std::string& choice : argument.choices) text += (text.empty() ? "" : " ") + choice;
  return text;
}

bool takes_model(const Prepared& prepared) {
  for (const Argument& argument : prepared.arguments.all()) {
    if (argument.positional &&
        (argument.name == "MODEL" || argument.name == "NAME" || argument.name == "IN"))
      return true;
  }
  return false;
}

std::string command_names() {
  std::string names;
  for (const Command* command : commands()) names += std::string(command->name) + " ";
  names.pop_back();
  return names;
}

std::string bash_case(const Command& command) {
  const Prepared prepared(command);
  std::string options, values, places;
  for (const Argument& argument : prepared.arguments.all()) {
    if (argument.positional) {
      places += values_of(argument);
      continue;
    }
    options += argument.name + " ";
    if (argument.choices.empty()) continue;
    values += fmt::format("        {}) words=\"{}\" ;;\n", argument.name, values_of(argument));
  }
  std::string text = fmt::format("    {})\n      options=\"{}\"\n", command.name, trim(options));
  if (takes_model(prepared)) text += "      models=yes\n";
  if (!values.empty()) {
    text += fmt::format("      case \"$previous\" in\n{}      esac\n", values);
  }
  if (command.name == "help") places = command_names();
  if (!places.empty()) text += fmt::format("      places=\"{}\"\n", places);
  return text + "      ;;\n";
}

constexpr std::string_view kBashScript = R"SH(_pomona() {
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
  local options="" models="" places="" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "@commands@" -- "$current"))
    return
  fi
  case "${COMP_WORDS[1]}" in
@cases@  esac
  if [ -z "$words" ]; then
    case "$current" in
      -*) words="$options" ;;
      *) words="$places" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ -n "$models" ] && [[ "$current" != -* ]]; then
    # Names come from application files: compgen would run what stands in them.
    local name
    while IFS= read -r name; do
      [[ "$name" == "$current"* ]] && COMPREPLY+=("$(printf %q "$name")")
    done < <("${COMP_WORDS[0]}" list --names 2>/dev/null)
  fi
}
complete -o default -F _pomona pomona ./pomona
)SH";

std::string bash_script() {
  std::string cases;
  for (const Command* command : commands()) cases += bash_case(*command);
  return replace_all(replace_all(kBashScript, "@commands@", command_names()), "@cases@", cases);
}

std::string fish_quoted(std::string_view text) {
  const std::string escaped = replace_all(text, "\\", "\\\\");
  return fmt::format("'{}'", replace_all(escaped, "'", "\\'"));
}

std::string fish_script() {
  std::string text;
  for (const Command* command : commands()) {
    text += fmt::format("complete -c pomona -n __fish_use_subcommand -f -a {} -d {}\n",
                        command->name, fish_quoted(command->summary));
    const Prepared prepared(*command);
    const std::string when = fmt::format("-n '__fish_seen_subcommand_from {}'", command->name);
    if (takes_model(prepared)) {
      text += fmt::format("complete -c pomona {} -a '(pomona list --names 2>/dev/null)'\n", when);
    }
    for (const Argument& argument : prepared.arguments.all()) {
      if (argument.positional) continue;
      text += fmt::format("complete -c pomona {} -l {}", when, argument.name.substr(2));
      if (!argument.letter.empty()) text += " -s " + argument.letter.substr(1);
      if (!argument.value.empty()) text += " -r";
      if (!argument.choices.empty()) text += " -f -a " + fish_quoted(values_of(argument));
      text += " -d " + fish_quoted(argument.help) + "\n";
    }
  }
  return text;
}

std::string script_for(const std::string& shell) {
  if (shell == "fish") return fish_script();
  if (shell == "zsh")
    return fmt::format("autoload -U +X bashcompinit && bashcompinit\n{}", bash_script());
  return bash_script();
}

Action prepare(Arguments& arguments) {
  auto shell = std::make_shared<std::string>();
  arguments.positional("SHELL", *shell, "which shell").one_of({"bash", "zsh", "fish"});
  return [shell](Console& console) { console.print(script_for(*shell)); };
}

}  // namespace

extern const Command kCompletion = {
    .name = "completion",
    .group = Group::other,
    .summary = "a script that completes commands, options and model names in your shell",
    .about = "",
    .examples = {{"source <(pomona completion bash)",
                  "in ~/.bashrc; the same with zsh in ~/.zshrc"},
                 {"pomona completion fish > ~/.config/fish/completions/pomona.fish", "for fish"}},
    .prepare = prepare,
    .json = false,
};

}  // namespace pomona::cli
