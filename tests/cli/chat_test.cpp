// A chat at a terminal: what is typed, what is shown, and what Ctrl-C does.
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/support/golden.h"
#include "tests/support/temp_folder.h"
#include "tests/support/terminal_program.h"

namespace pomona::test {
namespace {

std::vector<std::string> tiny_chat() {
  return {"chat", golden::path_of("llama_tiny.gguf").string(), "-n", "4"};
}

TEST(ChatOnATerminal, AnswersKeepsAndForgets) {
  const TempFolder folder;
  const std::string file = (folder / "chat.json").string();
  TerminalProgram chat(tiny_chat());
  ASSERT_TRUE(chat.shows("/help for more")) << chat.unread();
  ASSERT_TRUE(chat.shows("> "));
  chat.type("one\\\ntwo\n");
  ASSERT_TRUE(chat.shows("… ")) << chat.unread();
  ASSERT_TRUE(chat.shows("cut at the limit")) << chat.unread();
  ASSERT_TRUE(chat.shows("> "));
  chat.type("/save " + file + "\n");
  ASSERT_TRUE(chat.shows("(2 messages in ")) << chat.unread();
  const Json saved = read_json(file);
  ASSERT_EQ(saved.size(), 2u);
  EXPECT_EQ(saved[0], Json({{"role", "user"}, {"content", "one\ntwo"}}));
  EXPECT_EQ(saved[1]["role"], "assistant");
  chat.type("/reset\n");
  ASSERT_TRUE(chat.shows("(forgotten)"));
  chat.type("/save " + file + "\n");
  ASSERT_TRUE(chat.shows("(0 messages in ")) << chat.unread();
  chat.type("/rest\n");
  ASSERT_TRUE(chat.shows("there is no command /rest")) << chat.unread();
  chat.type("/help\n");
  ASSERT_TRUE(chat.shows("/save FILE"));
  chat.type("/quit\n");
  EXPECT_EQ(chat.wait(), 0);
}

TEST(ChatOnATerminal, AFullContextSaysWhatToDo) {
  TerminalProgram chat(tiny_chat());
  ASSERT_TRUE(chat.shows("> "));
  for (int i = 0; i < 3; ++i) chat.type(std::string(300, 'x') + "\n");
  ASSERT_TRUE(chat.shows("/reset starts afresh")) << chat.unread();
  chat.type("/reset\nhello\n");
  ASSERT_TRUE(chat.shows("cut at the limit")) << chat.unread();
  chat.type("\x04");
  EXPECT_EQ(chat.wait(), 0);
}

TEST(ChatOnATerminal, CtrlCAtThePromptWarnsAndThenLeaves) {
  TerminalProgram chat(tiny_chat());
  ASSERT_TRUE(chat.shows("> "));
  chat.type("\x03");
  ASSERT_TRUE(chat.shows("Ctrl-C again")) << chat.unread();
  ASSERT_TRUE(chat.shows("> "));
  chat.type("hello\n");
  ASSERT_TRUE(chat.shows("cut at the limit")) << chat.unread();
  ASSERT_TRUE(chat.shows("> "));
  chat.type("\x03");
  ASSERT_TRUE(chat.shows("Ctrl-C again"));
  ASSERT_TRUE(chat.shows("> "));
  chat.type("\x03");
  EXPECT_EQ(chat.wait(), 130);
}

TEST(ChatOnATerminal, CtrlCDropsABegunMessageAndKeepsTheChat) {
  const TempFolder folder;
  const std::string file = (folder / "chat.json").string();
  TerminalProgram chat(tiny_chat());
  ASSERT_TRUE(chat.shows("> "));
  chat.type("\x03");
  ASSERT_TRUE(chat.shows("Ctrl-C again")) << chat.unread();
  chat.type("one\\\n");
  ASSERT_TRUE(chat.shows("… ")) << chat.unread();
  chat.type("\x03");
  ASSERT_TRUE(chat.shows("Ctrl-C again")) << chat.unread();
  ASSERT_TRUE(chat.shows("> "));
  chat.type("two\n");
  ASSERT_TRUE(chat.shows("cut at the limit")) << chat.unread();
  ASSERT_TRUE(chat.shows("> "));
  chat.type("/save " + file + "\n");
  ASSERT_TRUE(chat.shows("(2 messages in ")) << chat.unread();
  EXPECT_EQ(read_json(file)[0], Json({{"role", "user"}, {"content", "two"}}));
  chat.type("/quit\n");
  EXPECT_EQ(chat.wait(), 0);
}

}  // namespace
}  // namespace pomona::test
