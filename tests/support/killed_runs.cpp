#include "tests/support/killed_runs.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <stdexcept>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "tests/support/background_program.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_app.h"

namespace pomona::test {
namespace {

constexpr std::uint64_t kStream = 0x6b696c6c;  // "kill"

/// The lines of each samples.jsonl below a folder, by the key of the artefact it belongs to.
using Samples = std::map<std::string, std::set<std::string>>;

/// An artefact's key from the path of a file in it: drafts/KEY/x or artefacts/KE/Y/x.
std::string key_of(const fs::path& file) {
  const fs::path folder = file.parent_path();
  const std::string name = folder.filename().string();
  return name.size() == 64 ? name : folder.parent_path().filename().string() + name;
}

Samples samples_below(const fs::path& folder) {
  Samples samples;
  if (!fs::exists(folder)) return samples;
  for (const auto& item : fs::recursive_directory_iterator(folder)) {
    if (item.path().filename() != "samples.jsonl") continue;
    const std::string text = read_file(item.path());
    auto lines = split(text, '\n');
    lines.pop_back();  // what follows the last line end: nothing, or half a record
    for (const std::string_view line : lines) samples[key_of(item.path())].emplace(line);
  }
  return samples;
}

/// The samples without what depends on the moment: when they were made, and beside which others.
std::map<std::string, std::map<std::size_t, Json>> answers_of(const Samples& samples) {
  std::map<std::string, std::map<std::size_t, Json>> answers;
  for (const auto& [key, lines] : samples) {
    for (const std::string& line : lines) {
      Json answer = parse_json(line, key);
      answer.erase("elapsed");
      answer.erase("shared_tokens");
      const bool first =
          answers[key].emplace(answer.at("row").get<std::size_t>(), std::move(answer)).second;
      if (!first) throw std::runtime_error("a row has two answers");
    }
  }
  return answers;
}

/// The report without times, rates and memory.
Json lasting_report(const fs::path& file) {
  Json report = read_json(file);
  for (Json& method : report.at("methods")) {
    for (const char* name : {"seconds", "predicted_seconds", "peak_bytes", "shared_tokens"})
      method.erase(name);
  }
  report.at("model").erase("speed");
  report.at("repeat").erase("created");
  return report;
}

class Killer {
 public:
  explicit Killer(std::uint64_t seed) : random_(seed, kStream) {
    put_tiny_app(app_);
    home_ = folder_ / "home";
    const Stopwatch watch;
    run_to_the_end();
    seconds_ = watch.seconds();
    answers_ = answers_of(samples_below(home_ / "artefacts"));
    report_ = lasting_report(report_json());
    if (answers_.size() != 6)  // three methods on two splits
      throw std::runtime_error(fmt::format("{} artefacts with answers", answers_.size()));
  }

  KilledRuns work(int kills) {
    while (found_.kills < kills) {
      start_afresh();
      while (found_.kills < kills && killed()) look_after_a_kill();
      run_to_the_end();
      compare();
      ++found_.runs;
    }
    return found_;
  }

 private:
  fs::path report_json() const { return app_ / "report" / "report.json"; }
  fs::path log() const { return folder_ / "log"; }

  BackgroundProgram start() const {
    return BackgroundProgram({"run", "app.toml", "--no-serve"}, app_, home_, log());
  }

  void run_to_the_end() const {
    if (const int code = start().wait(); code != 0)
      throw std::runtime_error(fmt::format("exit code {}: {}", code, read_file(log())));
  }

  void start_afresh() {
    kept_.clear();
    fs::remove_all(home_);
    fs::remove_all(app_ / "report");
  }

  /// Starts the program and kills it; false if it came to its end before.
  bool killed() {
    BackgroundProgram program = start();
    if (program.ends_within(random_.uniform(draws_++) * seconds_)) {
      if (program.wait() != 0) throw std::runtime_error(read_file(log()));
      return false;
    }
    program.kill();
    ++found_.kills;
    return true;
  }

  void look_after_a_kill() {
    for (const char* folder : {"drafts", "artefacts"}) {
      for (const auto& [key, lines] : samples_below(home_ / folder))
        kept_[key].insert(lines.begin(), lines.end());
    }
    if (fs::exists(report_json())) read_json(report_json());
    const fs::path page = app_ / "report" / "report.html";
    if (fs::exists(page) && !read_file(page).ends_with("</html>\n"))
      throw std::runtime_error("half a report.html");
  }

  void compare() {
    const Samples samples = samples_below(home_ / "artefacts");
    for (const auto& [key, lines] : kept_) {
      found_.kept += lines.size();
      for (const std::string& line : lines) {
        if (!samples.contains(key) || !samples.at(key).contains(line))
          throw std::runtime_error("a finished answer was made again: " + line);
      }
    }
    if (answers_of(samples) != answers_) throw std::runtime_error("other answers");
    if (const Json report = lasting_report(report_json()); report != report_)
      throw std::runtime_error("another report: " + Json::diff(report_, report).dump(1));
    if (!fs::is_empty(home_ / "drafts")) throw std::runtime_error("a draft is left");
  }

  TempFolder folder_;
  fs::path app_ = folder_ / "app";
  fs::path home_;
  Random random_;
  std::uint64_t draws_ = 0;
  double seconds_ = 0;  // of an undisturbed run
  std::map<std::string, std::map<std::size_t, Json>> answers_;
  Json report_;
  Samples kept_;
  KilledRuns found_;
};

}  // namespace

KilledRuns kill_and_compare(int kills, std::uint64_t seed) {
  try {
    return Killer(seed).work(kills);
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("seed {}: {}", seed, error.what()));
  }
}

}  // namespace pomona::test
