// The report page: what others wrote cannot become markup, and it needs nothing from outside.
#include "lifecycle/report.h"

#include "base/hash.h"
#include "tests/lifecycle/fixture.h"
#include "tests/support/html.h"

namespace pomona::lifecycle {
namespace {

TEST_F(LifecycleTest, ThePageStandsAloneAndHoldsNoForeignMarkup) {
  RunOptions with = options();
  with.set = {{"app.name", "<script>alert(1)</script>"},
              {"serve.alias", "a&b"},
              {"prompt.instruction", "<img src=x onerror=y>\nText: {input}"}};
  const RunOutcome outcome = run(with);
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  const std::string html = read_file(outcome.report_html);
  test::expect_page_alone(replace_all(html, "&lt;img src=x", ""));
  EXPECT_NE(html.find("<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>"), std::string::npos);
  EXPECT_NE(html.find("--set &#39;serve.alias=a&amp;b&#39;"), std::string::npos)
      << "the command is to be quoted";
  EXPECT_NE(html.find("one-shot beats zero-shot."), std::string::npos);
}

/// Says what the page lacks.
void expect_parts(const std::string& html, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) EXPECT_NE(html.find(part), std::string::npos) << part;
}

TEST_F(LifecycleTest, ThePageShowsEveryFigureOfTheReport) {
  Json report = read_json(run().report_json);
  Json& method = report["methods"][1];
  method["n"] = 104;
  method["scores"]["rougeL"] = {{"mean", 0.3141}, {"low", 0.25}, {"high", 0.4}};
  method["valid"] = {{"mean", 0.2}, {"low", 0.1}, {"high", 0.3}};
  method["p_value"] = 0.0123;
  method["prompt_tokens"] = 230.4;
  method["longest_prompt"] = 391;
  method["generated_tokens"] = 17.2;
  method["cut"] = 3;
  method["seconds"] = 185;
  method["predicted_seconds"] = 41;
  method["peak_bytes"] = 312'000'000;
  method["predicted_peak_bytes"] = 299'000'000;
  expect_parts(report_html(report),
               {"<tr><th>one-shot</th><td>104</td>", "<td>31.4<small>25.0 to 40.0</small></td>",
                "<td>20.0<small>10.0 to 30.0</small></td><td class=\"words\"><span "
                "class=\"good-text\">helps</span> (p = 0.012)</td>",
                "<tr><th>one-shot</th><td>230<small>longest 391</small></td><td>17</td>"
                "<td>3 of 104</td><td>3 min 05 s<small>expected 41.0 s</small></td>"
                "<td>312 MB<small>expected 299 MB</small></td></tr>"});
}

TEST_F(LifecycleTest, ThePageTellsTheTokenBudget) {
  const std::string html = read_file(run().report_html);
  expect_parts(html,
               {"<tr><th>zero-shot</th><td>56<small>longest 56</small></td><td>2</td>",
                "<tr><th>4-shot</th><td>388<small>longest 388</small></td><td>2</td>",
                "Answers have at most 8 new tokens; prompt and answer together at most 4096."});
}

TEST_F(LifecycleTest, ThePageShowsSamplesSideBySide) {
  const std::string html = read_file(run().report_html);
  expect_parts(
      html,
      {"<details open><summary>Row 1 <small>zero-shot 0, one-shot 100, 4-shot 100 - picked evenly "
       "from the file</small></summary>",
       "<b>input</b>alpha300 beta300 gamma delta</div>",
       "<div class=\"texts\"><div class=\"text \"><b>reference</b>alpha300 beta300</div>"
       "<div class=\"text \"><b>zero-shot, ROUGE-L 0.0</b>nothing known</div>"
       "<div class=\"text \"><b>one-shot, ROUGE-L 100.0</b>alpha300 beta300</div>"
       "<div class=\"text \"><b>4-shot, ROUGE-L 100.0</b>alpha300 beta300</div></div>"});
}

TEST_F(LifecycleTest, ThePageTellsHowToRepeatIt) {
  RunOptions with = options();
  with.set = {{"evaluate.limit", "12"}};
  with.compute = Compute::f32;
  with.threads = 3;
  const std::string html = read_file(run(with).report_html);
  expect_parts(html, {"<pre>pomona run app.toml --set evaluate.limit=12 --compute f32 --threads 3\n"
                      "pomona chat words</pre>"});
  for (const std::string file : {"model.gguf", "train.jsonl", "valid.jsonl", "test.jsonl"}) {
    const std::string name = file == "model.gguf" ? "model" : file;
    expect_parts(html, {fmt::format("<tr><th>sha256 of {}</th><td><code>{}</code></td></tr>", name,
                                    sha256_file(folder_ / "app" / file))});
  }
  expect_parts(read_file(run().report_html), {"<pre>pomona run app.toml\n"});  // nothing unusual
}

}  // namespace
}  // namespace pomona::lifecycle
