// Downloads over several connections at once, against a server that cuts, lies and does no ranges.
#include "net/ranges.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <set>

#include "base/clock.h"
#include "base/file.h"
#include "tests/support/http_server.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::net {
namespace {

using test::error_of;
using test::HttpServer;
using test::Reply;
using test::Request;
using Ranges = std::vector<ByteRange>;

/// 400 kB in which every place can be told from its neighbours.
const std::string& sample() {
  static const std::string text = [] {
    std::string made;
    for (int i = 0; made.size() < 400000; ++i) made += std::to_string(i) + " ";
    made.resize(400000);
    return made;
  }();
  return text;
}

class RangesTest : public ::testing::Test {
 protected:
  RangesTest() {
    options_.back_off_seconds = 0.01;
    options_.stall_seconds = 1;
    options_.connections = 4;
    options_.least_range = 100000;
    options_.bytes = sample().size();
  }

  void expect_whole() const {
    EXPECT_EQ(read_file(part_), sample());
    EXPECT_FALSE(note_.exists());
  }

  const test::TempFolder folder_;
  const fs::path part_ = folder_ / "x.part";
  const RangeNote note_ = RangeNote(part_);
  HttpOptions options_;

 private:
  const test::ScopedEnv http_{"http_proxy", std::nullopt};
  const test::ScopedEnv all_{"all_proxy", std::nullopt};
  const test::ScopedEnv upper_{"ALL_PROXY", std::nullopt};
};

TEST(Ranges, AreHalvedWhereTheyAreLongest) {
  EXPECT_EQ(split_ranges({{0, 400}}, 4, 100),
            (Ranges{{0, 100}, {100, 200}, {200, 300}, {300, 400}}));
  EXPECT_EQ(split_ranges({{0, 399}}, 4, 100), (Ranges{{0, 199}, {199, 299}, {299, 399}}));
  EXPECT_EQ(split_ranges({{0, 199}}, 4, 100), (Ranges{{0, 199}}));
  EXPECT_EQ(split_ranges({{50, 60}, {100, 400}}, 3, 100),
            (Ranges{{50, 60}, {100, 250}, {250, 400}}));
  EXPECT_EQ(split_ranges({}, 4, 100), Ranges{});
}

TEST_F(RangesTest, EachConnectionBringsItsRange) {
  HttpServer server([](const Request&) { return Reply{.body = sample()}; });
  const Download done = download(server.url(), part_, options_);
  EXPECT_EQ(done.bytes, sample().size());
  EXPECT_EQ(done.resumed_from, 0u);
  expect_whole();
  std::set<std::pair<std::uint64_t, std::uint64_t>> asked;
  for (const Request& request : server.requests())
    asked.emplace(request.range_from.value(), request.range_to.value());
  EXPECT_EQ(asked,
            (decltype(asked){{0, 99999}, {100000, 199999}, {200000, 299999}, {300000, 399999}}));
}

TEST_F(RangesTest, SmallFilesComeOverOneConnection) {
  HttpServer server([](const Request&) { return Reply{.body = sample()}; });
  options_.least_range = 200001;
  download(server.url(), part_, options_);
  expect_whole();
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(RangesTest, WhatOneConnectionLeftIsGoneOnWithByMore) {
  HttpServer server([](const Request&) { return Reply{.body = sample()}; });
  write_file(part_, sample().substr(0, 100000));
  options_.connections = 2;
  EXPECT_EQ(download(server.url(), part_, options_).resumed_from, 100000u);
  expect_whole();
  ASSERT_EQ(server.requests().size(), 2u);
  for (const Request& request : server.requests()) EXPECT_GE(request.range_from, 100000u);
}

TEST_F(RangesTest, AServerWithoutRangesSendsTheWhole) {
  HttpServer server([](const Request&) { return Reply{.body = sample(), .ranges = false}; });
  download(server.url(), part_, options_);
  expect_whole();
  EXPECT_FALSE(server.requests().back().range_from);
}

TEST_F(RangesTest, CutConnectionsAreTriedAgain) {
  HttpServer server([](const Request& request) {
    Reply reply{.body = sample()};
    if (request.range_from.value() % 100000 == 0) reply.cut_after = 30000;
    return reply;
  });
  download(server.url(), part_, options_);
  expect_whole();
  EXPECT_EQ(server.requests().size(), 8u);
}

TEST_F(RangesTest, WhatAFailureLeavesIsGoneOnWith) {
  bool refuse = true;
  HttpServer server([&](const Request& request) {
    const bool first = request.range_from.value() % 100000 == 0;
    Reply reply{.body = sample()};
    if (refuse && first) reply.cut_after = 30000;
    if (refuse && !first) reply.status = 403;
    return reply;
  });
  const Error error = error_of([&] { download(server.url(), part_, options_); });
  EXPECT_EQ(error.kind(), ErrorKind::network);
  EXPECT_NE(std::string(error.what()).find("403"), std::string::npos) << error.what();
  const std::uint64_t present = present_bytes(part_, sample().size());
  EXPECT_GE(present, 30000u);
  EXPECT_LE(present, 120000u);
  refuse = false;
  EXPECT_EQ(download(server.url(), part_, options_).resumed_from, present);
  expect_whole();
}

// Over one connection too, and after a kill, which leaves the note of half a second before.
TEST_F(RangesTest, KilledInTheMiddleItIsGoneOnWith) {
  std::atomic<bool> whole = false;
  HttpServer server([&](const Request& request) {
    Reply reply{.body = sample()};
    if (!whole && request.range_from == 300000) reply.stall_after = 50000;
    return reply;
  });
  options_.stall_seconds = 60;
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      download(server.url(), part_, options_);
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  ::usleep(300000);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(note_.exists());
  EXPECT_LT(present_bytes(part_, sample().size()), sample().size());
  whole = true;
  options_.connections = 1;
  download(server.url(), part_, options_);
  expect_whole();
}

TEST_F(RangesTest, AStopRequestLeavesANote) {
  StopToken stop;
  options_.stop = &stop;
  HttpServer server([&](const Request&) {
    stop.request();
    return Reply{.body = sample(), .stall_after = 50000};
  });
  EXPECT_EQ(error_of([&] { download(server.url(), part_, options_); }).kind(),
            ErrorKind::cancelled);
  EXPECT_TRUE(note_.exists());
}

TEST_F(RangesTest, AnotherSizeIsRefused) {
  HttpServer server([](const Request&) { return Reply{.body = sample() + "more"}; });
  const Error error = error_of([&] { download(server.url(), part_, options_); });
  EXPECT_EQ(error.kind(), ErrorKind::network);
  EXPECT_NE(std::string(error.what()).find("400004 bytes"), std::string::npos) << error.what();
}

TEST_F(RangesTest, ANoteThatCannotBeIsNotBelieved) {
  HttpServer server([](const Request&) { return Reply{.body = sample()}; });
  for (const char* text :
       {"", "x", "0 5", "400000 300000", "5 10\n0 400000", "0 99999999", "-1 400000"}) {
    write_file(part_, std::string(sample().size(), '?'));
    write_file(part_.string() + ".ranges", text);
    EXPECT_EQ(present_bytes(part_, sample().size()), 0u) << text;
    EXPECT_EQ(download(server.url(), part_, options_).resumed_from, 0u) << text;
    expect_whole();
  }
}

TEST_F(RangesTest, AWholeFileIsNotAskedFor) {
  HttpServer server([](const Request&) { return Reply{.body = sample()}; });
  write_file(part_, sample());
  EXPECT_EQ(download(server.url(), part_, options_).resumed_from, sample().size());
  note_.write({{100000, 100000}, {400000, 400000}});  // killed before the note was removed
  download(server.url(), part_, options_);
  expect_whole();
  EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace pomona::net
