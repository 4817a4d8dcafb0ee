#include "hub/repository.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "hub/endpoint.h"
#include "net/http.h"
#include "store/gguf_split.h"
#include "store/hub_folder.h"
#include "store/json_part.h"
#include "store/shard_index.h"

namespace pomona::hub {
namespace {

constexpr std::string_view kMain = "main";
constexpr std::string_view kBetween = "--";

/// A part of "org/name" as the hub allows it: letters, digits, single "-", "." and "_" between.
bool is_name(std::string_view text) {
  constexpr std::string_view kMarks = "-.";
  const auto letter = [](char one) {
    return (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || (one >= '0' && one <= '9') ||
           one == '_';
  };
  return !text.empty() && text.size() <= 96 &&
         kMarks.find(text.front()) == std::string_view::npos &&
         kMarks.find(text.back()) == std::string_view::npos &&
         text.find(kBetween) == std::string_view::npos &&
         text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [&](char one) {
           return letter(one) || kMarks.find(one) != std::string_view::npos;
         });
}

/// A path that stays below where it starts, without hidden files or folders.
bool is_plain_path(std::string_view path) {
  const bool printable = std::all_of(path.begin(), path.end(), [](char one) {
    return static_cast<unsigned char>(one) >= ' ' && one != '\\' && one != 127;
  });
  const auto parts = split(path, '/');
  return printable && std::none_of(parts.begin(), parts.end(), [](std::string_view part) {
           return part.empty() || part.front() == '.';
         });
}

/// The query of the URL that Link calls the next page (RFC 8288); "" if there is none. What host it
/// names does not count: mirrors pass on the hub's own.
std::string next_query(const net::Headers& headers) {
  const auto link = headers.find("link");
  if (link == headers.end()) return "";
  for (const std::string_view one : split(link->second, ',')) {
    const auto end = one.find('>');
    if (end == std::string_view::npos || one.find("rel=\"next\"", end) == std::string_view::npos)
      continue;
    const auto query = one.find('?');
    if (query < end) return std::string(one.substr(query, end - query));
  }
  return "";
}

std::optional<RemoteFile> read_file_entry(const store::JsonPart& entry) {
  if (entry.string("type") != "file") return std::nullopt;
  RemoteFile file;
  file.path = entry.string("path");
  const auto lfs = entry.find("lfs");
  file.bytes = static_cast<std::uint64_t>((lfs ? *lfs : entry).integer("size").value_or(0));
  (lfs ? file.sha256 : file.git_name) = (lfs ? *lfs : entry).string("oid");
  if (file.sha256.starts_with("sha256:")) file.sha256.erase(0, 7);
  if (!is_plain_path(file.path)) return std::nullopt;
  return file;
}

const RemoteFile* find_file(const std::vector<RemoteFile>& listed, std::string_view path) {
  const auto found = std::find_if(listed.begin(), listed.end(),
                                  [&](const RemoteFile& file) { return file.path == path; });
  return found == listed.end() ? nullptr : &*found;
}

/// Appends a GGUF file with all its parts.
void add_gguf(const RepositoryName& name, std::string_view path,
              const std::vector<RemoteFile>& listed, Selection& selection) {
  const std::vector<fs::path> parts = store::gguf_part_paths(path);
  selection.gguf = parts.front().string();
  for (const fs::path& part : parts) {
    const RemoteFile* file = find_file(listed, part.string());
    if (file == nullptr)
      fail(ErrorKind::not_found, "pull: {} lacks {}, a part of {}", name.repo, part.string(), path);
    selection.files.push_back(*file);
  }
}

/// The GGUF models of a repository: of a split one the first part.
std::vector<const RemoteFile*> gguf_models(const std::vector<RemoteFile>& listed) {
  std::vector<const RemoteFile*> models;
  for (const RemoteFile& file : listed) {
    if (file.path.ends_with(".gguf") && store::gguf_part_paths(file.path).front() == file.path)
      models.push_back(&file);
  }
  return models;
}

void add_gguf_of_name(const RepositoryName& name, const std::vector<RemoteFile>& listed,
                      Selection& selection) {
  if (find_file(listed, name.file) != nullptr && name.file.ends_with(".gguf"))
    return add_gguf(name, name.file, listed, selection);
  std::vector<std::string> known;
  for (const RemoteFile* file : gguf_models(listed)) known.push_back(file->path);
  const auto meant = nearest(name.file, known);
  fail(ErrorKind::not_found, "pull: {} has no GGUF file {}; {}", name.repo, name.file,
       meant           ? fmt::format("did you mean {}?", *meant)
       : known.empty() ? "it has none at all"
                       : fmt::format("it has {}", fmt::join(known, ", ")));
}

void add_only_gguf(const RepositoryName& name, const std::vector<RemoteFile>& listed,
                   Selection& selection) {
  const std::vector<const RemoteFile*> models = gguf_models(listed);
  if (models.empty())
    fail(ErrorKind::unsupported,
         "pull: {} holds no model that Pomona reads: neither a GGUF file nor {} with safetensors "
         "or PyTorch weights",
         name.repo, store::kConfigFile);
  if (models.size() == 1) return add_gguf(name, models.front()->path, listed, selection);
  std::vector<std::string> known;
  known.reserve(models.size());
  for (const RemoteFile* file : models)
    known.push_back(fmt::format("{} ({})", file->path, human_bytes(file->bytes)));
  fail(ErrorKind::bad_argument,
       "pull: {} holds {} GGUF files; name one, as in `pomona pull {}`: {}", name.repo,
       models.size(), name.with_file(models.front()->path), fmt::join(known, ", "));
}

}  // namespace

std::string RepositoryName::text() const {
  return fmt::format("{}{}{}{}{}", repo, revision == kMain ? "" : "@",
                     revision == kMain ? "" : revision, file.empty() ? "" : ":", file);
}

std::string RepositoryName::with_file(std::string_view path) const {
  return RepositoryName{repo, revision, std::string(path)}.text();
}

std::string RepositoryName::folder() const {
  std::string name = replace_all(repo, "/", kBetween);
  if (revision != kMain) name += "@" + replace_all(revision, "/", "%2F");
  return name;
}

std::optional<RepositoryName> parse_repository_name(std::string_view text) {
  RepositoryName name;
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    name.file = text.substr(colon + 1);
    if (!is_plain_path(name.file)) return std::nullopt;
    text = text.substr(0, colon);
  }
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    name.revision = text.substr(at + 1);
    if (!is_plain_path(name.revision) || name.revision.find('%') != std::string::npos)
      return std::nullopt;
    text = text.substr(0, at);
  }
  const auto parts = split(text, '/');
  if (parts.size() != 2 || !is_name(parts[0]) || !is_name(parts[1]) || text.ends_with(".gguf"))
    return std::nullopt;
  name.repo = text;
  return name;
}

