#include "train/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/charts.h"
#include "base/file.h"
#include "base/html.h"
#include "base/json_records.h"
#include "base/text.h"

namespace pomona::train {
namespace {

/// The smoothed line keeps about this many bends.
constexpr double kBends = 25;

double number(const Json& record, const char* key) {
  const auto found = record.find(key);
  return found != record.end() && found->is_number() ? found->get<double>()
                                                     : std::numeric_limits<double>::quiet_NaN();
}

/// A log by columns.
struct Run {
  std::vector<Json> steps, evaluations;

  explicit Run(const std::vector<Json>& records) {
    for (const Json& record : records) {
      if (!record.is_object()) continue;
      (record.contains("eval_loss") ? evaluations : steps).push_back(record);
    }
  }
  double window() const { return std::max(1.0, static_cast<double>(steps.size()) / kBends); }
};

std::vector<double> column(const std::vector<Json>& records, const char* key) {
  std::vector<double> values;
  for (const Json& record : records) values.push_back(number(record, key));
  return values;
}

ChartLine line(std::string label, const std::vector<Json>& records,
               const std::vector<double>& values, std::string style = "") {
  ChartLine line{std::move(label), {}, std::move(style)};
  for (std::size_t i = 0; i < records.size(); ++i)
    line.points.emplace_back(number(records[i], "step"), values[i]);
  return line;
}

std::vector<ChartLine> with_smooth(const Run& run, const char* key, const std::string& label) {
  const std::vector<double> values = column(run.steps, key);
  return {line(label, run.steps, values, "faint"),
          line("smoothed", run.steps, smoothed(values, run.window()))};
}

std::vector<ChartLine> loss_lines(const Run& run) {
  std::vector<ChartLine> lines = with_smooth(run, "loss", "training");
  lines.push_back(line("valid", run.evaluations, column(run.evaluations, "eval_loss"), "dots"));
  return lines;
}

std::vector<std::string> set_names(const Run& run) {
  std::vector<std::string> names;
  for (const Json& record : run.evaluations) {
    if (!record.contains("sets") || !record["sets"].is_object()) continue;
    for (const auto& [name, loss] : record["sets"].items()) {
      if (std::count(names.begin(), names.end(), name) == 0) names.push_back(name);
    }
  }
  return names;
}

double set_loss(const Json& record, const std::string& name) {
  return record.contains("sets") ? number(record["sets"], name.c_str())
                                 : std::numeric_limits<double>::quiet_NaN();
}

std::vector<ChartLine> set_lines(const Run& run) {
  std::vector<ChartLine> lines;
  for (const std::string& name : set_names(run)) {
    std::vector<double> values;
    for (const Json& record : run.evaluations) values.push_back(set_loss(record, name));
    lines.push_back(line(name, run.evaluations, values, "dots"));
  }
  return lines;
}

std::string charts(const Run& run) {
  std::string html = "<div class=\"charts\">";
  html += line_chart("Loss of a supervised token", "step", loss_lines(run));
  html += line_chart("Loss on the valid rows of each set", "step", set_lines(run));
  html += line_chart(
      "Forgetting: loss on general text", "step",
      {line("general text", run.evaluations, column(run.evaluations, "general_loss"), "dots")});
  html += line_chart("Learning rate", "step",
                     {line("rate", run.steps, column(run.steps, "learning_rate"))});
  html += line_chart("Norm of the gradient, before clipping", "step",
                     with_smooth(run, "gradient_norm", "norm"));
  html += line_chart("Speed", "step", with_smooth(run, "tokens_per_second", "tokens a second"));
  return html + "</div>";
}

std::string shown(double value, int digits = 4) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "-";
}

double sum(const std::vector<double>& values) {
  double total = 0;
  for (const double value : values) total += std::isfinite(value) ? value : 0;
  return total;
}

std::string numbers(const Run& run) {
  std::vector<std::pair<std::string, std::string>> rows;
  if (!run.steps.empty()) {
    const std::vector<double> loss = smoothed(column(run.steps, "loss"), run.window());
    rows.emplace_back("steps", fmt::format("{:.0f}", number(run.steps.back(), "step")));
    rows.emplace_back(
        "training loss",
        fmt::format("{} at first, {} at last <small>smoothed over {:.0f} steps</small>",
                    shown(loss.front()), shown(loss.back()), run.window()));
    rows.emplace_back("tokens", fmt::format("{:.0f} <small>{:.0f} of them supervised</small>",
                                            sum(column(run.steps, "tokens")),
                                            sum(column(run.steps, "supervised_tokens"))));
    rows.emplace_back("time in steps", human_duration(sum(column(run.steps, "seconds"))));
  }
  const Json* best = nullptr;
  for (const Json& record : run.evaluations) {
    if (std::isfinite(number(record, "eval_loss")) &&
        (best == nullptr || number(record, "eval_loss") < number(*best, "eval_loss")))
      best = &record;
  }
  if (best != nullptr)
    rows.emplace_back("best loss on the valid rows",
                      fmt::format("{} after step {:.0f}", shown(number(*best, "eval_loss")),
                                  number(*best, "step")));
  return rows.empty() ? "<p>Nothing has been measured yet.</p>" : html_facts(rows);
}

std::string evaluations_table(const Run& run) {
  const std::vector<std::string> names = set_names(run);
  std::string html =
      "<div class=\"scroll\"><table><tr><th>after step</th><th>loss on the valid rows</th>";
  for (const std::string& name : names) html += fmt::format("<th>{}</th>", escape_html(name));
  html += "<th>general text</th><th>forgetting</th></tr>";
  for (const Json& record : run.evaluations) {
    const bool best = record.value("best", false);
    html += fmt::format("<tr><th>{:.0f}</th><td>{}{}{}</td>", number(record, "step"),
                        best ? "<b>" : "", shown(number(record, "eval_loss")), best ? "</b>" : "");
    for (const std::string& name : names)
      html += fmt::format("<td>{}</td>", shown(set_loss(record, name)));
    html += fmt::format("<td>{}</td><td>{}</td></tr>", shown(number(record, "general_loss")),
                        shown(number(record, "forgetting")));
  }
  return html +
         "</table></div><p class=\"soft\">In bold: the best so far. Forgetting is how much "
         "the loss on general text has grown since before training.</p>";
}

std::string object_table(const Json& object) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& [key, value] : object.items())
    rows.emplace_back(key,
                      escape_html(value.is_string() ? value.get<std::string>() : value.dump()));
  return html_facts(rows);
}

}  // namespace

std::vector<double> smoothed(const std::vector<double>& values, double window) {
  const double keep = 1 - 1 / std::max(1.0, window);
  std::vector<double> means;
  double sum = 0, weight = 0;
  for (const double value : values) {
    if (std::isfinite(value)) {
      sum = keep * sum + (1 - keep) * value;
      weight = keep * weight + (1 - keep);
    }
    means.push_back(weight > 0 ? sum / weight : value);
  }
  return means;
}

std::string curves_html(std::string_view name, const std::vector<Json>& records,
                        const Json& about) {
  const Run run(records);
  std::string html = charts(run) + html_section("In numbers", numbers(run));
  if (!run.evaluations.empty()) html += html_section("Evaluations", evaluations_table(run));
  if (about.contains("result")) html += html_section("Result", object_table(about["result"]));
  if (about.contains("settings")) html += html_section("Settings", object_table(about["settings"]));
  return html_page("training", name, html);
}

void write_curves(const fs::path& page, const fs::path& metrics, const Json& about) {
  std::error_code ignored;
  const std::string name = fs::absolute(metrics, ignored).parent_path().filename().string();
  write_file(page, curves_html(name, read_whole_records(metrics), about));
}

}  // namespace pomona::train
