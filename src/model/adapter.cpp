#include "model/adapter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.h"
#include "base/quote.h"
#include "model/adapter_gguf.h"
#include "model/adapter_peft.h"
#include "model/registry.h"

namespace pomona::model {
namespace {

/// A file's matrix with a row for each row of a weight, in that weight's order. Nothing else of how
/// the weight is stored concerns it.
WeightName rows_alone(WeightName name, const Tensor& rows) {
  name.shape = rows.shape();
  name.hub_transposed = false;
  return name;
}

/// A parameter of the model and how files name it.
struct Target {
  Parameter* parameter;
  const WeightName* name;
};

/// What low-rank changes can change: matrices that vectors are multiplied with.
std::map<std::string, Target> targets_of(const Model& model, Names names) {
  std::map<std::string, Target> targets;
  const Parameter* const table = &model.lm->token_table();
  model.lm->each_parameter([&](const std::string& hub_name, Parameter& parameter) {
    const WeightName& name = model.weight_names.at(hub_name);
    const bool is_table = &parameter == table || name.gguf == "position_embd.weight";
    if (name.shape.rank() == 2 && !is_table) targets[name.in(names)] = {&parameter, &name};
  });
  return targets;
}

/// Some of a list, as a sentence has it.
class Examples {
 public:
  void add(std::string text) {
    if (++count_ <= kShown) shown_.append(count_ > 1 ? ", " : "").append(text);
  }
  std::size_t count() const { return count_; }
  std::string text() const {
    return count_ > kShown ? fmt::format("{} and {} more", shown_, count_ - kShown) : shown_;
  }

