// Ctrl-C in the middle of a real model's answer.
#include <gtest/gtest.h>

#include "tests/support/real_model.h"
#include "tests/support/temp_folder.h"
#include "tests/support/terminal_program.h"

namespace pomona::test {
namespace {

TEST(ChatFull, CtrlCStopsTheAnswerAndKeepsTheChat) {
  const auto model = real_model();
  if (!model) GTEST_SKIP() << "the default model is not here: run ./pomona pull smollm2-135m";
  TerminalProgram chat({"chat", model->string(), "--system", "You like very long stories."});
  ASSERT_TRUE(chat.shows("> "));
  chat.type("Tell me the longest story that you know about a gardener and her pear trees.\n");
  ASSERT_TRUE(chat.shows("trees."));  // the terminal's echo
  ASSERT_TRUE(chat.shows(" the ")) << chat.unread();
  chat.type("\x03");
  ASSERT_TRUE(chat.shows("(stopped)")) << chat.unread();
  ASSERT_TRUE(chat.shows("> "));
  const TempFolder folder;
  chat.type("/save " + folder.path().string() + "\n");  // the chat goes on after an error
  ASSERT_TRUE(chat.shows("pomona: ")) << chat.unread();
  chat.type("/quit\n");
  EXPECT_EQ(chat.wait(), 0);
}

}  // namespace
}  // namespace pomona::test
