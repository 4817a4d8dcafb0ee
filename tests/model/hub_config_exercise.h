// Loads a family's tiny model with another config.json; the fuzzer and the replay of its corpus
// share it.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "model/registry.h"
#include "store/hub_folder.h"
#include "tests/support/exercise.h"

namespace pomona::model {

/// The weights of the tiny model of this model_type; another's where there is none.
inline const store::TensorSource& tiny_weights(const std::string& type) {
  static const auto all = [] {
    std::map<std::string, store::TensorSource> weights;
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(POMONA_SOURCE_DIR) / "tests/golden/families")) {
      if (!entry.is_directory()) continue;
      const store::HubFolder folder(entry.path());
      weights.emplace(folder.config().at("model_type").get<std::string>(), folder.weights());
    }
    return weights;
  }();
  const auto found = all.find(type);
  return (found != all.end() ? found : all.begin())->second;
}

/// True if the model loads with it, false if an Error says why not.
inline bool exercise_hub_config(std::string_view json) {
  return test::ends_well([&] {
    const Config config(parse_json(json, store::kConfigFile), std::string(store::kConfigFile));
    const std::string type = config.text("model_type", "");
    find_architecture(type, "folder").load(Checkpoint(config, tiny_weights(type)));
  });
}

}  // namespace pomona::model
