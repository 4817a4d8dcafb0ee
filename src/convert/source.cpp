#include "convert/source.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/quote.h"

namespace pomona::convert {
namespace {

constexpr std::string_view kHeads[] = {"lm_head.weight", "embed_out.weight"};

/// `names` as a sentence has them: at most ten.
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 10;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i) {
    if (i > 0) text += ", ";
    text += quote_name(names[i]);
  }
  if (names.size() > kMost) text += fmt::format(" and {} more", names.size() - kMost);
  return text;
}

/// GGUF files of Mistral declare Llama; on the hub only the former has a window.
const model::Architecture& new_architecture(const model::ModelFiles& files) {
  const model::Architecture& found = model::find_architecture(files.architecture, files.path);
  const Config& numbers = files.checkpoint.config;
  if (!numbers.from_gguf() || found.name != "llama") return found;
  const Json* const window = numbers.find("sliding_window");
  if (window == nullptr || *window == 0) return found;
  return model::find_architecture("mistral", files.path);
}

}  // namespace

model::Checkpoint Source::checkpoint() const {
  model::Checkpoint complete = files.checkpoint;
  complete.config = numbers();
  return complete;
}

bool Source::takes(std::string_view hub_name) const {
  return std::any_of(survey.taken.begin(), survey.taken.end(),
                     [&](const auto& entry) { return entry.name.hub == hub_name; });
}

bool Source::is_tied() const {
  return std::none_of(std::begin(kHeads), std::end(kHeads),
                      [&](std::string_view head) { return takes(head); });
}

std::vector<std::string> Source::unused() const {
  std::set<const std::byte*> taken;  // names may be others by now
  for (const auto& entry : survey.taken) taken.insert(entry.tensor.bytes.data());
  std::vector<std::string> names;
  for (const store::StoredTensor& tensor : files.checkpoint.tensors.tensors())
    if (!taken.contains(tensor.bytes.data())) names.push_back(tensor.name);
  return names;
}

void Source::refuse(std::string_view what) const {
  fail(ErrorKind::unsupported, "convert: {}: {}", files.path.string(), what);
}

Source survey_model(const model::ModelFiles& files) {
  model::Checkpoint checkpoint = files.checkpoint;
  checkpoint.survey = std::make_shared<model::Survey>();
  const auto lm = model::find_architecture(files.architecture, files.path).load(checkpoint);
  Source source{files, new_architecture(files), std::move(*checkpoint.survey), lm->shape()};
  const model::Survey& survey = source.survey;
  if (!survey.missing.empty())
    fail(ErrorKind::bad_file, "convert: {}: {} of the model's tensors missing: {}",
         files.path.string(), survey.missing.size(), listed(survey.missing));
  if (!survey.unknown.empty())
    source.refuse(fmt::format(
        "{} tensors have no place in this model, and leaving them out would change the answers: {}",
        survey.unknown.size(), listed(survey.unknown)));
  return source;
}

}  // namespace pomona::convert