 private:
  static constexpr std::size_t kShown = 3;
  std::size_t count_ = 0;
  std::string shown_;
};

[[noreturn]] void refuse(const Adapter& adapter, const Model& model, std::string_view why) {
  const std::string base = adapter.base.empty() ? "another model" : quote_name(adapter.base);
  fail(ErrorKind::bad_argument, "adapter {} (for {}) does not fit {} ({}, {}): {}", adapter.origin,
       base, model.path.string(), printable(model.name, true), model.architecture, why);
}

/// The targets of all changes, in their order. Throws bad_argument with the differences.
std::vector<Target> fit(const Adapter& adapter, const Model& model) {
  const auto known = targets_of(model, adapter.names);
  std::vector<Target> targets;
  Examples missing, other_shape;
  for (const WeightChange& change : adapter.changes) {
    const auto found = known.find(change.weight);
    if (found == known.end()) {
      missing.add(printable(change.weight, true));
      continue;
    }
    const Shape shape = {change.b.size(0), change.a.size(1)}, &here = found->second.name->shape;
    if (shape != here)
      other_shape.add(
          fmt::format("{} is {} there, {} here", change.weight, shape.text(), here.text()));
    targets.push_back(found->second);
  }
  std::string why;
  const auto architecture = find_architecture(model.architecture, model.path).in(Names::gguf);
  if (!adapter.architecture.empty() && adapter.architecture != architecture)
    refuse(adapter, model, fmt::format("its architecture is {}", quote_name(adapter.architecture)));
  if (missing.count() > 0)
    why = fmt::format("{} of the {} weights that it changes are not among this model's {} ({})",
                      missing.count(), adapter.changes.size(), known.size(), missing.text());
  if (other_shape.count() > 0)
    why += fmt::format("{}{} have other sizes ({})", why.empty() ? "" : "; ", other_shape.count(),
                       other_shape.text());
  if (!why.empty()) refuse(adapter, model, fmt::format("{}; its rank is {}", why, adapter.rank));
  return targets;
}

Tensor finite(Tensor tensor, const Adapter& adapter, std::string_view name) {
  tensor = in_type(tensor, DType::f32);
  const float* const values = tensor.data<float>();
  if (!std::all_of(values, values + tensor.elements(),
                   [](float value) { return std::isfinite(value); }))
    fail(ErrorKind::bad_file, "adapter {}: {} has values that are no finite numbers",
         adapter.origin, quote_name(name));
  return tensor;
}

void attach_changes(const Adapter& adapter, double weight, const Model& model) {
  const std::vector<Target> targets = fit(adapter, model);
  std::vector<std::shared_ptr<LowRank>> all;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const WeightChange& change = adapter.changes[i];
    const Tensor b = from_file(change.b, rows_alone(*targets[i].name, change.b), adapter.names);
    all.push_back(std::make_shared<LowRank>(
        LowRank{Parameter(finite(change.a, adapter, change.weight)),
                Parameter(finite(b, adapter, change.weight)), weight * adapter.scale(change)}));
  }
  for (std::size_t i = 0; i < targets.size(); ++i)
    targets[i].parameter->adapters.push_back(std::move(all[i]));
}

/// Columns [start, start + count) of rows, on their own.
Tensor columns_of(const Tensor& rows, std::int64_t start, std::int64_t count) {
  const Tensor part = Tensor::zeros({rows.size(0), count});
  for (std::int64_t row = 0; row < rows.size(0); ++row)
    std::memcpy(part.data<float>() + row * count, rows.data<float>() + row * rows.size(1) + start,
                static_cast<std::size_t>(count) * sizeof(float));
  return part;
}

Tensor times(const Tensor& rows, double factor) {
  const Tensor product = Tensor::zeros(rows.shape());
  std::transform(rows.data<float>(), rows.data<float>() + rows.elements(), product.data<float>(),
                 [&](float value) { return static_cast<float>(value * factor); });
  return product;
}

void attach_rows(const Adapter& adapter, Model& model) {
  const LmShape& shape = model.lm->shape();
  const bool prefix = adapter.kind == AdapterKind::prefix;
  const std::int64_t P = adapter.rows.size(0), GE = shape.G * shape.E;
  const std::int64_t width = prefix ? 2 * shape.L * GE : shape.D;
  if (adapter.rows.size(1) != width)
    refuse(adapter, model,
           fmt::format("{} virtual tokens are {} wide there ({} layers), {} here ({} layers)", P,
                       adapter.rows.size(1), adapter.layers, width, shape.L));
  if (P >= shape.context)
    refuse(adapter, model,
           fmt::format("{} virtual tokens fill its context of {}", P, shape.context));
  const Tensor rows = finite(adapter.rows, adapter, "prompt_embeddings");
  auto tokens = std::make_shared<nn::VirtualTokens>();
  if (prefix) {
    tokens->embeddings = Parameter(Tensor::zeros({P, shape.D}));
    for (std::int64_t layer = 0; layer < shape.L; ++layer) {
      tokens->keys.emplace_back(columns_of(rows, 2 * layer * GE, GE));
      tokens->values.emplace_back(columns_of(rows, (2 * layer + 1) * GE, GE));
    }
  } else {
    tokens->embeddings = Parameter(times(rows, 1 / model.lm->embedding_scale()));
  }
  model.lm->set_virtual_tokens(std::move(tokens));
}

/// The virtual tokens of a model, as PEFT has them.
Adapter rows_of(const Model& model) {
  const LmShape& shape = model.lm->shape();
  const nn::VirtualTokens& tokens = *model.lm->virtual_tokens();
  Adapter adapter;
  adapter.layers = shape.L;
  if (tokens.keys.empty()) {
    adapter.kind = AdapterKind::prompt;
    adapter.heads = shape.H;
    adapter.rows = times(tokens.embeddings.value, model.lm->embedding_scale());
    return adapter;
  }
  adapter.kind = AdapterKind::prefix;
  adapter.heads = shape.G;
  const std::int64_t P = tokens.count(), GE = shape.G * shape.E;
  adapter.rows = Tensor::zeros({P, 2 * shape.L * GE});
  for (std::int64_t part = 0; part < 2 * shape.L; ++part) {
    const auto layer = static_cast<std::size_t>(part / 2);
    const Tensor& from = (part % 2 == 0 ? tokens.keys : tokens.values)[layer].value;
    for (std::int64_t row = 0; row < P; ++row)
      std::memcpy(adapter.rows.data<float>() + (row * 2 * shape.L + part) * GE,
                  from.data<float>() + row * GE, static_cast<std::size_t>(GE) * sizeof(float));
  }
  return adapter;
}

/// The ends of the changed weights' names, behind the layer's number, if they are changed in every
/// layer; else nothing.
std::vector<std::string> ends_of_names(const std::vector<WeightChange>& changes, std::int64_t L) {
  std::map<std::string, std::int64_t> layers;
  for (const WeightChange& change : changes) {
    const std::string pattern = without_number(change.weight).first;
    const std::size_t number = pattern.find("{}.");
    if (number == std::string::npos) return {};
    const std::string end = pattern.substr(number + 3);
    ++layers[end.substr(0, end.size() - std::string_view(".weight").size())];
  }
  std::vector<std::string> ends;
  for (const auto& [end, count] : layers) {
    if (count != L) return {};
    ends.push_back(end);
  }
  return ends;
}

Adapter changes_of(const Model& model, double alpha, bool rslora) {
  Adapter adapter;
  adapter.alpha = alpha;
  adapter.rslora = rslora;
  model.lm->each_parameter([&](const std::string& name, Parameter& parameter) {
    if (parameter.adapters.empty()) return;
    if (parameter.adapters.size() > 1)
      fail(ErrorKind::bad_argument, "adapter: {} has {} changes, one adapter holds one",
           quote_name(name), parameter.adapters.size());
    const LowRank& change = *parameter.adapters.front();
    const WeightName& weight = model.weight_names.at(name);
    const Tensor b = change.b.value.detach();
    adapter.changes.push_back({weight.hub, change.a.value.detach(),
                               to_file(b, rows_alone(weight, b), Names::hub), alpha});
    adapter.conv1d = adapter.conv1d || weight.hub_transposed;
    adapter.dropout = change.dropout;
  });
  if (adapter.changes.empty())
    fail(ErrorKind::bad_argument, "adapter: nothing is attached to the model");
  adapter.rank = adapter.changes.front().R();
  adapter.targets = ends_of_names(adapter.changes, model.lm->shape().L);
  return adapter;
}

}  // namespace

