#include "hub/catalogue.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/toml.h"

namespace pomona::hub {
namespace {

/// A file name that stays in its folder.
void check_file_name(const TomlTable& table, std::string_view key, const std::string& name) {
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos)
    table.reject(key, "\"{}\" is no plain file name", name);
}

std::uint64_t read_count(const TomlTable& table, std::string_view key) {
  const auto value = table.get<std::int64_t>(key);
  if (value <= 0) table.reject(key, "expected a positive number, found {}", value);
  return static_cast<std::uint64_t>(value);
}

Source read_source(const TomlTable& table) {
  const auto kind = table.get<std::string>("kind");
  if (kind == "hub")
    return HubSource{table.get<std::string>("repo"), table.get<std::string>("revision", "main"),
                     table.get<std::string>("file")};
  if (kind == "pip")
    return PipSource{table.get<std::string>("package"), table.get<std::string>("version"),
                     table.get<std::string>("member"), read_count(table, "bytes")};
  if (kind == "url") return UrlSource{table.get<std::string>("url")};
  table.reject("kind", "expected \"hub\", \"pip\" or \"url\", found \"{}\"", kind);
}

void check_use_cases(const TomlTable& table, const std::vector<std::string>& uses) {
  const std::vector<std::string> known(std::begin(kUseCases), std::end(kUseCases));
  for (const std::string& use : uses) {
    if (std::ranges::find(known, use) != known.end()) continue;
    const auto meant = nearest(use, known);
    table.reject("uses", "\"{}\" is no use case{}", use,
                 meant ? fmt::format("; did you mean \"{}\"?", *meant) : "");
  }
}

/// "2024-11"; empty if it is not said.
std::string read_month(const TomlTable& table) {
  std::string month = table.get<std::string>("released", "");
  const auto digits = [&](std::size_t from, std::size_t to) {
    return std::all_of(month.begin() + static_cast<std::ptrdiff_t>(from),
                       month.begin() + static_cast<std::ptrdiff_t>(to),
                       [](char one) { return one >= '0' && one <= '9'; });
  };
  const bool good =
      month.empty() || (month.size() == 7 && month[4] == '-' && digits(0, 4) && digits(5, 7));
  if (!good) table.reject("released", "expected a month such as \"2024-11\", found \"{}\"", month);
  return month;
}

/// cache = [layers, KV heads, size of a head].
std::uint64_t read_cache_values(const TomlTable& table) {
  const auto cache = table.get<std::vector<std::int64_t>>("cache", {});
  if (cache.empty()) return 0;
  const auto fits = [](std::int64_t value) { return value > 0 && value < 65536; };
  if (cache.size() != 3 || !std::all_of(cache.begin(), cache.end(), fits))
    table.reject("cache", "expected [layers, KV heads, size of a head]");
  return 2 * static_cast<std::uint64_t>(cache[0] * cache[1] * cache[2]);
}

/// Where the model is: a repository, or a file with its hash and sources.
void read_place(const TomlTable& table, CatalogueEntry& entry) {
  if (const auto text = table.find<std::string>("repository")) {
    entry.repository = parse_repository_name(*text);
    if (!entry.repository)
      table.reject("repository", "\"{}\" is no repository such as org/name or org/name:file.gguf",
                   *text);
    if (table.has("bytes")) entry.bytes = read_count(table, "bytes");
    entry.bits = table.get<double>("bits", 0);
    if (entry.bytes == 0 && !(entry.bits > 0 && entry.bits <= 64))
      table.reject("bits", "expected the bits of a weight, since the bytes are not given");
    return;
  }
  entry.file = table.get<std::string>("file");
  entry.bytes = read_count(table, "bytes");
  entry.sha256 = table.get<std::string>("sha256");
  for (const TomlTable& source : table.tables("source"))
    entry.sources.push_back(read_source(source));
  check_file_name(table, "file", entry.file);
  if (entry.sha256.size() != 64 ||
      entry.sha256.find_first_not_of("0123456789abcdef") != std::string::npos)
    table.reject("sha256", "expected 64 lower-case hexadecimal digits");
}

CatalogueEntry read_entry(const fs::path& path) {
  const TomlTable table = TomlTable::read(path, ErrorKind::bad_file);
  CatalogueEntry entry;
  entry.name = table.get<std::string>("name");
  entry.title = table.get<std::string>("title", entry.name);
  entry.architecture = table.get<std::string>("architecture");
  entry.parameters = read_count(table, "parameters");
  entry.licence = table.get<std::string>("licence");
  entry.commercial = table.get<bool>("commercial", true);
  entry.context = static_cast<std::int64_t>(read_count(table, "context"));
  entry.languages = table.get<std::vector<std::string>>("languages");
  entry.uses = table.get<std::vector<std::string>>("uses", {});
  entry.instruct = table.get<bool>("instruct", true);
  entry.thinks = table.get<bool>("thinks", false);
  entry.gated = table.get<bool>("gated", false);
  entry.released = read_month(table);
  entry.cache_values = read_cache_values(table);
  read_place(table, entry);
  table.finish();
  check_file_name(table, "name", entry.name);
  check_use_cases(table, entry.uses);
  return entry;
}

std::vector<fs::path> toml_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& item : fs::directory_iterator(folder, error)) {
    if (item.path().extension() == ".toml") files.push_back(item.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The folder of the running program; empty if the system does not tell.
fs::path program_folder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

}  // namespace

bool CatalogueEntry::knows(std::string_view language) const {
  const std::string_view first = split(language, '-').front();
  return std::any_of(languages.begin(), languages.end(),
                     [&](const std::string& known) { return split(known, '-').front() == first; });
}

bool CatalogueEntry::suits(std::string_view use_case) const {
  return uses.empty() || std::ranges::find(uses, use_case) != uses.end();
}

std::uint64_t CatalogueEntry::size() const {
  if (bytes > 0) return bytes;
  return static_cast<std::uint64_t>(static_cast<double>(parameters) * bits / 8);
}

Catalogue::Catalogue(const Home& home) {
  for (const fs::path& folder : {data_folder() / "models", home.user_catalogue()}) {
    for (const fs::path& file : toml_files(folder)) {
      CatalogueEntry entry = read_entry(file);
      std::erase_if(entries_, [&](const auto& other) { return other.name == entry.name; });
      entries_.push_back(std::move(entry));
    }
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
}

const CatalogueEntry* Catalogue::find(std::string_view name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const auto& entry) { return entry.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

fs::path data_folder() {
  if (const char* set = std::getenv("POMONA_DATA"); set != nullptr && *set != 0) {
    std::error_code ignored;
    if (is_there(set) && fs::is_directory(set, ignored)) return set;
    fail(ErrorKind::not_found, "POMONA_DATA: {} is no folder", set);
  }
  const fs::path installed = program_folder().parent_path() / "share" / "pomona";
  const fs::path source_tree = POMONA_DATA_DIR;
  std::error_code ignored;
  for (const fs::path& folder : {installed, source_tree}) {
    if (fs::is_directory(folder / "models", ignored)) return folder;
  }
  fail(
      ErrorKind::not_found,
      "the program's data files are in neither {} nor {}; set POMONA_DATA to the folder that holds "
      "models/",
      installed.string(), source_tree.string());
}

}  // namespace pomona::hub
