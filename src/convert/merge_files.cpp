#include "convert/merge_files.h"

#include <algorithm>
#include <functional>
#include <system_error>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/quote.h"
#include "convert/source.h"
#include "model/merge.h"
#include "store/gguf_output.h"
#include "store/gguf_split.h"
#include "store/hub_folder.h"
#include "store/safetensors_writer.h"

namespace pomona::convert {
namespace {

namespace fs = std::filesystem;
using model::Model;

/// What a stored weight becomes, and as which type.
struct Change {
  DType type;
  std::function<Tensor(const Tensor& stored)> make;
};

/// By the hub's names.
using Changes = std::map<std::string, Change>;

/// What adapters change.
Changes adapted(const Model& model, const MergeOptions& options, ThreadPool& pool) {
  Changes changes;
  model.lm->each_parameter([&](const std::string& name, Parameter& parameter) {
    if (parameter.adapters.empty()) return;
    const bool divides = options.type && parameter.value.size(1) % info(*options.type).block == 0;
    const DType type = divides ? *options.type : parameter.value.dtype();
    changes[name] = {type, [=, &pool, adapters = parameter.adapters](const Tensor& stored) {
                       return options.out ? model::unmerged(stored, adapters, type, pool)
                                          : model::merged(stored, adapters, type, pool);
                     }};
  });
  return changes;
}

/// Weights that were trained themselves; `stored` are the files'.
Changes trained_weights(const Model& model, const model::Survey& stored, std::optional<DType> type,
                        ThreadPool& pool) {
  std::map<std::string, DType> types;
  for (const model::Survey::Entry& entry : stored.taken)
    types[entry.name.hub] = *entry.tensor.type.dtype;
  Changes changes;
  model.lm->each_parameter([&](const std::string& name, Parameter& parameter) {
    if (!parameter.value.needs_gradient()) return;
    const DType own = types.at(name);
    const bool matrix = parameter.value.shape().rank() == 2;
    const DType as = matrix ? type.value_or(is_block_format(own) ? DType::bf16 : own) : own;
    changes[name] = {as, [as, &pool, value = parameter.value](const Tensor&) {
                       if (value.shape().rank() == 2) return model::merged(value, {}, as, pool);
                       const Tensor row = value.reshape({1, value.elements()});
                       return model::merged(row, {}, as, pool).reshape(value.shape());
                     }};
  });
  return changes;
}

void check_paths(const fs::path& from, const fs::path& to) {
  std::error_code ignored;
  const bool folder = fs::is_directory(from, ignored);
  if (folder == (to.extension() == ".gguf"))
    fail(ErrorKind::bad_argument,
         "merge: {} is a {}, so name a {} to write, not {}; `pomona convert` makes the other kind "
         "of it",
         from.string(), folder ? "folder" : "GGUF file", folder ? "folder" : ".gguf file",
         to.string());
  if (folder) return;
  for (const fs::path& part : store::gguf_part_paths(from)) {
    if (fs::equivalent(part, to, ignored))
      fail(ErrorKind::bad_argument, "merge: {} cannot be read and written at once; name another",
           to.string());
  }
}

/// Files of a folder that hold weights, or lead to them.
bool holds_weights(const fs::path& file) {
  const std::string name = file.filename().string(), extension = file.extension().string();
  return extension == ".safetensors" || extension == ".bin" || extension == ".pt" ||
         extension == ".pth" || extension == ".gguf" || name.ends_with(".index.json");
}

class Work {
 public:
  Work(const Model& changed, ProgressSink& progress, const StopToken& stop)
      : files_(model::open_model_files(changed.path)),
        source_(survey_model(files_)),
        progress_(progress),
        stop_(stop) {}

  const model::Survey& survey() const { return source_.survey; }
  void take(Changes changes) { changes_ = std::move(changes); }

  MergeResult write(const fs::path& to) {
    const Stopwatch watch;
    MergeResult result = to.extension() == ".gguf" ? to_gguf(to) : to_folder(to);
    result.seconds = watch.seconds();
    return result;
  }

 private:
  MergeResult to_gguf(const fs::path& path) {
    const store::GgufFile file(files_.path);
    store::GgufOutput output = store::output_of(file);
    change(store::tensors_of(file), output.tensors);
    begin(path, output.tensors);
    for (const fs::path& written : store::write_gguf(path, output))
      result_.bytes_out += fs::file_size(written);
    return finish();
  }

  MergeResult to_folder(const fs::path& path) {
    const store::TensorSource tensors = store::HubFolder(files_.path).weights();
    std::vector<store::TensorOutput> outputs = store::outputs_of(tensors);
    change(tensors, outputs);
    store::HubFolderWriter folder(path);
    for (const auto& entry : fs::directory_iterator(files_.path)) {
      if (entry.is_regular_file() && !holds_weights(entry.path()))
        write_file(folder.staging() / entry.path().filename(), read_file(entry.path()));
    }
    begin(path, outputs);
    store::write_safetensors_folder(folder.staging(), outputs, {{"format", "pt"}});
    for (const auto& entry : fs::directory_iterator(folder.staging()))
      result_.bytes_out += entry.file_size();
    folder.commit();
    return finish();
  }

