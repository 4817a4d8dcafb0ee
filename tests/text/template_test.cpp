#include "text/template.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "tests/support/corpus.h"
#include "tests/support/refused.h"
#include "tests/text/template_exercise.h"

namespace pomona::text {
namespace {

constexpr const char* kNow = "2026-01-02T03:04:05";

/// The text, or "KIND: message".
std::string run(const std::string& source, const Json& context = Json::object()) {
  std::string text;
  const std::string error =
      test::refused([&] { text = render(Template(source, "t"), context, kNow); });
  return error == "nothing" ? text : error;
}

TEST(Template, EqualsTheReferenceOnSmallCases) {
  const Json golden = read_json(POMONA_SOURCE_DIR "/tests/golden/template_cases.json");
  ASSERT_GE(golden["cases"].size(), 130u);
  for (const Json& item : golden["cases"]) {
    const auto source = item["source"].get<std::string>();
    const std::string expected = item.contains("text")
                                     ? item["text"].get<std::string>()
                                     : "bad_argument: " + item["error"].get<std::string>();
    EXPECT_EQ(run(source, golden["context"]), expected) << source;
  }
}

TEST(Template, NamesTheLineOfASyntaxError) {
  const std::string head = "bad_file: template t: line ";
  EXPECT_EQ(run("a\nb\n{{ 1 + }}"),
            head + "3: unexpected the end of the tag, expected an expression");
  EXPECT_EQ(run("{% if x %}\na"), head + "2: the template ends before 'endif'");
  EXPECT_EQ(run("{% endif %}"), head + "1: unknown tag 'endif'");
  EXPECT_EQ(run("\n{% frob %}"), head + "2: unknown tag 'frob'");
  EXPECT_EQ(run("{{ 'abc }}"), head + "1: a string does not end");
  EXPECT_EQ(run("{# abc"), head + "1: Missing end of comment tag");
  EXPECT_EQ(run("{{ a b }}"), head + "1: unexpected 'b', expected the end of the tag");
  EXPECT_EQ(run("{{ a ! b }}"), head + "1: unexpected char '!'");
  EXPECT_EQ(run("{{ (1 }}"), head + "1: unexpected '}'");
  EXPECT_EQ(run("{% break %}"), head + "1: 'break' outside of a loop");
  EXPECT_EQ(run("{% raw %}x"), head + "1: Missing end of raw directive");
  EXPECT_EQ(run("{{ '\\ud800' }}"), head + "1: a string has an escape that is no character");
  EXPECT_EQ(run("a\xFF"), "bad_file: template t: not valid UTF-8 at byte 1");
  EXPECT_EQ(run("{% include 'x' %}"),
            "unsupported: template t: line 1: 'include' is not supported in chat templates");
}

TEST(Template, StopsWhatNeverEnds) {
  EXPECT_EQ(
      run("{% set r = range(9999) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}"),
      "exhausted: template: stopped after 20000000 steps; it may loop for ever");
  EXPECT_EQ(run("{% set ns = namespace(x='a') %}{% for i in range(99) %}"
                "{% set ns.x = ns.x ~ ns.x %}{% endfor %}"),
            "exhausted: template: stopped after making 268 MB of text");
  EXPECT_EQ(run("{{ 'a' * 9999999999 }}"),
            "exhausted: template: stopped after making 268 MB of text");
  EXPECT_EQ(run("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"),
            "exhausted: template: nested more than 250 deep while running");
  EXPECT_EQ(run("{% set ns = namespace(x=[]) %}{% for i in range(99) %}"
                "{% set ns.x = [ns.x] %}{% endfor %}"),
            "exhausted: template: lists are nested more than 64 deep");
  EXPECT_EQ(run("{% set ns = namespace(x=[1]) %}{% for i in range(60) %}"
                "{% set ns.x = [ns.x, ns.x] %}{% endfor %}"),
            "exhausted: template: a list is too big");
  EXPECT_EQ(run("{% set ns = namespace() %}{% set ns.me = ns %}"),
            "bad_argument: a namespace cannot hold a namespace or a function");
}

TEST(Template, RefusesNestingThatWouldOverflowTheStack) {
  const std::string deep = "{{ " + std::string(5000, '(') + "1" + std::string(5000, ')') + " }}";
  EXPECT_EQ(run(deep), "bad_file: template t: line 1: nested more than 60 deep");
  std::string sum = "{{ 1";
  for (int i = 0; i < 5000; ++i) sum += " + 1";
  EXPECT_EQ(run(sum + " }}"),
            "bad_file: template t: line 1: an expression has more than 3000 parts");
  std::string blocks;
  for (int i = 0; i < 5000; ++i) blocks += "{% if 1 %}";
  EXPECT_EQ(run(blocks), "bad_file: template t: line 1: nested more than 60 deep");
  Json nested = 1;
  for (int i = 0; i < 100; ++i) nested = Json::array({nested});
  EXPECT_EQ(run("", {{"x", nested}}),
            "bad_argument: template: the data is nested more than 60 deep");
}

TEST(Template, ReadsTheClockItIsGiven) {
  EXPECT_EQ(run("{{ strftime_now('%d %b %Y') }}"), "02 Jan 2026");
  EXPECT_EQ(run("{{ strftime_now('%-d/%-m %A') }}"), "2/1 Friday");
  const Template source("{{ strftime_now('%Y') }}");
  EXPECT_THROW(render(source, Json::object(), "yesterday"), Error);
  EXPECT_THROW(render(source, Json::object(), "2026-02-30"), Error);
  EXPECT_EQ(render(source, Json::object(), "2026-02-28"), "2026");
  EXPECT_EQ(render(source, Json::object()).size(), 4u);  // the real clock
}

TEST(ChatTemplate, GivesTheTemplateItsNames) {
  const ChatTemplate chat(
      "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}"
      "{% endfor %}{% if tools %}{{ tools | length }}{% endif %}"
      "{% if add_generation_prompt %}<assistant>{% endif %}{{ mood }}");
  const Json messages = {{{"role", "user"}, {"content", "Hi"}}};
  ChatOptions options;
  options.bos = "[";
  options.eos = "]";
  EXPECT_EQ(chat.render(messages, options), "[<user>Hi]<assistant>");
  options.add_generation_prompt = false;
  options.tools = Json::array({1, 2});
  options.extra = {{"mood", "!"}};
  EXPECT_EQ(chat.render(messages, options), "[<user>Hi]2!");
  EXPECT_THROW(chat.render(Json::object(), options), Error);
  EXPECT_THROW(chat.render(Json::array({"text"}), options), Error);
}

TEST(TemplateCorpus, ReplaysWithoutACrash) {
  test::replay_corpus("template", 12,
                      [](const fs::path& path) { return exercise_template(read_file(path)); });
}

}  // namespace
}  // namespace pomona::text
