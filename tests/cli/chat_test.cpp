// A chat at a terminal: what is typed, what is shown, and what Ctrl-C does.
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/support/golden.h"
#include "tests/support/temp_folder.h"
#include "tests/support/terminal_program.h"

namespace pomona::test {
namespace {

/// Each chat has a history of its own.
class ChatOnATerminal : public ::testing::Test {
 protected:
  TempFolder folder_;
  ScopedEnv home_{"POMONA_HOME", (folder_ / "home").string()};
  ScopedEnv history_{"POMONA_HISTORY", std::nullopt};
};

std::vector<std::string> tiny_chat() {
  return {"chat", golden::path_of("llama_tiny.gguf").string(), "-n", "4"};
}

TEST_F(ChatOnATerminal, AnswersKeepsAndForgets) {
  const std::string file = (folder_ / "chat.json").string();
  TerminalProgram chat(tiny_chat());
  ASSERT_TRUE(chat.shows("/help for more")) << chat.unread();
  ASSERT_TRUE(chat.shows("> "));
  chat.type("one\\\rtwo\r");
  ASSERT_TRUE(chat.shows("… ")) << chat.unread();
  ASSERT_TRUE(chat.shows("cut at the limit")) << chat.unread();
  ASSERT_TRUE(chat.shows("> "));
  chat.type("/save " + file + "\r");
  ASSERT_TRUE(chat.shows("(2 messages in ")) << chat.unread();
  const Json saved = read_json(file);
  ASSERT_EQ(saved.size(), 2u);
  EXPECT_EQ(saved[0], Json({{"role", "user"}, {"content", "one\ntwo"}}));
  EXPECT_EQ(saved[1]["role"], "assistant");
  chat.type("/reset\r");
  ASSERT_TRUE(chat.shows("(forgotten)"));
  chat.type("/save " + file + "\r");
  ASSERT_TRUE(chat.shows("(0 messages in ")) << chat.unread();
  chat.type("/rest\r");
  ASSERT_TRUE(chat.shows("there is no command /rest")) << chat.unread();
  chat.type("/help\r");
  ASSERT_TRUE(chat.shows("/save FILE"));
  chat.type("/quit\r");
  EXPECT_EQ(chat.wait(), 0);
}

TEST_F(ChatOnATerminal, AFullContextSaysWhatToDo) {
  TerminalProgram chat(tiny_chat());
  ASSERT_TRUE(chat.shows("> "));
  for (int i = 0; i < 3; ++i) chat.type(std::string(300, 'x') + "\r");
  ASSERT_TRUE(chat.shows("/reset starts afresh")) << chat.unread();
  chat.type("/reset\rhello\r");
  ASSERT_TRUE(chat.shows("cut at the limit")) << chat.unread();
  chat.type("\x04");
  EXPECT_EQ(chat.wait(), 0);
}

TEST_F(ChatOnATerminal, CtrlCAtThePromptWarnsAndThenLeaves) {
  TerminalProgram chat(tiny_chat());
  ASSERT_TRUE(chat.shows("> "));
  chat.type("\x03");
  ASSERT_TRUE(chat.shows("Ctrl-C again")) << chat.unread();
  ASSERT_TRUE(chat.shows("> "));
  chat.type("hello\r");
  ASSERT_TRUE(chat.shows("cut at the limit")) << chat.unread();
  ASSERT_TRUE(chat.shows("> "));
  chat.type("\x03");
  ASSERT_TRUE(chat.shows("Ctrl-C again"));
  ASSERT_TRUE(chat.shows("> "));
  chat.type("\x03");
  EXPECT_EQ(chat.wait(), 130);
}

TEST_F(ChatOnATerminal, CtrlCDropsABegunMessageAndKeepsTheChat) {
  const std::string file = (folder_ / "chat.json").string();
  TerminalProgram chat(tiny_chat());
  ASSERT_TRUE(chat.shows("> "));
  chat.type("\x03");
  ASSERT_TRUE(chat.shows("Ctrl-C again")) << chat.unread();
  chat.type("one\\\r");
  ASSERT_TRUE(chat.shows("… ")) << chat.unread();
  chat.type("\x03");
  ASSERT_TRUE(chat.shows("> ")) << chat.unread();
  chat.type("two\r");
  ASSERT_TRUE(chat.shows("cut at the limit")) << chat.unread();
  ASSERT_TRUE(chat.shows("> "));
  chat.type("/save " + file + "\r");
  ASSERT_TRUE(chat.shows("(2 messages in ")) << chat.unread();
  EXPECT_EQ(read_json(file)[0], Json({{"role", "user"}, {"content", "two"}}));
  chat.type("/quit\r");
  EXPECT_EQ(chat.wait(), 0);
}

/// What was said so far.
class EditedChat : public ChatOnATerminal {
 protected:
  EditedChat() : chat_(tiny_chat()) { EXPECT_TRUE(chat_.shows("> ")) << chat_.unread(); }

