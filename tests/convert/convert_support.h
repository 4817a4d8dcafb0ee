// What the tests of conversion share: models of every family, changed copies of them, answers.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "base/file.h"
#include "convert/convert.h"
#include "model/model.h"
#include "store/gguf.h"
#include "store/gguf_output.h"
#include "store/hub_folder.h"
#include "store/safetensors_writer.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::convert {

namespace fs = std::filesystem;

inline fs::path folder_of(const std::string& family) {
  return golden::path_of("families/" + family);
}
inline fs::path file_of(const std::string& family) {
  return golden::path_of("families/" + family + ".gguf");
}

inline ConvertResult convert(const fs::path& from, const fs::path& to,
                             const ConvertOptions& options = {}) {
  return convert(from, to, options, no_progress(), StopToken());
}

inline std::vector<std::byte> values_of(const store::StoredTensor& tensor) {
  const StorageRef values = tensor.storage();
  return {values->data, values->data + values->size};
}

/// Logits in f32 of a few tokens of the model at `path`.
inline std::vector<float> logits_of(const fs::path& path) {
  const model::Model model = model::load_model(path);
  test::Engine engine;
  engine.context.compute = Compute::f32;
  nn::Batch batch;
  batch.append(std::vector<std::int32_t>{5, 17, 99, 3, 41, 64, 8, 23, 77}, 0, nullptr,
               nn::Batch::Logits::all);
  const Tensor logits = model.lm->forward(batch, engine.context);
  return {logits.data<float>(), logits.data<float>() + logits.elements()};
}

inline double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double difference = 0, scale = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
    scale = std::max(scale, std::abs(static_cast<double>(b[i])));
  }
  return difference / scale;
}

/// A copy of a family's folder with `changes` merged into its config.json (null removes).
inline void put_folder(const std::string& family, const Json& changes, const fs::path& to) {
  fs::copy(folder_of(family), to, fs::copy_options::recursive);
  Json config = read_json(to / "config.json");
  config.merge_patch(changes);
  write_file(to / "config.json", config.dump());
}

/// The golden weights of a folder with `change` made to their list.
inline void change_tensors(const fs::path& folder,
                           const std::function<void(std::vector<store::TensorOutput>&)>& change) {
  const store::TensorSource source = store::HubFolder(folder).weights();
  std::vector<store::TensorOutput> tensors = store::outputs_of(source);
  change(tensors);
  store::write_safetensors(folder / "changed.safetensors", tensors, {{"format", "pt"}});
  fs::rename(folder / "changed.safetensors", folder / "model.safetensors");
}

/// A copy of a family's GGUF file with `change` made to it.
inline void put_file(const std::string& family, const fs::path& to,
                     const std::function<void(store::GgufOutput&)>& change) {
  store::GgufOutput output = store::output_of(store::GgufFile(file_of(family)));
  change(output);
  store::write_gguf(to, output);
}

class ConvertFiles : public testing::Test {
 protected:
  test::TempFolder temp;
};

}  // namespace pomona::convert
