#include "train/output.h"

#include "convert/merge_files.h"
#include "model/adapter.h"
#include "model/adapter_peft.h"

namespace pomona::train {

std::filesystem::path write_output(const Setup& setup, const std::filesystem::path& folder,
                                   ProgressSink& progress, const StopToken& stop) {
  const RunFile::Method& method = setup.run.method;
  if (method.kind == "full" || method.kind == "freeze") {
    const bool gguf = setup.model.path.extension() == ".gguf";
    const std::filesystem::path to = folder / (gguf ? "model.gguf" : "model");
    std::filesystem::remove_all(to);
    convert::write_trained_files(setup.model, to, std::nullopt, setup.context.pool, progress, stop);
    return to;
  }
  const std::filesystem::path to = folder / "adapter";
  model::Adapter adapter = model::adapter_of(setup.model, method.alpha, method.kind == "rslora");
  adapter.base = setup.resolved.name;
  adapter.dropout = method.dropout;
  std::filesystem::remove_all(to);
  model::write_peft(to, adapter);
  return to;
}

}  // namespace pomona::train