  /// The messages of the user.
  Json said() {
    const std::string file = (folder_ / "chat.json").string();
    chat_.type("/save " + file + "\r");
    EXPECT_TRUE(chat_.shows(" messages in ")) << chat_.unread();
    EXPECT_TRUE(chat_.shows("> "));
    Json texts = Json::array();
    for (const Json& message : read_json(file))
      if (message["role"] == "user") texts.push_back(message["content"]);
    return texts;
  }
  void say(std::string_view keys) {
    chat_.type(std::string(keys) + "\r");
    EXPECT_TRUE(chat_.shows("cut at the limit")) << chat_.unread();
    EXPECT_TRUE(chat_.shows("> "));
  }
  void leave() {
    chat_.type("\x04");
    EXPECT_EQ(chat_.wait(), 0);
  }

  TerminalProgram chat_;
};

TEST_F(EditedChat, PastedLinesAreOneMessage) {
  say("\x1b[200~one\r/quit\rthree\x1b[201~");
  EXPECT_EQ(said(), Json({"one\n/quit\nthree"}));
  leave();
}

TEST_F(EditedChat, LongQuotesAndCommands) {
  say("\"\"\"\r/quit\r\"\"\"");
  EXPECT_EQ(said(), Json({"/quit"}));
  leave();
}

TEST_F(EditedChat, KeysEdit) {
  say("wrld\x1b[D\x1b[D\x1b[Do\x1b[H\xe6\xa2\xa8 hello \x1b[F!");
  EXPECT_EQ(said(), Json({"梨 hello world!"}));
  leave();
}

TEST_F(EditedChat, TheNextChatRemembers) {
  say("one\ntwo");
  leave();
  TerminalProgram next(tiny_chat());
  ASSERT_TRUE(next.shows("> "));
  next.type("\x1b[A");
  ASSERT_TRUE(next.shows("> one")) << next.unread();
  ASSERT_TRUE(next.shows("… two"));
  next.type(
      "\x15\x12"
      "ne");
  ASSERT_TRUE(next.shows("(search: ne) one")) << next.unread();
  next.type("\x03\x03\x03");  // the search, what is written, and the hint
  ASSERT_TRUE(next.shows("Ctrl-C again")) << next.unread();
  next.type("\x03");
  EXPECT_EQ(next.wait(), 130);
}

TEST_F(EditedChat, BreaksLinesAnewWhenTheTerminalChanges) {
  chat_.type(std::string(50, 'x'));
  ASSERT_TRUE(chat_.shows("> " + std::string(50, 'x')));
  chat_.resize(32);
  ASSERT_TRUE(chat_.shows("> " + std::string(30, 'x') + "\r\n" + std::string(20, 'x')))
      << chat_.unread();
  chat_.type("\r");
  ASSERT_TRUE(chat_.shows("cut at the limit"));
  EXPECT_EQ(said(), Json({std::string(50, 'x')}));
  leave();
}

TEST_F(EditedChat, TheTerminalIsGivenBackAsItWas) {
  EXPECT_FALSE(chat_.echoes());
  chat_.type("\x04");
  ASSERT_TRUE(chat_.shows("\x1b[?2004l")) << chat_.unread();
  EXPECT_EQ(chat_.wait(), 0);
  EXPECT_TRUE(chat_.echoes());
}

TEST_F(ChatOnATerminal, NothingIsRememberedWhereNobodyWantsIt) {
  std::vector<std::string> words = tiny_chat();
  words.emplace_back("--no-history");
  TerminalProgram chat(words);
  ASSERT_TRUE(chat.shows("> "));
  chat.type("hello\r");
  ASSERT_TRUE(chat.shows("cut at the limit")) << chat.unread();
  chat.type("\x04");
  EXPECT_EQ(chat.wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "home/history"));
}

TEST_F(ChatOnATerminal, AHistoryThatCannotBeReadIsNoReasonNotToTalk) {
  std::filesystem::create_directories(folder_ / "home/history/chat.jsonl");
  TerminalProgram chat(tiny_chat());
  ASSERT_TRUE(chat.shows("the history is not kept: ")) << chat.unread();
  ASSERT_TRUE(chat.shows("> ")) << chat.unread();
  chat.type("hello\r");
  ASSERT_TRUE(chat.shows("cut at the limit")) << chat.unread();
  chat.type("\x04");
  EXPECT_EQ(chat.wait(), 0);
}

}  // namespace
}  // namespace pomona::test
