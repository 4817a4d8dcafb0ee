// Templates that try to take all the time or memory there is. Each ends with an error or a result
// within seconds, and never holds much more than the 268 MB of text a template may make.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "base/json.h"
#include "tests/support/refused.h"
#include "text/template.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POMONA_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define POMONA_SANITIZED 1
#endif
#endif

namespace pomona::text {
namespace {

#ifdef POMONA_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

/// The slowest takes 2 s on one core of 2026; what these tests are about takes minutes to years.
constexpr double kMostSeconds = kSanitized ? 120 : 15;
/// A text that grows to the limit is copied from half to full capacity, and what it is made of
/// lies beside it.
constexpr std::int64_t kMostKilobytes = 700'000;

constexpr const char* kOutOfBytes = "exhausted: template: stopped after making 268 MB of text";
constexpr const char* kOutOfSteps =
    "exhausted: template: stopped after 20000000 steps; it may loop for ever";

/// A line of /proc/self/status in kilobytes, e.g. "VmHWM:", the peak of the memory in use.
std::int64_t status(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    std::int64_t value = 0;
    if (word == name && file >> value) return value;
  }
  return 0;
}

/// The text, or "KIND: message". Fails if it took too long or too much.
std::string run(const std::string& source, const Json& context = Json::object()) {
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts again
  const std::int64_t before = status("VmRSS:");
  const auto start = std::chrono::steady_clock::now();
  std::string text;
  const std::string error =
      test::refused([&] { text = render(Template(source, "t"), context, "2026-01-02T03:04:05"); });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_LT(seconds.count(), kMostSeconds) << source.substr(0, 200);
  if (!kSanitized) {
    EXPECT_LT(status("VmHWM:") - before, kMostKilobytes) << source.substr(0, 200);
  }
  return error == "nothing" ? text : error;
}

std::string loop(const std::string& body) {
  return "{% for i in range(90000) %}" + body + "{% endfor %}";
}

TEST(HostileTemplate, TextIsChargedBeforeItIsMade) {
  EXPECT_EQ(run("{{ ('{0}' * 2000).format('x' * 1000000) }}"), kOutOfBytes);
  EXPECT_EQ(run("{{ ('{a}' * 2000).format(a='x' * 1000000) }}"), kOutOfBytes);
  EXPECT_EQ(run("{{ ('%(a).999f' * 2000000) % {'a': 1} }}"), kOutOfBytes);
  EXPECT_EQ(run("{{ ('&' * 80000000) | e | length }}"), kOutOfBytes);
  EXPECT_EQ(run("{{ ('&' * 80000000) + ('a' | safe) }}"), kOutOfBytes);
  EXPECT_EQ(run("{{ ['\\x01' * 80000000] }}"), kOutOfBytes);
  EXPECT_EQ(run("{{ ['\\x01' * 80000000] | tojson }}"), kOutOfBytes);
  EXPECT_EQ(run("{% set ns = namespace(x=[1] * 500000) %}{% for i in range(60) %}"
                "{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson(indent=32) }}"),
            kOutOfBytes);
}

TEST(HostileTemplate, ListsAreChargedBeforeTheyAreMade) {
  EXPECT_EQ(run("{{ ('\\n' * 60000000) | indent | length }}"), "60000000");
  EXPECT_EQ(run("{{ ('\\n' * 60000000).splitlines() | length }}"), kOutOfBytes);
  EXPECT_EQ(run("{{ (',' * 60000000).split(',') | length }}"), kOutOfBytes);
  EXPECT_EQ(run("{{ (',' * 60000000).rsplit(',') | length }}"), kOutOfBytes);
  EXPECT_EQ(run("{{ ('a ' * 30000000).split() | length }}"), kOutOfBytes);
  EXPECT_EQ(run("{{ (['a'] * 1900000) | map(attribute='strip') | list | length }}"), kOutOfBytes);
  EXPECT_EQ(run("{{ [none] * 9223372036854775799 }}"), kOutOfBytes);
}

TEST(HostileTemplate, MessagesShowTheFrontOfALongName) {
  EXPECT_EQ(run("{{ ([{}] * 10000) | map(attribute='x' * 100000) | list | length }}"), "10000");
  const std::string front(80, 'x');
  EXPECT_EQ(run("{{ {}['x' * 1000000].y }}"),
            "bad_argument: 'dict object' has no attribute '" + front + "...'");
  EXPECT_EQ(run("{{ 1['x' * 1000000].y }}"),
            "bad_argument: 'int object' has no attribute '" + front + "...'");
  EXPECT_EQ(run("{{ [][['x' * 1000000]].y }}"),
            "bad_argument: list object has no element ['" + front.substr(2) + "...");
  EXPECT_EQ(run("{{ [].index('x' * 1000000) }}"),
            "bad_argument: '" + front.substr(1) + "... is not in list");
  EXPECT_EQ(run("{{ " + std::string(201, 'x') + " }}"),
            "bad_file: template t: line 1: a name has more than 200 bytes");
}

TEST(HostileTemplate, SearchingTakesLinearTime) {
  const std::string part = "{% set part = 'a' * 2000000 ~ 'b' %}{% set text = 'a' * 10000000 %}";
  EXPECT_EQ(run(part + "{{ part in text }}"), "False");
  EXPECT_EQ(run(part + "{{ text.find(part) }} {{ text.count(part) }}"), "-1 0");
  EXPECT_EQ(run(part + "{{ text.split(part) | length }}"), "1");
  EXPECT_EQ(run(part + "{{ text.replace(part, '') | length }}"), "10000000");
  const std::string mirrored =
      "{% set part = 'b' ~ 'a' * 2000000 %}{% set text = 'a' * 10000000 %}";
  EXPECT_EQ(run(mirrored + "{{ text.rfind(part) }}"), "-1");
  EXPECT_EQ(run(mirrored + "{{ text.rsplit(part) | length }}"), "1");
  // Parts up to 256 bytes have no two-way search.
  EXPECT_EQ(run("{% set text = 'a' * 10000000 %}{% set part = 'b' ~ 'a' * 120 %}" +
                loop("{% if part in text %}{% endif %}")),
            kOutOfSteps);
  EXPECT_EQ(run("{{ ('a' * 1000000).strip('b' * 1000000 ~ 'a') | length }}"), "0");
  EXPECT_EQ(run("{{ ('a' * 1000000).rstrip('b' * 1000000 ~ 'a') | length }}"), "0");
}

TEST(HostileTemplate, WhatLooksAtBigValuesIsCharged) {
  const std::string big = "{% set big = 'a' * 50000000 %}";
  EXPECT_EQ(run(big + loop("{% if big is sameas big %}{% endif %}")), kOutOfSteps);
  EXPECT_EQ(run(big + loop("{% if big == big %}{% endif %}")), kOutOfSteps);
  EXPECT_EQ(run(big + loop("{% if big < big %}{% endif %}")), kOutOfSteps);
  EXPECT_EQ(run(big + loop("{% if [big] == [big] %}{% endif %}")), kOutOfSteps);
  EXPECT_EQ(run(big + loop("{% if loop.changed(big) %}{% endif %}")), kOutOfSteps);
  EXPECT_EQ(run(big + loop("{{ big[99999999] }}")), kOutOfSteps);
  EXPECT_EQ(run(big + loop("{% if big | length %}{% endif %}")), kOutOfSteps);
  EXPECT_EQ(run(big + loop("{% if [big, big] | max(case_sensitive=true) %}{% endif %}")),
            kOutOfSteps);
  EXPECT_EQ(run("{{ strftime_now('%A' * 40000000) }}"), kOutOfSteps);
  EXPECT_EQ(
      run("{% set many = ('a',) * 1000000 %}" + loop("{% if 'x'.startswith(many) %}{% endif %}")),
      kOutOfSteps);
  EXPECT_EQ(run("{% set digits = '1' * 50000000 %}" + loop("{% if digits | int %}{% endif %}")),
            kOutOfSteps);
}

TEST(HostileTemplate, ManyKeysAreFoundByHash) {
  Json many = Json::object();
  for (int i = 0; i < 10'000; ++i) many[fmt::format("key{}", i)] = i;
  const Json context = {{"a", many}, {"b", many}};
  EXPECT_EQ(run("{{ a == b }} {{ a.key9999 }} {{ 'key7' in b }} {{ a.get('key') }}", context),
            "True 9999 True None");
  EXPECT_EQ(run(loop("{% if a == b %}{% endif %}"), context), kOutOfSteps);
  EXPECT_EQ(run(loop("{% set ns = namespace(a) %}"), context), kOutOfBytes);
  std::string names;
  for (int i = 0; i < 40'000; ++i) names += fmt::format("{{% set a{} = 1 %}}", i);
  EXPECT_EQ(run(names + loop("{% if zz %}{% endif %}") + "{{ a39999 }}"), "1");
}

TEST(HostileTemplate, LongKeysAreComparedOnce) {
  Json many = Json::object();
  for (int i = 0; i < 300; ++i) many[std::string(100'000, 'x') + fmt::format("{:03}", i)] = i;
  const Json context = {{"a", many}, {"key", std::string(100'000, 'x') + "299"}};
  EXPECT_EQ(run("{{ a[key] }}", context), "299");
  EXPECT_EQ(run(loop("{% if a[key] %}{% endif %}"), context), kOutOfSteps);
}

TEST(HostileTemplate, ACallIsChargedForMatchingItsNames) {
  std::string parameters, arguments;
  for (int i = 0; i < 50'000; ++i) {
    parameters += fmt::format("p{},", i);
    if (i >= 48'600) arguments += fmt::format("p{}=1,", i);
  }
  EXPECT_EQ(run("{% macro f(" + parameters + "z) %}{% endmacro %}" +
                loop("{{ f(" + arguments + "z=1) }}")),
            kOutOfSteps);
}

TEST(HostileTemplate, AChainOfFiltersIsOneExpression) {
  std::string chain = "f(1)";
  for (int i = 0; i < 200'000; ++i) chain += "|f(1)";
  const std::string expected =
      "bad_file: template t: line 1: an expression has more than 3000 parts";
  EXPECT_EQ(run("{% filter " + chain + " %}{% endfilter %}"), expected);
  EXPECT_EQ(run("{% set x | " + chain + " %}{% endset %}"), expected);
}

}  // namespace
}  // namespace pomona::text
