// Pulling from any repository of the hub: which files, from where, with what proof, and what is
// said when it does not go.
#include "hub/repository.h"

#include <algorithm>

#include "hub/endpoint.h"
#include "hub/file_hashes.h"
#include "tests/hub/hub_fixture.h"

namespace pomona::hub {
namespace {

using test::ScopedEnv;
using Names = std::vector<std::string>;

TEST(RepositoryName, IsReadAsItIsWritten) {
  for (const char* text : {"org/name", "Org-1/na.me_2", "org/name@v1.0", "org/name@refs/pr/1",
                           "org/name:a.gguf", "org/name@main2:sub folder/b.gguf"}) {
    const auto name = parse_repository_name(text);
    ASSERT_TRUE(name) << text;
    EXPECT_EQ(name->text(), text);
  }
  EXPECT_EQ(parse_repository_name("org/name@main")->text(), "org/name");
}

TEST(RepositoryName, PathsAndStrangeNamesAreNone) {
  for (const char* text : {"",
                           "name",
                           "/org/name",
                           "./name",
                           "../name",
                           "org/",
                           "org/name/x",
                           "org/name.gguf",
                           "-org/name",
                           "org/na--me",
                           "org/na..me",
                           "org/name.",
                           "org/na me",
                           "org/name:",
                           "org/name:../x.gguf",
                           "org/name:/x.gguf",
                           "org/name:.x.gguf",
                           "org/name@",
                           "org/name@a%2Fb",
                           "org/name@../x",
                           "org/name:a\nb.gguf",
                           "org\\name/x",
                           "org/n\xc3\xa4me"})
    EXPECT_FALSE(parse_repository_name(text)) << text;
}

TEST(RepositoryName, HasAFolderOfItsOwn) {
  for (const char* text : {"org/name", "a-b/c", "org/name@v1", "org/name@refs/pr/1"}) {
    const auto name = parse_repository_name(text);
    EXPECT_EQ(repository_of_folder(name->folder())->text(), text);
  }
  EXPECT_EQ(parse_repository_name("org/name@refs/pr/1")->folder(), "org--name@refs%2Fpr%2F1");
  for (const char* text : {"smollm2-135m", "--name", "org--", "org--name@main", "a--b--c"})
    EXPECT_FALSE(repository_of_folder(text)) << text;
}

TEST_F(HubTest, AFolderModelIsWhatPomonaReadsOfIt) {
  add_folder_model();
  const Pulled pulled = pull("org/name");
  EXPECT_EQ(pulled.path, store_folder());
  EXPECT_FALSE(pulled.cached);
  EXPECT_EQ(fetched(),
            (Names{"main/config.json", "main/tokenizer.json", "main/model.safetensors"}));
  EXPECT_EQ(read_file(store_folder() / "model.safetensors"), model_bytes());
  EXPECT_EQ(pulled.bytes,
            model_bytes().size() + files_["config.json"].size() + files_["tokenizer.json"].size());
  EXPECT_EQ(pulled.sha256, FileHashes(home_).sha256_of_model(store_folder()));
  EXPECT_EQ(pulled.source, hub_->url() + "/org/name/tree/main");

  const std::size_t asked = hub_->requests().size();
  const Pulled again = pull("org/name");
  EXPECT_TRUE(again.cached);
  EXPECT_EQ(again.sha256, pulled.sha256);
  EXPECT_EQ(again.source, pulled.source);
  EXPECT_EQ(hub_->requests().size(), asked) << "what is here needs no network";
  EXPECT_EQ(resolve("org/name").path, store_folder());
  EXPECT_EQ(resolve("org/name").name, "org/name");
}

TEST_F(HubTest, ShardsComeAfterTheirIndex) {
  add_sharded_model();
  pull("org/name");
  EXPECT_EQ(fetched(),
            (Names{"main/config.json", "main/tokenizer.json", "main/model.safetensors.index.json",
                   "main/model-1.safetensors", "main/model-2.safetensors"}));
}

TEST_F(HubTest, AnIndexThatNamesAFileTheRepositoryLacksIsRefused) {
  add_sharded_model();
  files_.erase("model-2.safetensors");
  const Error error = error_of([&] { pull("org/name"); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_file);
  EXPECT_TRUE(contains(error.what(), "names model-2.safetensors, which")) << error.what();
}

TEST_F(HubTest, ARevisionHasItsOwnPlace) {
  add_folder_model();
  EXPECT_EQ(pull("org/name@refs/pr/1").path, home_.models() / "org--name@refs%2Fpr%2F1");
  EXPECT_EQ(fetched().front(), "refs%2Fpr%2F1/config.json");
  EXPECT_EQ(hub_->requests()[0].target, "/api/models/org/name/tree/refs%2Fpr%2F1?recursive=1");
  EXPECT_EQ(error_of([&] { resolve("org/name"); }).kind(), ErrorKind::not_found);
}

TEST_F(HubTest, OneGgufFileNeedsNoName) {
  files_["README.md"] = "read me";
  files_["config.json"] = "{}";
  files_["tiny.gguf"] = model_bytes();
  EXPECT_EQ(pull("org/name").path, store_folder() / "tiny.gguf");
  EXPECT_EQ(pull("org/name").source, hub_->url() + "/org/name/resolve/main/tiny.gguf");
  EXPECT_EQ(fetched(), Names{"main/tiny.gguf"});
  EXPECT_EQ(resolve("org/name").path, store_folder() / "tiny.gguf");
  EXPECT_EQ(resolve("org/name:tiny.gguf").path, store_folder() / "tiny.gguf");
}

TEST_F(HubTest, OfSeveralGgufFilesOneIsNamed) {
  files_["a.gguf"] = "a";
  files_["sub/b.gguf"] = "b";
  const Error error = error_of([&] { pull("org/name"); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
  EXPECT_EQ(std::string(error.what()),
            "pull: org/name holds 2 GGUF files; name one, as in `pomona pull org/name:a.gguf`: "
            "a.gguf (1 bytes), sub/b.gguf (1 bytes)");
  EXPECT_FALSE(fs::exists(store_folder()));
  EXPECT_EQ(pull("org/name:sub/b.gguf").path, store_folder() / "sub/b.gguf");
  const Error missing = error_of([&] { pull("org/name:aa.gguf"); });
  EXPECT_EQ(missing.kind(), ErrorKind::not_found);
  EXPECT_TRUE(contains(missing.what(), "did you mean a.gguf?")) << missing.what();

  pull("org/name:a.gguf");
  EXPECT_EQ(error_of([&] { resolve("org/name"); }).kind(), ErrorKind::bad_argument);
  EXPECT_EQ(resolve("org/name:a.gguf").path, store_folder() / "a.gguf");
}

TEST_F(HubTest, ASplitGgufIsAllItsParts) {
  files_["q-00001-of-00002.gguf"] = model_bytes();
  files_["q-00002-of-00002.gguf"] = "second";
  const Pulled pulled = pull("org/name");
  EXPECT_EQ(pulled.path, store_folder() / "q-00001-of-00002.gguf");
  EXPECT_EQ(pulled.bytes, model_bytes().size() + 6);
  EXPECT_EQ(resolve("org/name:q-00002-of-00002.gguf").path, pulled.path);
  files_.erase("q-00002-of-00002.gguf");
  ModelStore(home_).remove("org/name");
  const Error error = error_of([&] { pull("org/name"); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_TRUE(contains(error.what(), "lacks q-00002-of-00002.gguf")) << error.what();
}

TEST_F(HubTest, WhatPomonaCannotReadIsNotFetched) {
  files_["README.md"] = "read me";
  EXPECT_EQ(error_of([&] { pull("org/name"); }).kind(), ErrorKind::unsupported);
  add_folder_model();
  files_.erase("tokenizer.json");
  const Error no_text = error_of([&] { pull("org/name"); });
  EXPECT_EQ(no_text.kind(), ErrorKind::unsupported);
  EXPECT_TRUE(contains(no_text.what(), "tokenizer.json")) << no_text.what();
  EXPECT_TRUE(fetched().empty());
  add_folder_model();
  files_["config.json"] = R"({"model_type": "speech-to-soup"})";
  const Error other = error_of([&] { pull("org/name"); });
  EXPECT_EQ(other.kind(), ErrorKind::unsupported);
  EXPECT_TRUE(contains(other.what(), "speech-to-soup")) << other.what();
  EXPECT_EQ(fetched(), Names{"main/config.json"});
  EXPECT_FALSE(fs::exists(store_folder()));
}

TEST_F(HubTest, PathsThatLeadOutOfTheFolderAreNotListed) {
  for (const char* path :
       {"../evil.gguf", "/evil.gguf", "a/../../evil.gguf", ".evil.gguf", "a\\b.gguf"})
    files_[path] = "evil";
  files_["good.gguf"] = "good";
  const auto listed = list_repository(*parse_repository_name("org/name"), stop_);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].path, "good.gguf");
}

TEST_F(HubTest, AnAnswerThatIsNoListIsRefused) {
  for (const char* body : {"<html>", "{}", "[3]", R"([{"type": "file"}])",
                           R"([{"type": "file", "path": "a", "oid": "x", "size": -1}])"}) {
    refuse_ = [&](const Request&) { return Reply{.status = 201, .body = body}; };
    test::HttpServer other([&](const Request&) { return Reply{.body = body}; });
    const ScopedEnv endpoint("HF_ENDPOINT", other.url());
    const Error error = error_of([&] { pull("org/name"); });
    EXPECT_EQ(error.kind(), ErrorKind::bad_file) << body;
    EXPECT_TRUE(contains(error.what(), "/tree/main")) << error.what();
  }
}

TEST_F(HubTest, TheTokenGoesToTheHubAndToNobodyElse) {
  add_folder_model();
  const ScopedEnv token("HF_TOKEN", "hf_secret");
  pull("org/name");
  for (const Request& request : hub_->requests())
    EXPECT_TRUE(contains(request.head, "Authorization: Bearer hf_secret\r\n")) << request.head;
  ASSERT_FALSE(storage_->requests().empty());
  for (const Request& request : storage_->requests())
    EXPECT_FALSE(contains(request.head, "hf_secret")) << request.head;
}

TEST_F(HubTest, TheTokenIsWhereTheHubsOwnProgramsHaveIt) {
  EXPECT_FALSE(hub_token());
  write_file(folder_ / "hf/token", "hf_file\n");
  EXPECT_EQ(hub_token()->value, "hf_file");
  {
    const ScopedEnv off("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
    EXPECT_FALSE(hub_token());
  }
  const ScopedEnv old("HUGGING_FACE_HUB_TOKEN", "hf_old");
  EXPECT_EQ(hub_token()->value, "hf_old");
  const ScopedEnv usual("HF_TOKEN", " hf_usual ");
  EXPECT_EQ(hub_token()->value, "hf_usual");
  const ScopedEnv broken("HF_TOKEN", "hf_x\r\nHost: evil");
  EXPECT_EQ(error_of([] { hub_token(); }).kind(), ErrorKind::bad_argument);
}

struct Refusal {
  long status;
  const char* code;
  bool with_token;
  ErrorKind kind;
  const char* says;
};

TEST_F(HubTest, RefusalsSayWhatToDo) {
  add_folder_model();
  const std::vector<Refusal> cases = {
      {401, "GatedRepo", false, ErrorKind::network, "is gated: log in and accept its terms"},
      {403, "GatedRepo", true, ErrorKind::network, "the token in HF_TOKEN may not read it"},
      {401, "RepoNotFound", false, ErrorKind::not_found, "no such repository, or it is private"},
      {404, "RepoNotFound", true, ErrorKind::not_found, "not for the account of the token in HF_"},
      {404, "RevisionNotFound", false, ErrorKind::not_found, "has no revision main"},
      {404, "EntryNotFound", false, ErrorKind::not_found, "the server answered 404"},
      {401, "", true, ErrorKind::network, "does not accept the token in HF_TOKEN"},
      {401, "", false, ErrorKind::not_found, "set HF_TOKEN"},
      {403, "", false, ErrorKind::network, "the server answered 403"}};
  for (const Refusal& one : cases) {
    refuse_ = [&](const Request&) {
      return Reply{.status = static_cast<int>(one.status),
                   .headers = {fmt::format("X-Error-Code: {}", one.code)}};
    };
    const ScopedEnv token("HF_TOKEN", one.with_token ? std::optional("hf_x") : std::nullopt);
    const Error error = error_of([&] { pull("org/name"); });
    EXPECT_EQ(error.kind(), one.kind) << error.what();
    EXPECT_TRUE(contains(error.what(), one.says)) << error.what();
    EXPECT_FALSE(fs::exists(store_folder()));
  }
}

// The list of a gated repository is open to everybody, its files are not.
TEST_F(HubTest, FilesMayBeGatedWhereTheListIsNot) {
  add_folder_model();
  refuse_ = [](const Request& request) {
    const bool list = request.target.starts_with("/api/");
    return Reply{.status = list ? 200 : 401, .headers = {"X-Error-Code: GatedRepo"}};
  };
  const Error error = error_of([&] { pull("org/name"); });
  EXPECT_EQ(error.kind(), ErrorKind::network);
  EXPECT_TRUE(contains(error.what(), "is gated")) << error.what();
  EXPECT_FALSE(fs::exists(store_folder()));
}

TEST_F(HubTest, ACutPullGoesOnWhereItStopped) {
  add_sharded_model();
  send_ = [](Reply& reply) {
    if (reply.body.size() > 5000) reply.cut_after = 70000;
  };
  refuse_ = [&](const Request& request) {  // no second attempt
    return Reply{.status = request.range_from ? 403 : 200};
  };
  EXPECT_EQ(error_of([&] { pull("org/name"); }).kind(), ErrorKind::network);
  const Error half = error_of([&] { resolve("org/name"); });
  EXPECT_EQ(half.kind(), ErrorKind::not_found);
  EXPECT_TRUE(contains(half.what(), "2 of 2 files with weights are missing")) << half.what();
  EXPECT_TRUE(contains(half.what(), "run `pomona pull org/name` to fetch the rest")) << half.what();
  const auto rows = ModelStore(home_).list();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].name, "org/name");
  EXPECT_FALSE(rows[0].path);

  const std::size_t before = fetched().size();
  send_ = [](Reply&) {};
  refuse_ = [](const Request&) { return Reply{}; };
  pull("org/name");
  EXPECT_EQ(fetched().size(), before + 2) << "the two files that were not whole";
  EXPECT_EQ(storage_->requests()[storage_->requests().size() - 2].range_from, 70000u);
  EXPECT_EQ(read_file(store_folder() / "model-1.safetensors"), model_bytes());
}

// The branch has moved on between the two attempts.
TEST_F(HubTest, FilesOfAnOlderStateAreFetchedAnew) {
  add_folder_model();
  refuse_ = [](const Request& request) {
    return Reply{.status = contains(request.target, "model.safetensors") ? 403 : 200};
  };
  EXPECT_EQ(error_of([&] { pull("org/name"); }).kind(), ErrorKind::network);
  refuse_ = [](const Request&) { return Reply{}; };
  files_["config.json"] = R"({"model_type": "llama", "new": 1})";
  pull("org/name");
  EXPECT_EQ(read_file(store_folder() / "config.json"), files_["config.json"]);
}

TEST_F(HubTest, AWrongFileIsRefused) {
  add_folder_model();
  send_ = [](Reply& reply) { reply.body[100] = 'x'; };
  const Error big = error_of([&] { pull("org/name"); });
  EXPECT_EQ(big.kind(), ErrorKind::bad_file);
  EXPECT_TRUE(contains(big.what(), sha256_hex(model_bytes()))) << big.what();
  EXPECT_FALSE(fs::exists(store_folder() / "model.safetensors"));
}

TEST_F(HubTest, AWrongSmallFileIsRefused) {
  add_folder_model();
  refuse_ = [&](const Request& request) {  // after the list has been told
    if (contains(request.target, "tokenizer.json")) files_["tokenizer.json"][3] = 'x';
    return Reply{};
  };
  const Error error = error_of([&] { pull("org/name"); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_file);
  EXPECT_TRUE(contains(error.what(), "sent another file")) << error.what();
}

TEST_F(HubTest, AFileThatWasChangedSinceIsToldOf) {
  add_folder_model();
  pull("org/name");
  write_file(store_folder() / "config.json", "{}");
  const Error error = error_of([&] { pull("org/name"); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_file);
  EXPECT_TRUE(contains(error.what(), "pomona rm org/name")) << error.what();
}

TEST_F(HubTest, AFolderPlacedByHandIsAModel) {
  write_file(store_folder() / "config.json", "{}");
  write_file(store_folder() / "tokenizer.json", "{}");
  write_file(store_folder() / "model.safetensors", "x");
  EXPECT_EQ(pull("org/name").source, "placed by hand");
}

TEST_F(HubTest, UnknownRepositoriesSayHowToGetThem) {
  EXPECT_EQ(std::string(error_of([&] { resolve("who/what:x.gguf"); }).what()),
            "model who/what:x.gguf: no file or folder has this name, and no repository of it is on "
            "this computer; run `pomona pull who/what:x.gguf` to fetch it from the hub");
  EXPECT_EQ(error_of([&] { pull("who/what"); }).kind(), ErrorKind::not_found);
}

TEST_F(HubTest, ListedAndRemoved) {
  files_["a.gguf"] = model_bytes();
  files_["b.gguf"] = "b";
  pull("org/name:a.gguf");
  pull("org/name:b.gguf");
  ModelStore store(home_);
  std::vector<ModelRow> rows = store.list();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].name, "org/name:a.gguf");
  EXPECT_EQ(rows[0].path, store_folder() / "a.gguf");
  EXPECT_EQ(rows[0].bytes, model_bytes().size());
  EXPECT_FALSE(rows[0].cached);
  EXPECT_EQ(rows[1].name, "org/name:b.gguf");

  store.set_alias({"mine", (store_folder() / "b.gguf").string(), {}, {}, {}});
  EXPECT_EQ(error_of([&] { store.remove("org/name:b.gguf"); }).kind(), ErrorKind::bad_argument);
  EXPECT_EQ(error_of([&] { store.remove("org/name"); }).kind(), ErrorKind::bad_argument);
  EXPECT_EQ(store.remove("org/name:a.gguf"), model_bytes().size());
  store.remove("mine");
  EXPECT_GE(store.remove("org/name:b.gguf"), 1u);
  EXPECT_FALSE(fs::exists(store_folder()));
  EXPECT_EQ(error_of([&] { store.remove("org/name"); }).kind(), ErrorKind::not_found);
}

/// An entry of the catalogue that names the repository.
std::string entry_text(const std::string& place) {
  return "name = \"tiny\"\narchitecture = \"llama\"\nparameters = 1000\nlicence = \"MIT\"\n"
         "context = 64\nlanguages = [\"en\"]\n" +
         place;
}

TEST_F(HubTest, ACatalogueEntryMayStandForARepository) {
  write_file(folder_ / "data/models/tiny.toml",
             entry_text("repository = \"org/name:a.gguf\"\nbits = 16\n"));
  files_["a.gguf"] = model_bytes();
  files_["b.gguf"] = "b";
  ModelStore store(home_);
  const CatalogueEntry& entry = *store.catalogue().find("tiny");
  EXPECT_FALSE(store.has(entry));
  EXPECT_EQ(store.list().at(0).bytes, 2000u);
  EXPECT_EQ(std::string(error_of([&] { resolve("tiny"); }).what()),
            "model tiny: not on this computer yet; run `pomona pull tiny` (2.00 kB)");
  const Pulled pulled = pull("tiny");
  EXPECT_EQ(pulled.path, store_folder() / "a.gguf");
  EXPECT_EQ(pulled.sha256, sha256_hex(model_bytes()));
  EXPECT_TRUE(pull("tiny").cached);
  EXPECT_TRUE(store.has(entry));
  EXPECT_EQ(resolve("tiny").path, pulled.path);
  EXPECT_EQ(resolve("tiny").base, "tiny");
  store.set_alias({"mine", "tiny", {}, {}, {}});
  EXPECT_EQ(resolve("mine").path, pulled.path);
  EXPECT_EQ(error_of([&] { store.remove("tiny"); }).kind(), ErrorKind::bad_argument);
  store.remove("mine");
  const auto rows = store.list();
  ASSERT_EQ(rows.size(), 1u) << "it is not listed twice";
  EXPECT_EQ(rows[0].bytes, model_bytes().size());
  EXPECT_GE(store.remove("tiny"), model_bytes().size());
  EXPECT_FALSE(store.has(entry));

  send_ = [](Reply& reply) { reply.body[5] ^= 1; };
  EXPECT_EQ(error_of([&] { pull("tiny"); }).kind(), ErrorKind::bad_file)
      << "the hub's own hash is checked";
}

TEST_F(HubTest, AnAliasMayStandOnARepository) {
  files_["a.gguf"] = model_bytes();
  const fs::path path = pull("org/name").path;
  ModelStore store(home_);
  store.set_alias({"mine", "org/name", {}, {}, {}});
  EXPECT_EQ(resolve("mine").path, path);
  EXPECT_EQ(error_of([&] { store.remove("org/name"); }).kind(), ErrorKind::bad_argument);
}

}  // namespace
}  // namespace pomona::hub
