#include "convert/tensors.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/quote.h"

namespace pomona::convert {
namespace {

using model::Survey;

/// The type that the hub's folder gets when nobody asks for one: that of all matrices, or f32.
DType type_of_folder(const Survey& survey) {
  std::optional<DType> type;
  for (const Survey::Entry& entry : survey.taken) {
    if (entry.name.shape.rank() == 1) continue;
    const DType found = *entry.tensor.type.dtype;
    if (is_block_format(found) || (type && *type != found)) return DType::f32;
    type = found;
  }
  return type.value_or(DType::f32);
}

Tensor in_type(const Survey::Entry& entry, const Tensor& tensor, DType type) {
  try {
    return model::in_type(tensor, type);
  } catch (const Error& error) {
    fail(error.kind(), "convert: tensor {}: {}; take --type bf16 or f32",
         quote_name(entry.tensor.name), error.what());
  }
}

bool same_values(const Tensor& a, const Tensor& b) {
  const Tensor x = model::in_type(a, DType::f32), y = model::in_type(b, DType::f32);
  return std::equal(x.data<float>(), x.data<float>() + x.elements(), y.data<float>());
}

class Converter {
 public:
  Converter(const Source& source, Names to, std::optional<DType> type)
      : from_(source.names()), to_(to), type_(type) {
    if (to == Names::hub && !type) type_ = type_of_folder(source.survey);
  }

  /// The values of an entry as the new file has them.
  Tensor values(const Survey::Entry& entry) const {
    Tensor tensor = model::from_file(entry.tensor.tensor(), entry.name, from_);
    if (entry.name.shape.rank() == 1) return vector(entry, tensor);
    if (type_) tensor = in_type(entry, tensor, *type_);
    return model::to_file(tensor, entry.name, to_);
  }

  DType type(const Survey::Entry& entry) const { return type_.value_or(*entry.tensor.type.dtype); }

 private:
  Tensor vector(const Survey::Entry& entry, const Tensor& tensor) const {
    Tensor stored = model::to_file(tensor, entry.name, to_);
    if (to_ == Names::gguf) return stored;
    Tensor narrow = in_type(entry, stored, *type_);
    return same_values(narrow, stored) ? narrow : stored;
  }

  Names from_, to_;
  std::optional<DType> type_;
};

}  // namespace

std::vector<MappedTensor> convert_tensors(
    const Source& source, Names to, std::optional<DType> type,
    const std::function<void(const std::string& name, std::int64_t elements)>& written) {
  const Converter converter(source, to, type);
  std::vector<MappedTensor> tensors;
  for (const Survey::Entry& entry : source.survey.taken) {
    MappedTensor mapped;
    mapped.from = entry.tensor.name;
    const Shape shape = entry.name.stored_shape(to);
    // Vectors are small, and their type depends on their values.
    std::optional<Tensor> ready;
    if (shape.rank() == 1) ready = converter.values(entry);
    mapped.output.name = entry.name.in(to);
    mapped.output.shape = {shape.begin(), shape.end()};
    mapped.output.type = store::element_type(ready ? ready->dtype() : converter.type(entry));
    mapped.output.write = [converter, ready, entry, written](const store::ByteSink& sink) {
      const Tensor tensor = ready ? *ready : converter.values(entry);
      sink({tensor.raw(), static_cast<std::size_t>(tensor.bytes())});
      if (entry.tensor.file) entry.tensor.file->release(entry.tensor.bytes);
      written(entry.tensor.name, tensor.elements());
    };
    tensors.push_back(std::move(mapped));
  }
  return tensors;
}

DType main_type(const std::vector<MappedTensor>& tensors) {
  std::map<DType, std::int64_t> values;
  for (const MappedTensor& tensor : tensors) {
    std::int64_t count = 1;
    for (const std::int64_t extent : tensor.output.shape) count *= extent;
    values[*tensor.output.type.dtype] += count;
  }
  const auto most =
      std::max_element(values.begin(), values.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == values.end() ? DType::f32 : most->first;
}

}  // namespace pomona::convert
