#include "convert/convert.h"

#include <system_error>

#include "base/clock.h"
#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"
#include "convert/numbers.h"
#include "convert/source.h"
#include "convert/tensors.h"
#include "store/gguf_output.h"
#include "store/gguf_tokenizer.h"
#include "store/hub_folder.h"
#include "store/safetensors_writer.h"

namespace pomona::convert {
namespace {

namespace fs = std::filesystem;
using model::ModelFiles;
using model::ModelText;

bool is_gguf_name(const fs::path& path) { return path.extension() == ".gguf"; }

void check_kinds(const fs::path& from, const fs::path& to) {
  std::error_code ignored;
  const bool from_folder = fs::is_directory(from, ignored), to_file = is_gguf_name(to);
  if (from_folder == to_file) return;
  if (from_folder)
    fail(ErrorKind::bad_argument,
         "convert: {} is a folder of the hub's kind already; name a .gguf file to write, not {}",
         from.string(), to.string());
  fail(ErrorKind::bad_argument,
       "convert: {} is a GGUF file already; name a folder to write, not {} (`pomona quantize` "
       "changes the types of a file)",
       from.string(), to.string());
}

/// What is written, and the report of it, filled while the tensors pass.
class Work {
 public:
  Work(const ModelFiles& files, const ConvertOptions& options, ProgressSink& progress,
       const StopToken& stop)
      : source_(survey_model(files)), options_(options), progress_(progress), stop_(stop) {}

  ConvertResult to_gguf(const fs::path& path) {
    std::vector<MappedTensor> tensors = take_tensors(Names::gguf);
    GgufKeys keys;
    write_gguf_numbers(source_, main_type(tensors), keys);
    const Beginnings beginnings =
        write_gguf_tokenizer(files().path, files().text, source_.shape.V, keys);
    check_tokens({store::read_tokenizer(keys.metadata(path.string())), std::nullopt}, beginnings);
    result_.notes = gguf_notes(source_);
    if (beginnings == Beginnings::metaspace)
      result_.notes.push_back(
          "texts that begin with a space, and those behind a special token, begin as in "
          "SentencePiece: GGUF cannot say Metaspace");
    note_generation();
    store::GgufOutput output;
    output.metadata = keys.entries();
    output.tensors = rope_tensors(source_);
    for (const store::TensorOutput& tensor : output.tensors)
      result_.mapped.push_back({"config.json: rope_scaling", tensor.name});
    for (MappedTensor& tensor : tensors) output.tensors.push_back(std::move(tensor.output));
    begin(path, output.tensors);
    for (const fs::path& written : store::write_gguf(path, output))
      result_.bytes_out += fs::file_size(written);
    return finish();
  }

  ConvertResult to_folder(const fs::path& path) {
    const store::GgufFile file(files().path);
    std::vector<MappedTensor> tensors = take_tensors(Names::hub);
    const DType type = main_type(tensors);
    const HubTokenizerFiles text =
        hub_tokenizer(file.metadata(), files().text, source_.shape.longest);
    Json config = hub_config(source_, type);
    config.update(text.generation);
    store::HubFolderWriter folder(path);
    folder.write_text(store::kTokenizerFile, text.tokenizer);
    folder.write_json(store::kTokenizerConfigFile, text.config);
    folder.write_json(store::kGenerationConfigFile, text.generation);
    if (text.chat_template) folder.write_text(store::kChatTemplateFile, *text.chat_template);
    folder.write_json(store::kConfigFile, config);
    folder.write_text("README.md", card());
    check_tokens(model::open_model_text(folder.staging()), Beginnings::same);

    std::vector<store::TensorOutput> outputs;
    for (MappedTensor& tensor : tensors) outputs.push_back(std::move(tensor.output));
    begin(path, outputs);
    store::write_safetensors_folder(folder.staging(), outputs, {{"format", "pt"}});
    for (const auto& entry : fs::directory_iterator(folder.staging()))
      result_.bytes_out += entry.file_size();
    folder.commit();
    return finish();
  }

 private:
  const ModelFiles& files() const { return source_.files; }

