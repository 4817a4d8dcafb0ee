#include "text/template.h"

#include <ctime>

#include "base/error.h"
#include "base/text.h"
#include "text/template_parser.h"
#include "text/template_render.h"

namespace pomona::text {
namespace {

constexpr std::size_t kLongestSource = std::size_t{1} << 20;

std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm local = {};
  ::localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &local);
  return text;
}

}  // namespace

Template::Template(std::string_view source, const std::string& origin) {
  if (source.size() > kLongestSource)
    fail(ErrorKind::bad_file, "template {}: {} are too long, at most {}", origin,
         human_bytes(source.size()), human_bytes(kLongestSource));
  if (const auto bad = find_invalid_utf8(source))
    fail(ErrorKind::bad_file, "template {}: not valid UTF-8 at byte {}", origin, *bad);
  block_ = std::make_shared<const jinja::Block>(jinja::parse_template(source, origin));
}

std::string render(const Template& source, const Json& context, const std::string& now) {
  return jinja::render_block(*source.block_, context, now.empty() ? local_time() : now);
}

std::string ChatTemplate::render(const Json& messages, const ChatOptions& options) const {
  if (!messages.is_array()) fail(ErrorKind::bad_argument, "chat template: messages must be a list");
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (!messages[i].is_object() || !messages[i].contains("role"))
      fail(ErrorKind::bad_argument, "chat template: message {} is no object with a role", i);
  }
  Json context = Json::object();
  if (options.extra.is_object()) context = options.extra;
  context["messages"] = messages;
  context["tools"] = options.tools;
  context["add_generation_prompt"] = options.add_generation_prompt;
  context["bos_token"] = options.bos;
  context["eos_token"] = options.eos;
  return text::render(template_, context, options.now);
}

}  // namespace pomona::text
