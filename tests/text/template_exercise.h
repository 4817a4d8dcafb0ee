// Parses a text as a template and renders a small chat with it; the fuzzer and the replay of its
// corpus share it.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "tests/support/exercise.h"
#include "text/template.h"

namespace pomona::text {

/// True if the template renders, false if an Error says why not.
inline bool exercise_template(std::string_view source) {
  static const Json messages = Json::parse(R"([
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "h\u00e9 <1>"}]},
    {"role": "assistant", "content": null, "tool_calls":
      [{"id": "0", "type": "function", "function": {"name": "f", "arguments": {"x": 1.5}}}]},
    {"role": "tool", "content": "{}", "tool_call_id": "0"}])");
  static const Json tools =
      Json::parse(R"([{"type": "function", "function": {"name": "f", "parameters": {}}}])");
  static const Json names = Json::parse(R"({
    "n": 7, "half": 0.5, "yes": true, "nothing": null, "name": "Ada", "accents": "h\u00e9 \u4e2d",
    "list": [3, 1, 2], "words": ["b", "A", "c"], "empty": [], "big": 12345678901,
    "person": {"name": "Ada", "age": 36, "items": "shadowed"}, "html": "<a href='x'>&\"",
    "people": [{"name": "Bo", "age": 5}, {"name": "Al", "age": 36}, {"name": "Cy", "age": 5}],
    "tree": [{"v": 1, "kids": [{"v": 2, "kids": []}, {"v": 3, "kids": []}]}]})");
  return test::ends_well([&] {
    ChatOptions options;
    options.tools = tools;
    options.extra = names;
    options.bos = "<s>";
    options.now = "2026-01-02T03:04:05";
    ChatTemplate(source).render(messages, options);
  });
}

}  // namespace pomona::text
