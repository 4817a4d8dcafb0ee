// report.html from report.json. Every text that somebody else wrote goes through escape_html.
#include <algorithm>

#include "base/charts.h"
#include "base/html.h"
#include "base/text.h"
#include "decode/scheduler.h"
#include "eval/comparison.h"
#include "lifecycle/outputs.h"
#include "lifecycle/prompt_sizes.h"
#include "lifecycle/report.h"

namespace pomona::lifecycle {
namespace {

constexpr std::int64_t kTogether = decode::SchedulerOptions{}.max_sequences;

std::string text(const Json& json) {
  return escape_html(json.is_string() ? json.get<std::string>() : json.dump());
}

double number(const Json& json) { return json.get<double>(); }

/// What the page needs again and again.
struct Page {
  const Json& report;
  const Json& methods = report.at("methods");
  std::string gate = report.at("gate").at("metric").get<std::string>();
  std::string gate_shown = eval::shown_name(gate);
  double times = number(report.at("comparison").at("shown_times"));
  double significance = number(report.at("gate").at("significance"));
  std::string promoted = report.at("promoted").at("method").get<std::string>();
  std::string alias = report.at("promoted").at("alias").get<std::string>();  // "": it got no name
  std::string baseline = methods.front().at("name").get<std::string>();
};

bool significant(const Page& page, const Json& method) {
  return !method.at("p_value").is_null() && number(method.at("p_value")) < page.significance;
}

/// What a method's difference to zero-shot means, as HTML.
std::string judgement(const Page& page, const Json& method) {
  if (method.at("difference").is_null()) return "what the others are compared with";
  const double points = number(method.at("difference").at("mean")) * page.times;
  const std::string p = escape_html(eval::p_text(number(method.at("p_value"))));
  if (!significant(page, method))
    return fmt::format("{}, not significantly ({})",
                       points > 0   ? "better"
                       : points < 0 ? "worse"
                                    : "the same",
                       p);
  return fmt::format("<span class=\"{}\">{}</span> ({})", points > 0 ? "good-text" : "bad-text",
                     points > 0 ? "helps" : "hurts", p);
}

std::string verdict(const Page& page) {
  const bool won = page.report.at("comparison").at("beats_baseline").get<bool>();
  std::vector<std::string> hurting;
  for (const Json& method : page.methods) {
    if (significant(page, method) && number(method.at("difference").at("mean")) < 0)
      hurting.push_back(text(method.at("name")));
  }
  const bool forgets = won && page.promoted == page.baseline;
  const std::string headline =
      forgets
          ? fmt::format("{} beats {}, but forgets too much.",
                        page.report.at("comparison").at("picked").get<std::string>(), page.baseline)
      : won                     ? fmt::format("{} beats {}.", page.promoted, page.baseline)
      : page.methods.size() < 2 ? fmt::format("Only {} was run.", page.baseline)
                                : fmt::format("No method is shown to beat {}.", page.baseline);
  std::string html =
      fmt::format("<div class=\"verdict {}\"><strong>{}</strong>{}.", won && !forgets ? "good" : "",
                  escape_html(headline), text(page.report.at("promoted").at("why")));
  if (!hurting.empty())
    html += fmt::format(" Significantly worse than {} on the test rows: {}.",
                        escape_html(page.baseline), fmt::join(hurting, ", "));
  return html + fmt::format("<p>Promoted: <b>{}</b>{}.</p></div>", escape_html(page.promoted),
                            page.alias.empty()
                                ? ", in this run with other settings than the file's"
                                : fmt::format(", as <code>{}</code>", escape_html(page.alias)));
}

ChartRow chart_row(const Page& page, const Json& method, const Json& interval) {
  const std::string name = method.at("name").get<std::string>();
  return {name, number(interval.at("mean")) * page.times, number(interval.at("low")) * page.times,
          number(interval.at("high")) * page.times,
          name == page.promoted   ? "promoted"
          : name == page.baseline ? "base"
                                  : ""};
}

std::string charts(const Page& page) {
  std::vector<ChartRow> bars, differences;
  for (const Json& method : page.methods) {
    bars.push_back(chart_row(page, method, method.at("scores").at(page.gate)));
    if (!method.at("difference").is_null())
      differences.push_back(chart_row(page, method, method.at("difference")));
  }
  std::string html =
      "<div class=\"charts\">" +
      bar_chart(fmt::format("{} on {} test rows, with 95 % intervals", page.gate_shown,
                            page.methods.front().at("n").get<std::size_t>()),
                bars);
  if (!differences.empty())
    html += difference_chart(
        fmt::format("Difference to {}, {} points on the same rows", page.baseline, page.gate_shown),
        differences);
  return html + "</div>";
}

std::string interval_cell(const Json& interval, double times) {
  return fmt::format("<td>{:.1f}<small>{:.1f} to {:.1f}</small></td>",
                     number(interval.at("mean")) * times, number(interval.at("low")) * times,
                     number(interval.at("high")) * times);
}

std::string scores_table(const Page& page) {
  std::string html = "<div class=\"scroll\"><table><tr><th>method</th><th>n</th>";
  const Json& first = page.methods.front().at("scores");
  for (const auto& [score, interval] : first.items())
    html += fmt::format("<th>{}</th>", escape_html(eval::shown_name(score)));
  html += fmt::format("<th>{} on valid</th><th>against {}</th></tr>", page.gate_shown,
                      escape_html(page.baseline));
  for (const Json& method : page.methods) {
    html +=
        fmt::format("<tr><th>{}</th><td>{}</td>", text(method.at("name")), text(method.at("n")));
    for (const auto& [score, interval] : method.at("scores").items())
      html += interval_cell(interval, metric::find_metric_of_score(score).shown_times);
    html +=
        method.at("valid").is_null() ? "<td>-</td>" : interval_cell(method.at("valid"), page.times);
    html += fmt::format("<td class=\"words\">{}</td></tr>", judgement(page, method));
  }
  return html + "</table></div>";
}

std::string cost_table(const Page& page) {
  std::string html =
      "<div class=\"scroll\"><table><tr><th>method</th><th>prompt tokens</th><th>new tokens</th>"
      "<th>cut off</th><th>time</th><th>peak memory</th></tr>";
  for (const Json& method : page.methods)
    html += fmt::format(
        "<tr><th>{}</th><td>{:.0f}<small>longest {}</small></td><td>{:.0f}</td><td>{} of {}</td>"
        "<td>{}<small>expected {}</small></td><td>{}<small>expected {}</small></td></tr>",
        text(method.at("name")), number(method.at("prompt_tokens")),
        text(method.at("longest_prompt")), number(method.at("generated_tokens")),
        text(method.at("cut")), text(method.at("n")), human_duration(number(method.at("seconds"))),
        human_duration(number(method.at("predicted_seconds"))),
        human_bytes(method.at("peak_bytes").get<std::uint64_t>()),
        human_bytes(method.at("predicted_peak_bytes").get<std::uint64_t>()));
  return html +
         "</table></div><p class=\"soft\">On the test rows. Expected is what --plan tells: every "
         "answer of full length.</p>";
}

/// What training took and what it did to the rest; nothing where nothing was trained.
std::string training_section(const Page& page) {
  std::string rows;
  for (const Json& method : page.methods) {
    const Json training = method.value("training", Json());
    if (training.is_null()) continue;
    rows += fmt::format(
        "<tr><th>{}</th><td>{}<small>{:.3g} % of {}</small></td><td>{}</td><td>{}<small>{:.0f} "
        "tokens a second</small></td><td>{}</td><td>{:+.3f}</td><td><a "
        "href=\"{}\">curves</a></td></tr>",
        text(method.at("name")), shown_count(number(method.at("trainable_parameters"))),
        100 * number(training.at("share")), shown_count(number(training.at("total_parameters"))),
        human_bytes(training.at("bytes").get<std::uint64_t>()),
        human_duration(number(training.at("seconds"))),
        training.at("tokens_per_second").is_null() ? 0 : number(training.at("tokens_per_second")),
        human_bytes(training.at("peak_bytes").get<std::uint64_t>()),
        number(method.at("forgetting")), text(training.at("curves")));
  }
  if (rows.empty()) return "";
  return "<div class=\"scroll\"><table><tr><th>method</th><th>trained parameters</th><th>size on "
         "disk</th><th>training time</th><th>peak memory</th><th>forgetting</th><th></th></tr>" +
         rows +
         fmt::format(
             "</table></div><p class=\"soft\">All learn from the training rows and answer the "
             "prompt of {}. Forgetting is how much less likely general text has become, in nats a "
             "token; above {:.2f} a method is not promoted.</p>",
             escape_html(page.baseline), number(page.report.at("gate").at("max_forgetting")));
}

std::string compression_row(const Page& page, const Json& row, const std::string& name) {
  std::string html = fmt::format(
      "<tr><th>{}</th><td>{}</td><td>{:.0f}</td><td>{:.2f}<small>&plusmn; {:.2f}</small></td>",
      name, human_bytes(row.at("bytes").get<std::uint64_t>()), number(row.at("tokens_per_second")),
      number(row.at("perplexity")), number(row.at("perplexity_error")));
  html += interval_cell(row.at("scores").at(page.gate), page.times);
  if (!row.contains("difference")) return html + "<td class=\"words\">what is promoted</td></tr>";
  html += fmt::format("<td class=\"words\">{}", judgement(page, row));
  if (const std::string remark = text(row.at("remark")); !remark.empty())
    html += fmt::format("<small>{}</small>", remark);
  return html + "</td></tr>";
}

std::string compression_section(const Page& page) {
  std::string html = fmt::format(
      "<div class=\"scroll\"><table><tr><th>type</th><th>size</th><th>tokens a second</th>"
      "<th>perplexity</th><th>{}</th><th>against the model as it is</th></tr>",
      page.gate_shown);
  html += compression_row(page, page.report.at("uncompressed"), "as it is");
  for (const Json& row : page.report.at("compression"))
    html += compression_row(page, row, text(row.at("type")));
  html += fmt::format(
      "</table></div><p class=\"soft\">The promoted model and its prompts, in each type. Tokens a "
      "second are written in {} answers at once. Perplexity is of the references of the test rows "
      "alone, each after its prompt: {} tokens, without the marks of the chat template.</p>",
      kTogether, text(page.report.at("uncompressed").at("perplexity_tokens")));
  html += "<ul>";
  for (const Json& row : page.report.at("compression"))
    html +=
        fmt::format("<li>{}: <code>artefacts/{}/{}/model.gguf</code></li>", text(row.at("type")),
                    text(row.at("artefact")).substr(0, 2), text(row.at("artefact")).substr(2));
  return html +
         "</ul><p class=\"soft\">These files lie in the store of Pomona ($POMONA_HOME) for "
         "as long as this report is there.</p>";
}

/// The models among which "auto" has chosen; nothing where the file named one.
std::string considered_table(const Json& model) {
  if (!model.contains("considered")) return "";
  std::string html = fmt::format(
      "<details><summary>The {} models that were considered</summary><div class=\"scroll\"><table>"
      "<tr><th>model</th><th>licence</th><th>size</th><th>memory, about</th><th>tokens a second, "
      "about</th><th>verdict</th></tr>",
      model.at("considered").size());
  for (const Json& one : model.at("considered")) {
    const bool chosen = one.at("name") == model.at("chosen");
    const Json& speed = one.at("tokens_per_second");
    html += fmt::format(
        "<tr><th>{}{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"words\">{}</td>"
        "</tr>",
        text(one.at("name")), one.at("here").get<bool>() ? " <small>here</small>" : "",
        text(one.at("licence")), human_bytes(one.at("bytes").get<std::uint64_t>()),
        human_bytes(one.at("memory_bytes").get<std::uint64_t>()),
        speed.is_null() ? "-" : fmt::format("{:.1f}", number(speed)),
        chosen ? "<b>taken</b>" : text(one.at("reason")));
  }
  return html + "</table></div></details>";
}

std::string model_section(const Json& model) {
  const Json& speed = model.at("speed");
  std::vector<std::pair<std::string, std::string>> rows = {
      {"name",
       fmt::format("{} <small>{}</small>", text(model.at("name")), text(model.at("title")))},
      {"why", text(model.at("why"))}};
  rows.emplace_back("parameters",
                    fmt::format("{:.0f} million, {}", number(model.at("parameters")) / 1e6,
                                text(model.at("architecture"))));
  if (const std::string licence = text(model.at("licence")); !licence.empty())
    rows.emplace_back("licence", licence);
  rows.emplace_back("size", human_bytes(model.at("bytes").get<std::uint64_t>()));
  rows.emplace_back(
      "memory", fmt::format("about {} with {} conversations of {} tokens",
                            human_bytes(model.at("memory_bytes").get<std::uint64_t>()), kTogether,
                            kUsualTokens));
  rows.emplace_back("context", fmt::format("{} tokens", text(model.at("context"))));
  rows.emplace_back(
      "speed here",
      fmt::format("reads {:.0f} and writes {:.0f} tokens a second, {} answers at once "
                  "<small>({} threads, {}, compute {})</small>",
                  number(speed.at("prefill_tokens_per_second")),
                  number(speed.at("decode_tokens_per_second")), kTogether,
                  text(model.at("machine").at("threads")), text(model.at("machine").at("isa")),
                  text(model.at("machine").at("compute"))));
  return html_facts(rows) + considered_table(model);
}

std::string data_section(const Page& page) {
  const Json& scope = page.report.at("scope");
  std::string html = fmt::format(
      "<p>Use case <b>{}</b>, language <b>{}</b>.</p><div "
      "class=\"scroll\"><table><tr><th>split</th>"
      "<th>rows</th><th>input, characters</th><th>output, characters</th></tr>",
      text(scope.at("use_case")), text(scope.at("language")));
  for (const auto& [split, found] : scope.at("splits").items())
    html += fmt::format(
        "<tr><th>{}</th><td>{}</td><td>{}<small>longest {}</small></td>"
        "<td>{}<small>longest {}</small></td></tr>",
        escape_html(split), shown_rows(found), text(found.at("input_characters").at("median")),
        text(found.at("input_characters").at("longest")),
        text(found.at("output_characters").at("median")),
        text(found.at("output_characters").at("longest")));
  html += "</table></div>";
  if (!scope.at("warnings").empty()) {
    html += "<ul>";
    for (const Json& warning : scope.at("warnings"))
      html += fmt::format("<li class=\"bad-text\">{}</li>", text(warning));
    html += "</ul>";
  }
  return html;
}

std::string block(std::string_view title, const Json& body, std::string_view style = "") {
  return fmt::format("<div class=\"text {}\"><b>{}</b>{}</div>", style, title, text(body));
}

std::string samples_section(const Page& page) {
  std::string html;
  for (const Json& sample : page.report.at("samples")) {
    std::vector<std::string> scores;
    std::string answers = block("reference", sample.at("reference"));
    for (const Json& answer : sample.at("answers")) {
      const double score = number(answer.at("score")) * page.times;
      scores.push_back(fmt::format("{} {:.0f}", text(answer.at("method")), score));
      answers +=
          block(fmt::format("{}, {} {:.1f}", text(answer.at("method")), page.gate_shown, score),
                answer.at("text"));
    }
    html += fmt::format(
        "<details{}><summary>Row {} <small>{} - {}</small></summary><div>{}<div class=\"texts\">{}"
        "</div></div></details>",
        html.empty() ? " open" : "", text(sample.at("row")), fmt::join(scores, ", "),
        text(sample.at("reason")), block("input", sample.at("input"), "wide"), answers);
  }
  return html;
}

std::string prompt_section(const Json& prompts) {
  std::string html = block("instruction", prompts.at("instruction"));
  int number = 0;
  if (!prompts.at("examples").empty()) {
    html += fmt::format("<p class=\"soft\">How examples are shown: {}.</p>",
                        text(prompts.at("layout")));
    for (const Json& example : prompts.at("examples"))
      html += fmt::format(
          "<details><summary>Example {}</summary><div class=\"texts\">{}{}</div></details>",
          ++number, block("input", example.at("input")), block("output", example.at("output")));
  }
  return html + fmt::format(
                    "<p class=\"soft\">Answers have at most {} new tokens; prompt and answer "
                    "together at most {}.</p>",
                    text(prompts.at("max_new_tokens")), text(prompts.at("context")));
}

std::string repeat_section(const Page& page) {
  const Json& repeat = page.report.at("repeat");
  std::vector<std::pair<std::string, std::string>> rows = {
      {"program", fmt::format("pomona {}", text(repeat.at("version")))},
      {"made", text(repeat.at("created"))},
      {"decoding",
       fmt::format("{}, compute {}, examples drawn with seed {}", text(repeat.at("decoding")),
                   text(repeat.at("machine").at("compute")), text(repeat.at("seed")))},
      {"machine", fmt::format("{} threads, {}", text(repeat.at("machine").at("threads")),
                              text(repeat.at("machine").at("isa")))}};
  for (const Json& signature : page.report.at("comparison").at("signatures"))
    rows.emplace_back("scores", fmt::format("<code>{}</code>", text(signature)));
  for (const auto& [name, hash] : repeat.at("sha256").items())
    rows.emplace_back("sha256 of " + name, fmt::format("<code>{}</code>", text(hash)));
  const std::string chat =
      page.alias.empty() ? "" : "\npomona chat " + escape_html(shell_word(page.alias));
  return fmt::format("<pre>{}{}</pre>{}", text(repeat.at("command")), chat, html_facts(rows));
}

}  // namespace

std::string report_html(const Json& report) {
  const Page page{report};
  std::string html = verdict(page) + charts(page);
  html += html_section(
      "Scores",
      "<p class=\"soft\">On the test rows, times 100, with 95 % bootstrap intervals. The "
      "validation rows pick a method, the test rows confirm it: paired randomisation "
      "tests, corrected after Holm.</p>" +
          scores_table(page));
  html += html_section("What it takes", cost_table(page));
  if (const std::string training = training_section(page); !training.empty())
    html += html_section("Training", training);
  if (!report.at("compression").empty())
    html += html_section("Smaller files", compression_section(page));
  html += html_section("Samples, side by side", samples_section(page));
  html += html_section("Prompt", prompt_section(report.at("prompts")));
  html += html_section("Model", model_section(report.at("model")));
  html += html_section("Data", data_section(page));
  html += html_section("How to repeat it", repeat_section(page));
  return html_page("report", report.at("app").get<std::string>(), html);
}

}  // namespace pomona::lifecycle