std::string_view name_of(AdapterKind kind) {
  constexpr std::array<std::string_view, 3> kNames = {"lora", "prompt", "prefix"};
  return kNames[static_cast<std::size_t>(kind)];
}

double Adapter::scale(const WeightChange& change) const {
  const auto R = static_cast<double>(change.R());
  return change.alpha / (rslora ? std::sqrt(R) : R);
}

std::int64_t Adapter::parameters() const {
  std::int64_t sum = rows.defined() ? rows.elements() : 0;
  for (const WeightChange& change : changes) sum += change.a.elements() + change.b.elements();
  return sum;
}

Adapter read_adapter(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return read_peft(path);
  if (path.extension() == ".safetensors" || path.extension() == ".bin")
    fail(ErrorKind::bad_argument, "adapter {}: name its folder, which has {} as well",
         path.string(), kAdapterConfigFile);
  return read_gguf_adapter(path);
}

Adapter in_names(const Adapter& adapter, const Model& model, Names names) {
  if (adapter.kind != AdapterKind::lora)
    fail(ErrorKind::bad_argument, "adapter {}: GGUF has no place for a {}", adapter.origin,
         name_of(adapter.kind));
  const std::vector<Target> targets = fit(adapter, model);
  if (adapter.names == names) return adapter;
  Adapter made = adapter;
  made.names = names;
  made.targets.clear();
  if (adapter.base.empty()) made.base = model.name;
  made.architecture = names == Names::gguf
                          ? find_architecture(model.architecture, model.path).in(Names::gguf)
                          : std::string_view();
  made.conv1d = false;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    WeightChange& change = made.changes[i];
    const WeightName& name = *targets[i].name;
    change.weight = name.in(names);
    const WeightName rows = rows_alone(name, change.b);
    change.b = to_file(from_file(change.b, rows, adapter.names), rows, names);
    made.conv1d = made.conv1d || (names == Names::hub && name.hub_transposed);
  }
  return made;
}

void attach(Model& model, const Adapter& adapter, double weight) {
  if (!std::isfinite(weight))
    fail(ErrorKind::bad_argument, "adapter {}: the weight {} is no number", adapter.origin, weight);
  if (adapter.kind == AdapterKind::lora) return attach_changes(adapter, weight, model);
  if (weight != 1)
    fail(ErrorKind::unsupported, "adapter {}: a {} has no weight, {} is given", adapter.origin,
         name_of(adapter.kind), weight);
  if (model.lm->virtual_tokens() != nullptr)
    fail(ErrorKind::unsupported, "adapter {}: a {} stands in front already, and there can be one",
         adapter.origin, name_of(adapter.kind));
  attach_rows(adapter, model);
}

Model load_adapted(const std::filesystem::path& path, std::int64_t context,
                   const std::vector<AdapterUse>& adapters) {
  Model model = load_model(path, context);
  for (const AdapterUse& use : adapters) attach(model, read_adapter(use.path), use.weight);
  return model;
}

void detach(Model& model) {
  model.lm->set_virtual_tokens(nullptr);
  model.lm->each_parameter(
      [](const std::string&, Parameter& parameter) { parameter.adapters.clear(); });
}

Adapter adapter_of(const Model& model, double alpha, bool rslora) {
  Adapter adapter = model.lm->virtual_tokens() ? rows_of(model) : changes_of(model, alpha, rslora);
  adapter.base = model.name;
  return adapter;
}

}  // namespace pomona::model