  std::vector<MappedTensor> take_tensors(Names to) {
    std::vector<MappedTensor> tensors = convert_tensors(
        source_, to, options_.type, [this](const std::string& name, std::int64_t elements) {
          stop_.check("convert");
          progress_.update(done_ += static_cast<std::uint64_t>(elements), name);
        });
    for (const MappedTensor& tensor : tensors)
      result_.mapped.push_back({tensor.from, tensor.output.name});
    for (const std::string& name : source_.unused()) {
      if (is_rope(name)) {
        result_.mapped.push_back({name, "config.json: rope_scaling"});
      } else {
        result_.unused.push_back(name);
      }
    }
    return tensors;
  }

  /// GGUF's factors of stretched rotations, which the numbers of a folder say.
  static bool is_rope(std::string_view name) { return name.starts_with("rope_f"); }

  /// Of texts put together at random a few may differ: SentencePiece and the hub's BPE break ties
  /// of merges in different ways, in texts which nobody writes.
  void check_tokens(const ModelText& made, Beginnings beginnings) {
    constexpr std::int64_t kMostPercent = 2;
    result_.tokens = compare_tokens(files().text, made, beginnings);
    const TokenCheck& check = result_.tokens;
    if (check.usual_differ || check.different * 100 > check.texts * kMostPercent)
      fail(
          ErrorKind::unsupported,
          "convert: {}: the other kind of file cannot say how this tokeniser works: {} of {} texts "
          "became other tokens, for example {}",
          files().path.string(), check.different, check.texts,
          quote_name(check.example.substr(0, 60)));
  }

  /// How the folder's makers would draw answers, which GGUF has no keys for.
  void note_generation() {
    const auto generation = store::HubFolder(files().path).json(store::kGenerationConfigFile);
    if (!generation) return;
    std::string names;
    for (const char* name : {"do_sample", "temperature", "top_p", "top_k", "repetition_penalty"})
      if (generation->contains(name)) names.append(names.empty() ? "" : ", ").append(name);
    if (!names.empty())
      result_.notes.push_back(
          fmt::format("{}: {} are left behind", store::kGenerationConfigFile, names));
  }

  std::string card() const {
    std::string card = "---\n";
    if (!files().licence.empty())
      card.append("license: ").append(Json(printable(files().licence, true)).dump()).append("\n");
    card.append("library_name: transformers\n---\n# ").append(printable(files().name, true));
    return card.append("\n\nConverted by Pomona from ")
        .append(printable(files().path.filename().string(), true))
        .append(".\n");
  }

  void begin(const fs::path& path, const std::vector<store::TensorOutput>& tensors) {
    std::uint64_t values = 0;
    for (const auto& entry : source_.survey.taken)
      values += static_cast<std::uint64_t>(entry.tensor.elements());
    for (const store::TensorOutput& tensor : tensors)
      ++result_.types[std::string(tensor.type.name)];
    progress_.begin("write " + path.filename().string(), values, "values");
  }

  ConvertResult finish() {
    progress_.end();
    result_.bytes_in = files().bytes();
    return std::move(result_);
  }

  Source source_;
  const ConvertOptions& options_;
  ProgressSink& progress_;
  const StopToken& stop_;
  ConvertResult result_;
  std::uint64_t done_ = 0;
};

}  // namespace

ConvertResult convert(const fs::path& from, const fs::path& to, const ConvertOptions& options,
                      ProgressSink& progress, const StopToken& stop) {
  check_kinds(from, to);
  const Stopwatch watch;
  const ModelFiles files = model::open_model_files(from);
  Work work(files, options, progress, stop);
  ConvertResult result = is_gguf_name(to) ? work.to_gguf(to) : work.to_folder(to);
  result.seconds = watch.seconds();
  return result;
}

Json ConvertResult::to_json() const {
  Json pairs = Json::array();
  Json special = Json::array();
  for (const std::string& token : tokens.special) special.push_back(printable(token, true));
  for (const Mapped& pair : mapped) pairs.push_back({{"from", pair.from}, {"to", pair.to}});
  return {{"bytes_in", bytes_in},
          {"bytes_out", bytes_out},
          {"types", types},
          {"seconds", seconds},
          {"mapped", pairs},
          {"unused", unused},
          {"missing", Json::array()},  // a model that lacks a tensor is an error, which names it
          {"notes", notes},
          {"tokenizer",
           {{"texts", tokens.texts}, {"different", tokens.different}, {"special", special}}}};
}

}  // namespace pomona::convert
