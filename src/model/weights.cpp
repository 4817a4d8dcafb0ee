#include "model/weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"

namespace pomona::model {

std::pair<std::string, std::string> without_number(const std::string& name) {
  for (std::size_t at = name.find('.'); at != std::string::npos; at = name.find('.', at + 1)) {
    std::size_t end = at + 1;
    while (end < name.size() && std::isdigit(static_cast<unsigned char>(name[end])) != 0) ++end;
    if (end > at + 1 && end < name.size() && name[end] == '.') {
      std::string pattern(name, 0, at + 1);
      pattern.append("{}").append(name, end);
      return {std::move(pattern), name.substr(at + 1, end - at - 1)};
    }
  }
  return {name, ""};
}

WeightName Weights::entry_of(const std::string& hub_name) const {
  const auto [pattern, number] = without_number(hub_name);
  const auto entry = std::find_if(map_.begin(), map_.end(),
                                  [&](const WeightName& name) { return name.hub == pattern; });
  if (entry == map_.end()) fail(ErrorKind::internal, "weights: the map has no name {}", hub_name);
  WeightName complete = *entry;
  complete.hub = hub_name;
  complete.gguf = replace_all(entry->gguf, "{}", number);
  return complete;
}

bool Weights::has(const std::string& hub_name) const {
  return source_.find(entry_of(hub_name).in(names_)) != nullptr;
}

bool Weights::are_same(const std::string& hub_name, const std::string& other_hub_name) const {
  const store::StoredTensor* const a = source_.find(entry_of(hub_name).in(names_));
  const store::StoredTensor* const b = source_.find(entry_of(other_hub_name).in(names_));
  return a != nullptr && b != nullptr && a->type == b->type && a->shape == b->shape &&
         a->strides == b->strides &&
         std::equal(a->bytes.begin(), a->bytes.end(), b->bytes.begin(), b->bytes.end());
}

void Weights::pass_over(const std::string& hub_name) {
  if (const auto* tensor = source_.find(entry_of(hub_name).in(names_))) taken_.insert(tensor->name);
}

void Weights::pass_over_stored(std::string_view pattern) {
  for (const store::StoredTensor& tensor : source_.tensors()) {
    if (without_number(tensor.name).first == pattern) taken_.insert(tensor.name);
  }
}

void Weights::check_all_taken() const {
  for (const store::StoredTensor& tensor : source_.tensors()) {
    if (taken_.contains(tensor.name)) continue;
    if (!survey_)
      fail(ErrorKind::unsupported,
           "{}: tensor {} has no place in this model; leaving it out would change the answers",
           source_.origin(), quote_name(tensor.name));
    survey_->unknown.push_back(tensor.name);
  }
}

Tensor Weights::get(const std::string& hub_name) {
  const WeightName entry = entry_of(hub_name);
  asked_->insert_or_assign(entry.hub, entry);
  if (survey_ && source_.find(entry.in(names_)) == nullptr) {
    survey_->missing.push_back(entry.in(names_));
    return {};
  }
  const store::StoredTensor& stored = source_.at(entry.in(names_));
  taken_.insert(stored.name);
  const Shape shape = entry.stored_shape(names_);
  if (!std::equal(stored.shape.begin(), stored.shape.end(), shape.begin(), shape.end()))
    fail(ErrorKind::bad_file, "{}: tensor {} has the shape {}, the metadata asks for {}",
         source_.origin(), stored.name, store::shape_text(stored.shape), shape.text());
  if (!stored.type.dtype || info(*stored.type.dtype).unpack == nullptr ||
      *stored.type.dtype == DType::f64)
    fail(ErrorKind::unsupported, "{}: tensor {} holds {}, which weights cannot be",
         source_.origin(), stored.name, stored.type.name);
  if (!survey_) return from_file(stored.tensor(), entry, names_);
  survey_->taken.push_back({entry, stored});
  return {};
}

}  // namespace pomona::model
