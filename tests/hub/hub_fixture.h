// A hub on 127.0.0.1 with one repository whose files a test writes: lists in pages, big files by
// their LFS object, redirects to a second server as the hub does to where it stores them.
#pragma once
#include <map>

#include "base/text.h"
#include "hub/model_store.h"
#include "tests/hub/store_fixture.h"

namespace pomona::hub {

class HubTest : public StoreTest {
 protected:
  using Request = test::Request;
  using Reply = test::Reply;

  static constexpr std::size_t kLfsFrom = 1000;  // bytes

  HubTest() {
    write_file(folder_ / "data/models/.keep", "");
    hub_.emplace([this](const Request& request) { return answer(request); });
    storage_.emplace([this](const Request& request) { return stored(request); });
    endpoint_.emplace("HF_ENDPOINT", hub_->url());
  }
  ~HubTest() override {
    hub_.reset();  // before what their answers use
    storage_.reset();
  }

  /// The tiny Llama that the golden tests have, as a folder of the hub.
  void add_folder_model() {
    files_["config.json"] = R"({"model_type": "llama"})";
    files_["tokenizer.json"] = R"({"model": {}})";
    files_["README.md"] = "read me";
    files_["onnx/model.onnx"] = std::string(5000, 'o');
    files_["model.safetensors"] = model_bytes();
  }

  /// The same with its weights in two files.
  void add_sharded_model() {
    add_folder_model();
    files_.erase("model.safetensors");
    files_["model-1.safetensors"] = model_bytes();
    files_["model-2.safetensors"] = std::string(3000, '2');
    files_["model.safetensors.index.json"] =
        R"({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})";
  }

  Pulled pull(std::string_view name) {
    ModelStore store(home_);
    return store.pull(name, no_progress(), stop_);
  }
  ResolvedModel resolve(std::string_view name) const { return ModelStore(home_).resolve(name); }

  /// What was asked of the hub, without the lists.
  std::vector<std::string> fetched() const {
    std::vector<std::string> files;
    for (const Request& request : hub_->requests()) {
      const auto at = request.target.find("/resolve/");
      if (at != std::string::npos) files.push_back(request.target.substr(at + 9));
    }
    return files;
  }

  fs::path store_folder() const { return home_.models() / "org--name"; }

  std::map<std::string, std::string> files_;
  std::size_t page_size_ = 3;
  /// What the hub refuses, before it looks at anything else; status 200 refuses nothing.
  std::function<Reply(const Request&)> refuse_ = [](const Request&) { return Reply{}; };
  /// Changes what the storage sends.
  std::function<void(Reply&)> send_ = [](Reply&) {};
  std::optional<test::HttpServer> hub_, storage_;
  StopToken stop_;

 private:
  Reply answer(const Request& request) {
    if (Reply refusal = refuse_(request); refusal.status != 200) return refusal;
    const auto resolve = request.target.find("/resolve/");
    if (request.target.starts_with("/api/models/org/name/tree/")) return page(request.target);
    if (!request.target.starts_with("/org/name/") || resolve == std::string::npos)
      return Reply{.status = 404, .headers = {"X-Error-Code: RepoNotFound"}};
    const std::string rest = request.target.substr(resolve + 9);
    const std::string file = rest.substr(rest.find('/') + 1);
    const auto found = files_.find(file);
    if (found == files_.end())
      return Reply{.status = 404, .headers = {"X-Error-Code: EntryNotFound"}};
    if (found->second.size() < kLfsFrom) return Reply{.body = found->second};
    return Reply{.status = 302, .headers = {"Location: " + storage_->url() + "/" + file}};
  }

  Reply stored(const Request& request) {
    Reply reply{.body = files_.at(request.target.substr(1))};
    send_(reply);
    return reply;
  }

  /// A page of the list; the next one is named with another host, as mirrors do.
  Reply page(const std::string& target) {
    const auto cursor = target.find("cursor=");
    const std::size_t first =
        cursor == std::string::npos ? 0 : std::stoul(target.substr(cursor + 7));
    Json list = Json::array();
    list.push_back({{"type", "directory"}, {"path", "onnx"}, {"oid", "0"}, {"size", 0}});
    std::size_t at = 0;
    for (const auto& [path, bytes] : files_) {
      const bool on_page = at >= first && at < first + page_size_;
      ++at;
      if (!on_page) continue;
      write_file(folder_ / "blob", bytes);
      Json entry = {{"type", "file"},
                    {"path", path},
                    {"size", bytes.size()},
                    {"oid", git_blob_name(folder_ / "blob")}};
      if (bytes.size() >= kLfsFrom)
        entry["lfs"] = {{"oid", sha256_hex(bytes)}, {"size", bytes.size()}, {"pointerSize", 134}};
      list.push_back(entry);
    }
    Reply reply{.body = list.dump()};
    if (first + page_size_ < files_.size())
      reply.headers = {"Link: <https://hub.invalid/api/models/x/tree/main?recursive=1&cursor=" +
                       std::to_string(first + page_size_) + ">; rel=\"next\""};
    return reply;
  }

  std::optional<test::ScopedEnv> endpoint_;
};

}  // namespace pomona::hub
