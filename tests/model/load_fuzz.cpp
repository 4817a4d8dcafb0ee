// libFuzzer: any bytes as a model file must load, or fail with an Error; what loads must run a
// token.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "model/model.h"

namespace {

void run_one_token(const pomona::model::Model& model) {
  pomona::ThreadPool pool(1);
  pomona::Arena arena(std::size_t{1} << 30);
  const pomona::Context context{pool, arena, pomona::kernel::table()};
  pomona::nn::Batch batch;
  batch.append(std::vector<std::int32_t>{0}, 0, nullptr, pomona::nn::Batch::Logits::last);
  model.lm->forward(batch, context);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = (std::filesystem::temp_directory_path() /
                                   ("pomona-load-fuzz-" + std::to_string(::getpid()) + ".gguf"))
                                      .string();
  pomona::write_file(path, std::string_view(reinterpret_cast<const char*>(data), size));
  try {
    run_one_token(pomona::model::load_model(path));
  } catch (const pomona::Error&) {
  }
  return 0;
}
