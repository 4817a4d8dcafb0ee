#include "tests/support/cli_case.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "tests/support/temp_folder.h"

namespace pomona::test {
namespace {

std::vector<CliCase> read_file_of_cases(const fs::path& path) {
  std::vector<CliCase> cases;
  std::string* section = nullptr;
  int number = 0;
  const std::string text = read_file(path);
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    const auto after = [&](std::string_view mark) { return std::string(line.substr(mark.size())); };
    if (line.starts_with("== ")) {
      cases.push_back({path.filename().string(), after("== "), "", 0, {}});
      section = nullptr;
    } else if (cases.empty()) {
      if (line.empty() || line.starts_with('#')) continue;
      fail(ErrorKind::bad_file, "{}, line {}: no case has begun", path.string(), number);
    } else if (line.starts_with("-- ")) {
      section = &cases.back().sections[after("-- ")];
    } else if (section != nullptr) {
      section->append(line).append("\n");
    } else if (line.starts_with("$ ")) {
      cases.back().command = after("$ ");
    } else if (line.starts_with("exit ")) {
      cases.back().exit_code = std::stoi(after("exit "));
    } else if (!line.empty() && !line.starts_with('#')) {
      fail(ErrorKind::bad_file, "{}, line {}: \"{}\"", path.string(), number, line);
    }
  }
  for (CliCase& one : cases) {
    for (auto& [name, content] : one.sections) {  // the empty line in front of the next case
      if (content.ends_with("\n\n") || content == "\n") content.pop_back();
    }
  }
  return cases;
}

std::string expected_text(const CliCase& one, const std::string& section) {
  const auto found = one.sections.find(section);
  return found == one.sections.end() ? "" : found->second;
}

/// Where `value` lacks what `wanted` has, as "path: wanted ..., got ...".
void compare_json(const Json& wanted, const Json& value, const std::string& path,
                  std::string& differences) {
  if (wanted == "*") return;
  if (wanted.is_object() && value.is_object()) {
    for (const auto& [key, part] : wanted.items()) {
      if (!value.contains(key)) {
        differences += fmt::format("{}.{} is missing\n", path, key);
      } else {
        compare_json(part, value[key], fmt::format("{}.{}", path, key), differences);
      }
    }
  } else if (wanted.is_array() && value.is_array() && wanted.size() == value.size()) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      compare_json(wanted[i], value[i], fmt::format("{}[{}]", path, i), differences);
    }
  } else if (wanted != value) {
    differences += fmt::format("{}: wanted {}, got {}\n", path, wanted.dump(), value.dump());
  }
}

void compare_output(const CliCase& one, const std::string& out, std::string& differences) {
  if (one.sections.contains("json")) {
    const Json wanted = parse_json(expected_text(one, "json"), one.name);
    const Json value = Json::parse(out, nullptr, false);
    if (value.is_discarded()) {
      differences += "standard output is not JSON:\n" + out;
    } else {
      compare_json(wanted, value, "", differences);
    }
  }
  if (one.sections.contains("has")) {
    const std::string wanted = expected_text(one, "has");
    for (const std::string_view line : split(wanted, '\n')) {
      if (out.find(line) == std::string::npos) {
        differences += fmt::format("standard output lacks \"{}\":\n{}", line, out);
      }
    }
  }
  if (!one.sections.contains("json") && !one.sections.contains("has") &&
      out != expected_text(one, "stdout")) {
    differences +=
        fmt::format("standard output: wanted\n{}got\n{}", expected_text(one, "stdout"), out);
  }
}

}  // namespace

std::vector<CliCase> read_cli_cases(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<CliCase> cases;
  for (const fs::path& file : files) {
    for (CliCase& one : read_file_of_cases(file)) cases.push_back(std::move(one));
  }
  return cases;
}

CliOutcome run_shell(const std::string& command, const fs::path& folder) {
  const fs::path program = POMONA_BINARY;
  const std::string source = POMONA_SOURCE_DIR;
  const fs::path aside = folder / ".outcome";
  fs::create_directories(aside);
  ProcessOptions options;
  options.environment = {
      "PATH=" + program.parent_path().string() + ":/usr/bin:/bin",
      "POMONA_HOME=" + (folder / ".home").string(),
      "HF_HOME=" + (folder / ".hub").string(),  // nothing of who runs the tests
      "HF_HUB_CACHE=",
      "HUGGINGFACE_HUB_CACHE=",
      "HF_TOKEN=",
      "HUGGING_FACE_HUB_TOKEN=",
      fmt::format("GOLDEN={}/tests/golden", source),
      fmt::format("APP={}/tests/cases/tiny_app", source),
      fmt::format("POMONA_DATA={}", source),
      "POMONA_ISA=",
  };
  const std::string line =
      fmt::format("unset POMONA_ISA; cd '{0}'; ({1}\n) </dev/null >.outcome/out 2>.outcome/error",
                  folder.string(), command);
  CliOutcome outcome;
  outcome.exit_code = run_process({"sh", "-c", line}, options).exit_code;
  outcome.out = read_file(aside / "out");
  outcome.error = read_file(aside / "error");
  return outcome;
}

CliOutcome run_cli_case(const CliCase& one) {
  const TempFolder folder;
  std::string input;
  for (const auto& [name, content] : one.sections) {
    if (name.starts_with("file ")) write_file(folder / name.substr(5), content);
    if (name == "stdin") {
      write_file(folder / ".stdin", content);
      input = "exec <.stdin; ";
    }
  }
  CliOutcome outcome = run_shell(input + one.command, folder.path());
  for (std::string* text : {&outcome.out, &outcome.error}) {
    *text = replace_all(*text, (folder / ".home").string(), "HOME");
    *text = replace_all(*text, folder.path().string(), "HERE");
    *text = replace_all(*text, POMONA_SOURCE_DIR "/tests/golden", "GOLDEN");
  }
  return outcome;
}

std::string differences(const CliCase& one, const CliOutcome& outcome) {
  std::string differences;
  if (outcome.exit_code != one.exit_code) {
    differences += fmt::format("exit code: wanted {}, got {}\n", one.exit_code, outcome.exit_code);
  }
  compare_output(one, outcome.out, differences);
  const std::string wanted = expected_text(one, "stderr");
  if (outcome.error != wanted && wanted != "*\n") {
    differences += fmt::format("standard error: wanted\n{}got\n{}", wanted, outcome.error);
  }
  return differences;
}

}  // namespace pomona::test
