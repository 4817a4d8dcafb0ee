#include "train/state_file.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/quote.h"
#include "store/safetensors_writer.h"

namespace pomona::train {
namespace {

constexpr std::string_view kFormat = "pomona training state 1";
constexpr std::string_view kParameters = "parameters.", kOptimiser = "optimiser.";
constexpr std::size_t kToldDifferences = 3;

/// All tensors by their names in the file.
std::map<std::string, Tensor> named(const TrainingState& state) {
  std::map<std::string, Tensor> tensors;
  const auto add = [&](std::string_view group, const std::vector<StateTensor>& members) {
    for (const StateTensor& member : members) {
      if (!tensors.emplace(std::string(group) + member.name, member.value).second)
        fail(ErrorKind::internal, "training state: {}{} stands twice", group, member.name);
    }
  };
  add(kParameters, state.parameters);
  add(kOptimiser, state.optimiser);
  return tensors;
}

std::span<const std::byte> bytes_of_values(const Tensor& tensor) {
  return {tensor.raw(), static_cast<std::size_t>(tensor.bytes())};
}

std::string type_and_shape(const Tensor& tensor) {
  return fmt::format("{} {}", info(tensor.dtype()).name,
                     store::shape_text(std::vector(tensor.shape().begin(), tensor.shape().end())));
}

std::string type_and_shape(const store::StoredTensor& tensor) {
  return fmt::format("{} {}", tensor.type.name, store::shape_text(tensor.shape));
}

/// Digest of a state given as sorted names, descriptions and values.
class StateHash {
 public:
  explicit StateHash(std::int64_t step) { hash_.update(fmt::format("{} {}\n", kFormat, step)); }
  void add(std::string_view name, std::string_view description, std::span<const std::byte> values) {
    hash_.update(fmt::format("{} {} {}\n", name, description, values.size())).update(values);
  }
  std::string hex() const { return hash_.hex(); }

 private:
  Sha256 hash_;
};

struct StateNotes {
  std::int64_t step = 0;
  std::string sha256;
  Json extras;
};

StateNotes parse_notes(const store::SafetensorsFile& file, const std::string& path) {
  const auto find = [&](std::string_view key) -> const std::string& {
    for (const auto& [name, value] : file.metadata) {
      if (name == key) return value;
    }
    fail(ErrorKind::bad_file, "{}: no training state of Pomona: its metadata has no \"{}\"", path,
         key);
  };
  if (const std::string& format = find("format"); format != kFormat)
    fail(ErrorKind::bad_file, "{}: no training state that this version reads: its format is {}",
         path, quote_name(format));
  StateNotes notes;
  const std::string& step = find("step");
  const char* end = step.data() + step.size();
  const auto [stop, error] = std::from_chars(step.data(), end, notes.step);
  if (error != std::errc() || stop != end || notes.step < 0)
    fail(ErrorKind::bad_file, "{}: the step {} is no count", path, quote_name(step));
  notes.sha256 = find("sha256");
  notes.extras = parse_json(find("extras"), path + ": extras");
  return notes;
}

/// What is in the file and not in the run, the other way round, or of another form.
std::vector<std::string> differences(const std::map<std::string, Tensor>& wanted,
                                     const store::TensorSource& file) {
  std::vector<std::string> found;
  for (const auto& [name, tensor] : wanted) {
    const store::StoredTensor* stored = file.find(name);
    if (stored == nullptr)
      found.push_back(fmt::format("it lacks {}", quote_name(name)));
    else if (type_and_shape(*stored) != type_and_shape(tensor))
      found.push_back(fmt::format("{} is {}, here {}", quote_name(name), type_and_shape(*stored),
                                  type_and_shape(tensor)));
  }
  for (const store::StoredTensor& stored : file.tensors()) {
    if (!wanted.contains(stored.name))
      found.push_back(fmt::format("{} is unknown here", quote_name(stored.name)));
  }
  return found;
}

void check_same_form(const std::map<std::string, Tensor>& wanted, const store::TensorSource& file) {
  std::vector<std::string> told = differences(wanted, file);
  if (told.empty()) return;
  const std::size_t count = told.size();
  told.resize(std::min(count, kToldDifferences));
  fail(ErrorKind::bad_argument, "{}: this is the state of another run: {}{}", file.origin(),
       fmt::join(told, "; "),
       count > told.size() ? fmt::format("; and {} more", count - told.size()) : "");
}

/// Tells what a state that could not be written means for the run.
[[noreturn]] void tell_full(const std::filesystem::path& path, const Error& error) {
  std::string kept = "there was no earlier state";
  try {
    if (is_there(path))
      kept = fmt::format("the state of step {} is still there", read_state_notes(path).step);
  } catch (const Error&) {
    kept = "the earlier state cannot be read";
  }
  fail(error.kind(), "{}; {}", error.what(), kept);
}

}  // namespace

std::string state_sha256(const TrainingState& state) {
  StateHash hash(state.step);
  for (const auto& [name, tensor] : named(state))
    hash.add(name, type_and_shape(tensor), bytes_of_values(tensor));
  return hash.hex();
}

std::string write_state(const std::filesystem::path& path, const TrainingState& state) {
  const std::string sha256 = state_sha256(state);
  std::vector<store::TensorOutput> outputs;
  for (const auto& [name, tensor] : named(state)) outputs.push_back(store::output_of(name, tensor));
  try {
    store::write_safetensors(path, outputs,
                             {{"format", std::string(kFormat)},
                              {"step", std::to_string(state.step)},
                              {"sha256", sha256},
                              {"extras", state.extras.dump()}});
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::exhausted && error.kind() != ErrorKind::io) throw;
    tell_full(path, error);
  }
  sync_folder(path.has_parent_path() ? path.parent_path() : ".");
  return sha256;
}

void read_state(const std::filesystem::path& path, TrainingState& state) {
  const store::SafetensorsFile file = store::open_safetensors(path);
  StateNotes notes = parse_notes(file, path.string());
  const std::map<std::string, Tensor> wanted = named(state);
  check_same_form(wanted, file.tensors);
  StateHash hash(notes.step);
  for (const auto& [name, tensor] : wanted)
    hash.add(name, type_and_shape(tensor), file.tensors.at(name).bytes);
  if (hash.hex() != notes.sha256)
    fail(ErrorKind::bad_file, "{}: its values are not those that were written (sha256 {}, not {})",
         path.string(), hash.hex(), quote_name(notes.sha256));
  for (const auto& [name, tensor] : wanted) {
    const std::span<const std::byte> values = file.tensors.at(name).bytes;
    std::copy(values.begin(), values.end(), tensor.raw());
  }
  state.step = notes.step;
  state.extras = std::move(notes.extras);
}

TrainingState read_state_notes(const std::filesystem::path& path) {
  StateNotes notes = parse_notes(store::open_safetensors(path), path.string());
  return {notes.step, {}, {}, std::move(notes.extras)};
}

std::uint64_t state_bytes(const TrainingState& state) {
  std::uint64_t sum = 0;
  for (const auto& [name, tensor] : named(state)) sum += static_cast<std::uint64_t>(tensor.bytes());
  return sum;
}

}  // namespace pomona::train
