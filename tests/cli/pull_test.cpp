// `pomona pull` as the real program, from a server of the test.
#include <gtest/gtest.h>

#include <atomic>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "tests/support/cli_case.h"
#include "tests/support/golden.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_folder.h"
#include "tests/support/terminal_program.h"
#include "tests/support/tiny_app.h"

namespace pomona::test {
namespace {

class PullCommand : public ::testing::Test {
 protected:
  /// Puts "tiny" into the user's catalogue, to be had at a URL.
  void write_catalogue(const std::string& url) const {
    write_file(home_ / "models.d/tiny.toml",
               fmt::format("name = \"tiny\"\narchitecture = \"llama\"\nparameters = 1000\n"
                           "licence = \"Apache-2.0\"\ncontext = 512\nlanguages = [\"en\"]\n"
                           "file = \"tiny.gguf\"\nbytes = {}\nsha256 = \"{}\"\n"
                           "[[source]]\nkind = \"url\"\nurl = \"{}\"\n",
                           bytes_.size(), sha256_hex(bytes_), url));
  }

  TempFolder folder_;
  fs::path home_ = folder_ / ".home";
  fs::path place_ = home_ / "models/tiny/tiny.gguf";
  std::string bytes_ = read_file(golden::path_of("llama_tiny.gguf"));
  // The way of the test's requests must not depend on who runs it.
  ScopedEnv http_proxy_{"http_proxy", std::nullopt};
  ScopedEnv all_proxy_{"all_proxy", std::nullopt};
  ScopedEnv all_proxy_upper_{"ALL_PROXY", std::nullopt};
};

TEST_F(PullCommand, TellsProgramsWhatItFetched) {
  HttpServer server([&](const Request&) { return Reply{.body = bytes_}; });
  write_catalogue(server.url() + "/t");
  Json wanted = {{"path", place_.string()},
                 {"bytes", bytes_.size()},
                 {"sha256", sha256_hex(bytes_)},
                 {"source", server.url() + "/t"},
                 {"cached", false}};
  const CliOutcome first = run_shell("pomona pull tiny --json", folder_.path());
  EXPECT_EQ(first.exit_code, 0) << first.error;
  EXPECT_EQ(parse_json(first.out, "pull"), wanted);
  EXPECT_EQ(read_file(place_), bytes_);
  wanted["cached"] = true;
  const CliOutcome second = run_shell("pomona pull tiny --json", folder_.path());
  EXPECT_EQ(parse_json(second.out, "pull"), wanted);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(PullCommand, CtrlCLeavesNoModelAndTheNextPullGoesOn) {
  std::atomic<bool> whole = false;
  HttpServer server([&](const Request&) {
    Reply reply{.body = bytes_};
    if (!whole) reply.stall_after = 70000;
    return reply;
  });
  write_catalogue(server.url());
  const ScopedEnv home("POMONA_HOME", home_.string());
  const ScopedEnv data("POMONA_DATA", POMONA_SOURCE_DIR);
  TerminalProgram pull({"pull", "tiny"});
  ASSERT_TRUE(pull.shows("download tiny.gguf")) << pull.unread();
  pull.type("\x03");
  EXPECT_TRUE(pull.shows("interrupted")) << pull.unread();
  EXPECT_EQ(pull.wait(), 130);
  EXPECT_FALSE(fs::exists(place_));
  whole = true;
  EXPECT_EQ(run_shell("pomona pull tiny", folder_.path()).exit_code, 0);
  EXPECT_EQ(server.requests().back().range_from, 70000u);
  EXPECT_EQ(read_file(place_), bytes_);
}

TEST_F(PullCommand, RunFetchesTheModelItNames) {
  HttpServer server([&](const Request&) { return Reply{.body = bytes_}; });
  write_catalogue(server.url());
  put_tiny_app(folder_.path());
  const std::string run =
      "pomona run app.toml --set model.base=tiny --set 'prompt.shots=[0]' --json";
  const Json plan = parse_json(run_shell(run + " --plan", folder_.path()).out, "plan");
  EXPECT_EQ(plan.at("download_bytes"), bytes_.size());
  EXPECT_EQ(plan.at("speed"), "estimated");
  EXPECT_TRUE(server.requests().empty());
  const CliOutcome outcome = run_shell(run, folder_.path());
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
  const Json told = parse_json(outcome.out, "run");
  const Json report = read_json(told.at("report_json").get<std::string>());
  EXPECT_EQ(report.at("model").at("name"), "tiny");
  EXPECT_EQ(report.at("model").at("sha256"), sha256_hex(bytes_));
  EXPECT_EQ(read_file(place_), bytes_);
}

TEST_F(PullCommand, ARepositoryOfTheHubIsAModelForEveryCommand) {
  HttpServer server([&](const Request& request) {
    if (!request.target.starts_with("/api/")) return Reply{.body = bytes_};
    const Json big = {{"oid", sha256_hex(bytes_)}, {"size", bytes_.size()}};
    Json file = {{"type", "file"}, {"path", "tiny.gguf"}, {"oid", "0"}, {"size", bytes_.size()}};
    file["lfs"] = big;
    return Reply{.body = Json::array({file}).dump()};
  });
  const ScopedEnv endpoint("HF_ENDPOINT", server.url());
  const auto run = [&](const std::string& line) { return run_shell(line, folder_.path()); };
  EXPECT_EQ(
      run("pomona show org/name").error,
      "pomona: model org/name: no file or folder has this name, and no repository of it is on "
      "this computer; run `pomona pull org/name` to fetch it from the hub\n");
  const CliOutcome pulled = run("pomona pull org/name --json");
  const Json wanted = {{"path", (home_ / "models/org--name/tiny.gguf").string()},
                       {"bytes", bytes_.size()},
                       {"sha256", sha256_hex(bytes_)},
                       {"source", server.url() + "/org/name/resolve/main/tiny.gguf"},
                       {"cached", false}};
  EXPECT_EQ(parse_json(pulled.out, pulled.error), wanted);

  EXPECT_EQ(run("pomona list --here --names").out, "org/name:tiny.gguf\n");
  EXPECT_EQ(run("pomona generate org/name --raw -p a -n 2").exit_code, 0);
  put_tiny_app(folder_.path());
  EXPECT_EQ(run("pomona run app.toml --set model.base=org/name:tiny.gguf --plan").exit_code, 0);
  EXPECT_EQ(run("mkdir -p org/name; pomona show org/name").error,
            "pomona: model org/name: this folder holds no config.json\n")
      << "what is there comes before a repository";
  EXPECT_EQ(run("pomona rm org/name").exit_code, 0);
  EXPECT_EQ(run("pomona list --here --names").out, "");
}

TEST_F(PullCommand, RunFetchesARepositoryItNames) {
  HttpServer server([&](const Request& request) {
    if (!request.target.starts_with("/api/")) return Reply{.body = bytes_};
    Json file = {{"type", "file"}, {"path", "tiny.gguf"}, {"oid", "0"}, {"size", bytes_.size()}};
    file["lfs"] = {{"oid", sha256_hex(bytes_)}, {"size", bytes_.size()}};
    return Reply{.body = Json::array({file}).dump()};
  });
  const ScopedEnv endpoint("HF_ENDPOINT", server.url());
  put_tiny_app(folder_.path());
  const std::string line =
      "pomona run app.toml --set model.base=org/name --set 'prompt.shots=[0]' --json";
  const auto run = [&](const std::string& more) { return run_shell(line + more, folder_.path()); };
  const CliOutcome planned = run(" --plan");
  const Json plan = parse_json(planned.out, planned.error);
  EXPECT_EQ(plan.at("stages")[1].at("what"), "org/name; fetches it");
  EXPECT_TRUE(server.requests().empty());

  const CliOutcome first = run("");
  ASSERT_EQ(first.exit_code, 0) << first.error;
  const Json told = parse_json(first.out, "run");
  const Json model = read_json(told.at("report_json").get<std::string>()).at("model");
  EXPECT_EQ(model.at("name"), "org/name");
  EXPECT_EQ(model.at("sha256"), sha256_hex(bytes_));
  const std::string name = told.at("alias").get<std::string>();
  EXPECT_EQ(run_shell("pomona show " + name, folder_.path()).exit_code, 0);
  const std::size_t asked = server.requests().size();
  const Json cached = parse_json(run("").out, "run");
  for (const Json& stage : cached.at("stages")) EXPECT_EQ(stage.at("status"), "cached") << stage;
  EXPECT_EQ(server.requests().size(), asked);

  // A file that the hub has changed since is another model: what is made of it is made anew.
  EXPECT_EQ(run_shell("pomona rm " + name + "; pomona rm org/name", folder_.path()).exit_code, 0);
  bytes_ = read_file(golden::path_of("llama_tiny_q4_1.gguf"));
  EXPECT_EQ(run_shell("pomona pull org/name", folder_.path()).exit_code, 0);
  const CliOutcome again = run("");
  ASSERT_EQ(again.exit_code, 0) << again.error;
  const Json stages = parse_json(again.out, "run").at("stages");
  EXPECT_EQ(stages[0].at("status"), "cached");
  EXPECT_EQ(stages[1].at("status"), "done");
  EXPECT_EQ(stages[3].at("status"), "done");
}

TEST_F(PullCommand, OfflineMeansNoNetwork) {
  HttpServer server([&](const Request&) { return Reply{.body = bytes_}; });
  write_catalogue(server.url());
  const ScopedEnv endpoint("HF_ENDPOINT", server.url());
  const ScopedEnv offline("HF_HUB_OFFLINE", "1");
  for (const std::string name : {"tiny", "org/name"}) {
    const CliOutcome outcome = run_shell("pomona pull " + name, folder_.path());
    EXPECT_EQ(outcome.exit_code, 6);
    EXPECT_EQ(
        outcome.error,
        fmt::format("pomona: pull {}: it is neither in Pomona's store nor in the hub's cache, "
                    "and HF_HUB_OFFLINE forbids the network; unset it to fetch the model\n",
                    name));
  }
  EXPECT_TRUE(server.requests().empty());
  write_file(place_, bytes_);
  EXPECT_EQ(run_shell("pomona pull tiny", folder_.path()).exit_code, 0);
}

}  // namespace
}  // namespace pomona::test