  /// Puts the changed weights in their places among what is written: those on the same bytes.
  void change(const store::TensorSource& tensors, std::vector<store::TensorOutput>& outputs) {
    std::map<std::string, const model::Survey::Entry*> by_name;
    for (const model::Survey::Entry& entry : source_.survey.taken) by_name[entry.name.hub] = &entry;
    for (const auto& [hub_name, one] : changes_) {
      const model::Survey::Entry& entry = *by_name.at(hub_name);
      const auto place = std::ranges::find_if(tensors.tensors(), [&](const auto& stored) {
        return same_place(stored, entry.tensor, tensors);
      });
      if (place == tensors.tensors().end())
        fail(ErrorKind::internal, "merge: tensor {} is not in its own files",
             quote_name(entry.tensor.name));
      change(entry, one, outputs[static_cast<std::size_t>(place - tensors.tensors().begin())]);
    }
  }

  /// Whether a tensor of `tensors` is the one that was surveyed in another mapping of the files,
  /// maybe under another name.
  bool same_place(const store::StoredTensor& stored, const store::StoredTensor& surveyed,
                  const store::TensorSource& tensors) const {
    if (stored.name == surveyed.name) return true;
    return surveyed.name.ends_with("." + stored.name) && tensors.find(surveyed.name) == nullptr &&
           stored.shape == surveyed.shape;
  }

  void change(const model::Survey::Entry& entry, const Change& one, store::TensorOutput& output) {
    const DType type = one.type;
    const bool hub = source_.names() == Names::hub;
    if (hub && is_block_format(type))
      fail(ErrorKind::unsupported, "merge: folders have no tensors of type {}", info(type).name);
    output.type = store::element_type(type);
    ++result_.changed;
    result_.requantised += is_block_format(type) ? 1 : 0;
    output.write = [this, &entry, &one](const store::ByteSink& sink) {
      const Tensor weight = model::from_file(entry.tensor.tensor(), entry.name, source_.names());
      try {
        const Tensor stored = model::to_file(one.make(weight), entry.name, source_.names());
        sink({stored.raw(), static_cast<std::size_t>(stored.bytes())});
      } catch (const Error& error) {
        fail(error.kind(), "{}: {}", quote_name(entry.tensor.name), error.what());
      }
    };
  }

  void begin(const fs::path& path, std::vector<store::TensorOutput>& tensors) {
    std::uint64_t bytes = 0;
    for (store::TensorOutput& tensor : tensors) {
      ++result_.types[std::string(tensor.type.name)];
      bytes += tensor.size();
      tensor.write = [this, size = tensor.size(), name = tensor.name,
                      write = std::move(tensor.write)](const store::ByteSink& sink) {
        stop_.check("merge");
        write(sink);
        progress_.update(done_ += size, name);
      };
    }
    progress_.begin("write " + path.filename().string(), bytes, "bytes");
  }

  MergeResult finish() {
    progress_.end();
    result_.bytes_in = files_.bytes();
    return std::move(result_);
  }

  model::ModelFiles files_;
  Source source_;
  Changes changes_;
  ProgressSink& progress_;
  const StopToken& stop_;
  MergeResult result_;
  std::uint64_t done_ = 0;
};

}  // namespace

bool changes_blocks(const Model& model) {
  bool found = false;
  model.lm->each_parameter([&](const std::string&, Parameter& parameter) {
    found = found || (!parameter.adapters.empty() && is_block_format(parameter.value.dtype()));
  });
  return found;
}

MergeResult merge_files(const Model& changed, const fs::path& to, const MergeOptions& options,
                        ThreadPool& pool, ProgressSink& progress, const StopToken& stop) {
  check_paths(changed.path, to);
  if (changed.lm->virtual_tokens() != nullptr)
    fail(ErrorKind::unsupported,
         "merge: a prompt or a prefix stands in front of texts, no weight holds it; give it with "
         "--adapter where the model is used");
  Changes changes = adapted(changed, options, pool);
  if (changes.empty())
    fail(ErrorKind::bad_argument, "merge: there is no change of a weight; give one with --adapter");
  Work work(changed, progress, stop);
  work.take(std::move(changes));
  return work.write(to);
}

MergeResult write_trained_files(const Model& trained, const fs::path& to, std::optional<DType> type,
                                ThreadPool& pool, ProgressSink& progress, const StopToken& stop) {
  check_paths(trained.path, to);
  Work work(trained, progress, stop);
  work.take(trained_weights(trained, work.survey(), type, pool));
  return work.write(to);
}

Json MergeResult::to_json() const {
  return {{"bytes_in", bytes_in}, {"bytes_out", bytes_out},     {"types", types},
          {"changed", changed},   {"requantised", requantised}, {"seconds", seconds}};
}

}  // namespace pomona::convert
