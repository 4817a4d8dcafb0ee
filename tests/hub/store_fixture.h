// A store of its own and a catalogue with one tiny model, for the tests of the hub.
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "base/file.h"
#include "base/hash.h"
#include "hub/home.h"
#include "tests/support/http_server.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::hub {

using test::error_of;

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() { write_file(folder_ / "data/models/.keep", ""); }

  /// The bytes of the model: 200 kB in which every place can be told from its neighbours.
  static std::string model_bytes() {
    std::string text;
    for (int i = 0; text.size() < 200000; ++i) text += std::to_string(i) + " ";
    return text;
  }

  /// Puts "tiny" into the catalogue, with the given [[source]] tables.
  void write_catalogue(const std::string& sources) const {
    write_file(folder_ / "data/models/tiny.toml",
               "name = \"tiny\"\narchitecture = \"llama\"\nparameters = 1000\nlicence = \"MIT\"\n"
               "context = 64\nlanguages = [\"en\", \"zh\"]\nfile = \"tiny.gguf\"\nbytes = " +
                   std::to_string(model_bytes().size()) + "\nsha256 = \"" +
                   sha256_hex(model_bytes()) + "\"\n" + sources);
  }

  static std::string url_source(const std::string& url) {
    return "[[source]]\nkind = \"url\"\nurl = \"" + url + "\"\n";
  }

  fs::path place() const { return home_.models() / "tiny/tiny.gguf"; }
  fs::path part() const { return home_.models() / "tiny/tiny.gguf.part"; }

  test::TempFolder folder_;
  Home home_ = Home(folder_ / "home");

 private:
  // Nor what the tests find: neither the hub's cache nor the token of that user.
  test::ScopedEnv hub_home_{"HF_HOME", (folder_ / "hf").string()};
  test::ScopedEnv hub_cache_{"HF_HUB_CACHE", std::nullopt};
  test::ScopedEnv old_hub_cache_{"HUGGINGFACE_HUB_CACHE", std::nullopt};
  test::ScopedEnv token_{"HF_TOKEN", std::nullopt};
  test::ScopedEnv old_token_{"HUGGING_FACE_HUB_TOKEN", std::nullopt};
  test::ScopedEnv token_path_{"HF_TOKEN_PATH", std::nullopt};
  test::ScopedEnv data_{"POMONA_DATA", (folder_ / "data").string()};
  // The way of the test's requests must not depend on who runs it.
  test::ScopedEnv http_proxy_{"http_proxy", std::nullopt};
  test::ScopedEnv all_proxy_{"all_proxy", std::nullopt};
  test::ScopedEnv all_proxy_upper_{"ALL_PROXY", std::nullopt};
};

}  // namespace pomona::hub
