#include "store/hub_tokenizer.h"

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "store/hub_folder.h"
#include "store/tokenizer_json.h"

namespace pomona::store {
namespace {

/// A small JSON file with where it is, for errors.
struct SmallFile {
  Json json = Json::object();
  std::string origin;
  JsonPart part() const { return JsonPart(json, origin); }
};

SmallFile read_small(const fs::path& path) {
  SmallFile file;
  file.origin = path.string();
  if (is_there(path)) file.json = read_json(path);
  if (!file.json.is_object()) fail(ErrorKind::bad_file, "{}: it is no JSON object", file.origin);
  return file;
}

/// The text of a token: a string, or an object with its content.
std::optional<std::string> token_text(const JsonPart& file, std::string_view key) {
  const auto token = file.find(key);
  if (!token) return std::nullopt;
  return token->json().is_object() ? token->string("content") : token->as_string();
}

std::optional<std::string> first_of(const std::vector<JsonPart>& files,
                                    std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    for (const JsonPart& file : files) {
      if (auto text = token_text(file, key)) return text;
    }
  }
  return std::nullopt;
}

/// One id or several.
std::vector<std::int64_t> read_ends(const JsonPart& generation) {
  std::vector<std::int64_t> ends;
  const auto ids = generation.find("eos_token_id");
  if (!ids) return ends;
  if (!ids->json().is_array()) return {ids->as_integer()};
  for (const JsonPart& id : ids->elements()) ends.push_back(id.as_integer());
  return ends;
}

/// Of several templates the one that is called default.
std::optional<std::string> config_template(const JsonPart& config) {
  const auto found = config.find("chat_template");
  if (!found) return std::nullopt;
  if (!found->json().is_array()) return found->as_string();
  for (const JsonPart& one : found->elements())
    if (one.string("name") == "default") return one.string("template");
  return std::nullopt;
}

std::optional<std::string> read_template(const fs::path& folder, const JsonPart& config) {
  const fs::path path = folder / kChatTemplateFile;
  if (!is_there(path)) return config_template(config);
  std::string source = read_file(path);
  if (const auto bad = find_invalid_utf8(source))
    fail(ErrorKind::bad_file, "{}: not valid UTF-8 at byte {}", path.string(), *bad);
  return source;
}

}  // namespace

HubTokenizer read_hub_tokenizer(const fs::path& folder) {
  const SmallFile config = read_small(folder / kTokenizerConfigFile);
  const SmallFile special = read_small(folder / kSpecialTokensFile);
  const SmallFile generation = read_small(folder / kGenerationConfigFile);
  const std::vector<JsonPart> files = {config.part(), special.part()};
  TokenRoles roles;
  roles.bos = first_of(files, {"bos_token", "cls_token"});
  roles.eos = first_of(files, {"eos_token", "sep_token"});
  roles.unknown = first_of(files, {"unk_token"});
  roles.padding = first_of(files, {"pad_token"});
  // transformers makes the settings of generation from config.json where they have no file.
  roles.ends =
      read_ends(is_there(folder / kGenerationConfigFile) ? generation.part()
                                                         : read_small(folder / kConfigFile).part());

  HubTokenizer result;
  const fs::path path = folder / kTokenizerFile;
  result.tokenizer = read_tokenizer_json(read_file(path), path.string(), roles);
  result.chat_template = read_template(folder, config.part());
  result.clean_up_spaces = config.part().boolean("clean_up_tokenization_spaces", false);
  return result;
}

}  // namespace pomona::store
