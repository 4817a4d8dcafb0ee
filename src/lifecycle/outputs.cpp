#include "lifecycle/outputs.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include "base/hash.h"
#include "base/text.h"
#include "eval/comparison.h"

namespace pomona::lifecycle {

namespace {

/// "evaluate.limit=20,prompt.seed=2"; told apart by a hash where a file name cannot hold it.
std::string folder_name(const Assignments& set) {
  constexpr std::size_t kLongest = 80;
  std::vector<std::string> parts;
  for (const auto& [key, value] : set) parts.push_back(key + "=" + value);
  const std::string whole = fmt::format("{}", fmt::join(parts, ","));
  std::string name = whole.substr(0, kLongest);
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && !std::strchr("._-=,+", c)) c = '_';
  }
  return name == whole ? name : name + "-" + sha256_hex(whole).substr(0, 8);
}

fs::path main_report_folder(const AppFile& app, const hub::Home& home) {
  const fs::path beside = fs::absolute(app.path).lexically_normal().parent_path();
  const std::string stem = app.path.stem().string();
  fs::path folder = beside / (stem == "app" ? "report" : "report-" + stem);
  std::error_code ignored;
  const fs::path& written = fs::exists(folder, ignored) ? folder : beside;
  if (::access(written.c_str(), W_OK) == 0) return folder;
  return fs::absolute(home.root()).lexically_normal() / "reports" /
         (replace_all(app.name, "/", "-") + "-" + sha256_hex(folder.string()).substr(0, 8));
}

}  // namespace

fs::path report_folder(const AppFile& app, const hub::Home& home, const Assignments& set) {
  const fs::path folder = main_report_folder(app, home);
  return set.empty() ? folder : folder / folder_name(set);
}

std::string alias_of(const AppFile& app, const Assignments& set, const hub::ModelStore& models) {
  const auto names_it = [](const auto& assignment) { return assignment.first == "serve.alias"; };
  if (set.empty() || std::any_of(set.begin(), set.end(), names_it)) return app.alias;
  const auto known = models.find_alias(app.alias);
  return known && !known->settings.value("aside", false) ? "" : app.alias;
}

std::string result_line(const Json& compared) {
  const std::string gate = compared.at("gate").at("metric").get<std::string>();
  const double times = compared.at("shown_times").get<double>();
  std::vector<std::string> scores;
  for (const Json& method : compared.at("methods"))
    scores.push_back(fmt::format("{} {:.1f}", method.at("name").get<std::string>(),
                                 method.at("scores").at(gate).at("mean").get<double>() * times));
  return fmt::format("{} {} (n = {}, 95 % intervals in the report)", fmt::join(scores, ", "),
                     eval::shown_name(gate),
                     compared.at("methods").front().at("n").get<std::size_t>());
}

std::vector<std::string> compression_lines(const Json& uncompressed, const Json& compression) {
  const auto line = [](const std::string& name, const Json& row) {
    const std::string gate = row.at("gate").get<std::string>();
    const double times = row.at("shown_times").get<double>();
    return fmt::format("{:<12} {:>8}, {:.0f} tokens/s, perplexity {:.2f}, {} {:.1f}", name,
                       human_bytes(row.at("bytes").get<std::uint64_t>()),
                       row.at("tokens_per_second").get<double>(),
                       row.at("perplexity").get<double>(), eval::shown_name(gate),
                       row.at("scores").at(gate).at("mean").get<double>() * times);
  };
  std::vector<std::string> lines = {line("as it is", uncompressed)};
  for (const Json& row : compression) lines.push_back(line(row.at("type").get<std::string>(), row));
  return lines;
}

std::vector<std::string> training_lines(const Json& training) {
  std::vector<std::string> lines;
  for (const Json& one : training) {
    const auto total = one.at("total_parameters").get<double>();
    const auto trained = one.at("trainable_parameters").get<double>();
    lines.push_back(fmt::format(
        "{:<12} {} of {} parameters ({:.3g} %), {}, trained in {} with {}, forgetting {:+.3f} nats",
        one.at("method").get<std::string>(), shown_count(trained), shown_count(total),
        100 * one.at("share").get<double>(), human_bytes(one.at("bytes").get<std::uint64_t>()),
        human_duration(one.at("seconds").get<double>()),
        human_bytes(one.at("peak_bytes").get<std::uint64_t>()),
        one.at("forgetting").get<double>()));
  }
  return lines;
}

std::string shown_count(double count) {
  return count < 1e4   ? fmt::format("{:.0f}", count)
         : count < 1e6 ? fmt::format("{:.0f} thousand", count / 1e3)
                       : fmt::format("{:.1f} million", count / 1e6);
}

std::string shown_rows(const Json& split) {
  const auto rows = split.at("rows").get<std::size_t>();
  const auto in_file = split.at("rows_in_file").get<std::size_t>();
  return rows == in_file ? fmt::format("{}", rows) : fmt::format("{} of {}", rows, in_file);
}

std::string shell_word(const std::string& word) {
  const bool plain =
      !word.empty() &&
      word.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=+@%") ==
          std::string::npos;
  return plain ? word : fmt::format("'{}'", replace_all(word, "'", "'\\''"));
}

}  // namespace pomona::lifecycle
