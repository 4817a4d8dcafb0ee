#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "tests/support/real_model.h"
#include "text/template.h"

namespace pomona::text {
namespace {

TEST(TemplateFull, RendersAsTheReference) {
  const auto folder = test::shared_data("oracles/templates");
  if (!folder) GTEST_SKIP() << "no reference renderings beside the repository";
  const Json cases = read_json(*folder / "cases.json");
  ASSERT_GE(cases.size(), 572u);
  std::map<std::string, ChatTemplate> templates;
  for (const Json& item : cases) {
    const auto file = item["template"].get<std::string>();
    if (!templates.contains(file))
      templates.emplace(file, ChatTemplate(read_file(*folder / file), file));
    ChatOptions options;
    options.add_generation_prompt = item["add_generation_prompt"].get<bool>();
    options.tools = item["tools"];
    options.bos = item["bos_token"].get<std::string>();
    options.eos = item["eos_token"].get<std::string>();
    options.now = item["now"].get<std::string>();
    const std::string what = file + " / " + item["name"].get<std::string>();
    try {
      const std::string rendered = templates.at(file).render(item["messages"], options);
      ASSERT_TRUE(item.contains("rendered")) << what << ": expected " << item["error"];
      EXPECT_EQ(rendered, item["rendered"].get<std::string>()) << what;
    } catch (const Error& error) {
      ASSERT_TRUE(item.contains("error")) << what << ": " << error.what();
      EXPECT_EQ(error.kind(), ErrorKind::bad_argument) << what;
      EXPECT_EQ(error.what(), item["error"].get<std::string>()) << what;
    }
  }
}

}  // namespace
}  // namespace pomona::text
