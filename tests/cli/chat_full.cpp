// Ctrl-C in the middle of a real model's answer.
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/support/real_model.h"
#include "tests/support/temp_folder.h"
#include "tests/support/terminal_program.h"

namespace pomona::test {
namespace {

constexpr std::string_view kQuestion =
    "Tell me the longest story that you know about a gardener and her pear trees.";

std::string roles(const Json& messages) {
  std::string roles;
  for (const Json& message : messages) roles += message.at("role").get<std::string>() + " ";
  return roles;
}

TEST(ChatFull, CtrlCStopsTheAnswerAndKeepsTheChat) {
  const auto model = real_model();
  if (!model) GTEST_SKIP() << test::kNoRealModel;
  const ScopedEnv history("POMONA_HISTORY", "off");
  TerminalProgram chat(
      {"chat", model->string(), "--system", "You like very long stories.", "-n", "400"});
  ASSERT_TRUE(chat.shows("> "));
  chat.type(std::string(kQuestion) + "\r");
  ASSERT_TRUE(chat.shows("trees."));  // what was typed
  ASSERT_TRUE(chat.shows(" the ")) << chat.unread();
  chat.type("\x03");
  ASSERT_TRUE(chat.shows("(stopped)")) << chat.unread();
  ASSERT_TRUE(chat.shows("> "));
  const TempFolder folder;
  chat.type("/save " + folder.path().string() + "\r");  // the chat goes on after an error
  ASSERT_TRUE(chat.shows("pomona: ")) << chat.unread();
  const std::string file = (folder / "chat.json").string();
  chat.type("/save " + file + "\r");
  ASSERT_TRUE(chat.shows("(3 messages in ")) << chat.unread();
  const Json stopped = read_json(file);
  EXPECT_EQ(roles(stopped), "system user assistant ");
  EXPECT_EQ(stopped[1]["content"], kQuestion);
  const auto story = stopped[2]["content"].get<std::string>();
  EXPECT_NE(story.find(" the "), std::string::npos) << story;  // what was shown of it

  ASSERT_TRUE(chat.shows("> "));
  chat.type("What is the capital of France?\r");
  ASSERT_TRUE(chat.shows("France?"));
  ASSERT_TRUE(chat.shows("> ")) << chat.unread();
  chat.type("/save " + file + "\r");
  ASSERT_TRUE(chat.shows("(5 messages in ")) << chat.unread();
  const Json saved = read_json(file);
  EXPECT_EQ(roles(saved), "system user assistant user assistant ");
  EXPECT_EQ(Json(saved.begin(), saved.begin() + 3), stopped);
  EXPECT_FALSE(saved[4]["content"].get<std::string>().empty());
  chat.type("/quit\r");
  EXPECT_EQ(chat.wait(), 0);
}

}  // namespace
}  // namespace pomona::test