std::optional<RepositoryName> repository_of_folder(std::string_view folder) {
  const auto between = folder.find(kBetween);
  if (between == std::string_view::npos) return std::nullopt;
  const std::string text = fmt::format("{}/{}", folder.substr(0, between),
                                       replace_all(folder.substr(between + 2), "%2F", "/"));
  auto name = parse_repository_name(text);
  if (name && name->folder() != folder) name.reset();
  return name;
}

std::vector<RemoteFile> list_repository(const RepositoryName& name, const StopToken& stop) {
  const std::string first = hub_tree_url(name.repo, name.revision);
  const std::string base = first.substr(0, first.find('?'));
  net::HttpOptions options;
  options.stop = &stop;
  if (const auto token = hub_token()) options.bearer = token->value;
  std::vector<RemoteFile> files;
  std::set<std::string> seen;
  for (std::string url = first; seen.insert(url).second;) {
    net::Answer page;
    try {
      page = net::get(url, options);
    } catch (const net::StatusError& refusal) {
      fail_refused(refusal, name.repo, name.revision);
    }
    const Json json = parse_json(page.body, url);
    for (const store::JsonPart& entry : store::JsonPart(json, url).elements()) {
      if (auto file = read_file_entry(entry)) files.push_back(std::move(*file));
    }
    const std::string query = next_query(page.headers);
    if (query.empty()) break;
    url = base + query;
  }
  std::sort(files.begin(), files.end(),
            [](const RemoteFile& a, const RemoteFile& b) { return a.path < b.path; });
  return files;
}

Selection select_files(const RepositoryName& name, const std::vector<RemoteFile>& listed) {
  Selection selection;
  if (!name.file.empty()) {
    add_gguf_of_name(name, listed, selection);
    return selection;
  }
  const auto weights =
      std::find_if(store::kWeightFiles.begin(), store::kWeightFiles.end(),
                   [&](std::string_view file) { return find_file(listed, file) != nullptr; });
  if (weights == store::kWeightFiles.end() || find_file(listed, store::kConfigFile) == nullptr) {
    add_only_gguf(name, listed, selection);
    return selection;
  }
  if (find_file(listed, store::kTokenizerFile) == nullptr)
    fail(ErrorKind::unsupported, "pull: {} has no {}, without which Pomona cannot read text for it",
         name.repo, store::kTokenizerFile);
  for (const std::string_view file : store::kSmallFiles) {
    if (const RemoteFile* found = find_file(listed, file)) selection.files.push_back(*found);
  }
  selection.files.push_back(*find_file(listed, *weights));
  if (weights->ends_with(".index.json")) selection.index = *weights;
  return selection;
}

void add_shards(const RepositoryName& name, std::string_view text,
                const std::vector<RemoteFile>& listed, Selection& selection) {
  const std::string origin = fmt::format("{} of {}", selection.index, name.repo);
  for (const std::string& shard : store::parse_shard_index(text, origin).files) {
    const RemoteFile* file = find_file(listed, shard);
    if (file == nullptr)
      fail(ErrorKind::bad_file, "pull: {} names {}, which the repository does not have", origin,
           shard);
    selection.files.push_back(*file);
  }
}

}  // namespace pomona::hub
