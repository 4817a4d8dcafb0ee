// Model folders as the hub has them: config.json, the tokeniser's files, a chat template, and the
// weights. Format: Hugging Face transformers (modeling_utils.py, names of the files).
#pragma once
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "store/tensor_source.h"

namespace pomona::store {

inline constexpr std::string_view kConfigFile = "config.json";
inline constexpr std::string_view kGenerationConfigFile = "generation_config.json";
inline constexpr std::string_view kTokenizerFile = "tokenizer.json";
inline constexpr std::string_view kTokenizerConfigFile = "tokenizer_config.json";
inline constexpr std::string_view kSpecialTokensFile = "special_tokens_map.json";
inline constexpr std::string_view kChatTemplateFile = "chat_template.jinja";

/// All that is read beside the weights.
inline constexpr std::array kSmallFiles = {kConfigFile,        kGenerationConfigFile,
                                           kTokenizerFile,     kTokenizerConfigFile,
                                           kSpecialTokensFile, kChatTemplateFile};
/// The files that lead to the weights; the first that is there counts.
inline constexpr std::array<std::string_view, 4> kWeightFiles = {
    "model.safetensors.index.json", "model.safetensors", "pytorch_model.bin.index.json",
    "pytorch_model.bin"};

/// A folder to read from. Files may be links, as in the hub's cache.
class HubFolder {
 public:
  /// Reads config.json. Throws not_found where it is missing, io, or bad_file if it is no JSON
  /// object.
  explicit HubFolder(const std::filesystem::path& folder);

  const std::filesystem::path& path() const { return folder_; }
  const Json& config() const { return config_; }

  /// A small JSON object beside it, read anew each time; nullopt if there is none. (Json keeps the
  /// order of keys and searches them one by one: vocabularies are better read from text().) Throws
  /// bad_file, io.
  std::optional<Json> json(std::string_view name) const;
  /// A text file beside it; nullopt if there is none. Throws bad_file if it is no file or not
  /// UTF-8, io.
  std::optional<std::string> text(std::string_view name) const;

  /// The first of kWeightFiles that is there.
  std::optional<std::filesystem::path> weights_path() const;
  /// Throws not_found if there are none; else as open_checkpoint.
  TensorSource weights() const;

 private:
  bool has(std::string_view name) const;

  std::filesystem::path folder_;
  Json config_;
};

/// Builds a folder beside its final place and gives it its name on commit(); without commit()
/// nothing is left.
class HubFolderWriter {
 public:
  /// Throws bad_argument if something is there already that is not an empty folder; io.
  explicit HubFolderWriter(const std::filesystem::path& folder);
  ~HubFolderWriter();
  HubFolderWriter(const HubFolderWriter&) = delete;
  HubFolderWriter& operator=(const HubFolderWriter&) = delete;

  /// Where the files are written until then.
  const std::filesystem::path& staging() const { return staging_; }
  void write_json(std::string_view name, const Json& json) const;
  void write_text(std::string_view name, std::string_view text) const;

  /// Throws io, also when the place was taken meanwhile.
  void commit();

 private:
  std::filesystem::path folder_;
  std::filesystem::path staging_;  // empty once committed
};

}  // namespace pomona::store
