#include "store/torch_tensors.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"

namespace pomona::store {
namespace {

constexpr int kDeepest = 64;
constexpr std::size_t kMostVisits = std::size_t{1} << 22;
constexpr std::size_t kLongestName = 4096;
constexpr std::size_t kMostNameBytes = std::size_t{64} << 20;  // of all names together
constexpr std::size_t kMostDims = 64;                          // as in PyTorch

struct TypeName {
  std::string_view torch, type;
};

// The class of a storage, "torch.FloatStorage" or "torch.cuda.FloatStorage".
constexpr auto kStorages = std::to_array<TypeName>({{"DoubleStorage", "F64"},
                                                    {"FloatStorage", "F32"},
                                                    {"HalfStorage", "F16"},
                                                    {"BFloat16Storage", "BF16"},
                                                    {"LongStorage", "I64"},
                                                    {"IntStorage", "I32"},
                                                    {"ShortStorage", "I16"},
                                                    {"CharStorage", "I8"},
                                                    {"ByteStorage", "U8"},
                                                    {"BoolStorage", "BOOL"},
                                                    {"ComplexFloatStorage", "C64"},
                                                    {"ComplexDoubleStorage", "C128"}});

// "torch.float32": the type of tensors whose storage has none.
constexpr auto kDtypes = std::to_array<TypeName>({{"float64", "F64"},
                                                  {"float32", "F32"},
                                                  {"float16", "F16"},
                                                  {"bfloat16", "BF16"},
                                                  {"int64", "I64"},
                                                  {"int32", "I32"},
                                                  {"int16", "I16"},
                                                  {"int8", "I8"},
                                                  {"uint64", "U64"},
                                                  {"uint32", "U32"},
                                                  {"uint16", "U16"},
                                                  {"uint8", "U8"},
                                                  {"bool", "BOOL"},
                                                  {"complex64", "C64"},
                                                  {"complex128", "C128"},
                                                  {"float8_e4m3fn", "F8_E4M3"},
                                                  {"float8_e5m2", "F8_E5M2"},
                                                  {"float8_e8m0fnu", "F8_E8M0"},
                                                  {"float8_e4m3fnuz", "F8_E4M3FNUZ"},
                                                  {"float8_e5m2fnuz", "F8_E5M2FNUZ"}});

constexpr std::string_view kUntyped = "torch.storage.UntypedStorage";
constexpr std::string_view kOrderedDict = "collections.OrderedDict";

// Functions by what becomes of their arguments.
constexpr std::array<std::string_view, 2> kTensorOfType = {"torch._utils._rebuild_tensor_v2",
                                                           "torch._utils._rebuild_tensor"};
constexpr std::string_view kTensorWithType = "torch._utils._rebuild_tensor_v3";
constexpr std::array<std::string_view, 2> kParameter = {
    "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"};
constexpr std::string_view kSubclass = "torch._tensor._rebuild_from_type_v2";

// Values beside tensors that state dictionaries hold; they are left out.
constexpr std::array<std::string_view, 4> kIgnored = {"torch.Size", "torch.device", "torch.Tensor",
                                                      "torch.nn.parameter.Parameter"};

template <class List>
bool contains(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

template <class List>
std::optional<ElementType> find_type(const List& list, std::string_view name) {
  for (const TypeName& row : list)
    if (row.torch == name) return element_type(row.type);
  return std::nullopt;
}

std::optional<ElementType> storage_type(std::string_view global) {
  for (const std::string_view module : {"torch.cuda.", "torch."})
    if (global.starts_with(module)) return find_type(kStorages, global.substr(module.size()));
  return std::nullopt;
}

std::optional<ElementType> dtype_of_global(std::string_view global) {
  constexpr std::string_view kModule = "torch.";
  if (!global.starts_with(kModule)) return std::nullopt;
  return find_type(kDtypes, global.substr(kModule.size()));
}

/// What a persistent id says: ("storage", class, key, device, number of values, the view of it that
/// is meant). PyTorch gave up the last one in version 0.4; None means all.
struct StorageId {
  std::string_view global, key;
  const PickleValue* count;
};

std::optional<StorageId> storage_id(const Pickle& pickle, const PickleValue& reference) {
  if (reference.kind != PickleKind::persistent) return std::nullopt;
  const auto& items = pickle[reference.items[0]].items;
  if (items.size() < 5 || pickle[items[0]].text != "storage" ||
      pickle[items[1]].kind != PickleKind::global || pickle[items[2]].kind != PickleKind::text)
    return std::nullopt;
  if (items.size() > 5 && pickle[items[5]].kind != PickleKind::none) return std::nullopt;
  return StorageId{pickle[items[1]].text, pickle[items[2]].text, &pickle[items[4]]};
}

class Collector {
 public:
  Collector(const Pickle& pickle, const TorchStorages& storages, bool swapped,
            const std::string& origin)
      : pickle_(pickle), storages_(storages), swapped_(swapped), origin_(origin) {}

  std::vector<StoredTensor> run() {
    visit(pickle_.root, 0);
    if (tensors_.empty())
      fail(ErrorKind::bad_file, "read PyTorch: {}: there is no tensor in it", origin_);
    return std::move(tensors_);
  }

 private:
  template <class... Args>
  [[noreturn]] void bad(fmt::format_string<Args...> format, Args&&... args) const {
    say(ErrorKind::bad_file, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    say(ErrorKind::unsupported, fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void say(ErrorKind kind, const std::string& what) const {
    fail(kind, "read PyTorch: {}: {}: {}", origin_,
         name_.empty() ? "the object" : quote_name(name_), what);
  }

  const PickleValue& at(std::uint32_t place) const { return pickle_[place]; }

  /// The name of a call's function.
  std::string_view function(const PickleValue& call) const { return at(call.items[0]).text; }

  const PickleValue& argument(const PickleValue& call, std::size_t index) const {
    const auto& arguments = at(call.items[1]).items;
    if (index >= arguments.size()) bad("{} lacks argument {}", function(call), index);
    return at(arguments[index]);
  }

  std::int64_t count(const PickleValue& value, std::string_view what) const {
    if (value.kind != PickleKind::integer || value.integer < 0)
      bad("{} is a {}, not a number from 0", what,
          value.kind == PickleKind::integer ? "negative number" : name_of(value.kind));
    return value.integer;
  }

  std::vector<std::int64_t> counts(const PickleValue& value, std::string_view what) const {
    if (value.kind != PickleKind::tuple || value.items.size() > kMostDims)
      bad("{} is no tuple of up to {} numbers", what, kMostDims);
    std::vector<std::int64_t> numbers;
    numbers.reserve(value.items.size());
    for (const std::uint32_t item : value.items) numbers.push_back(count(at(item), what));
    return numbers;
  }

  void visit(std::uint32_t place, int depth) {
    if (depth > kDeepest) bad("containers are nested more than {} deep", kDeepest);
    if (++visits_ > kMostVisits) bad("more than {} values", kMostVisits);
    const PickleValue& value = at(place);
    if (value.kind == PickleKind::dict) {
      visit_pairs(value.items, depth);
    } else if (value.kind == PickleKind::call && function(value) == kOrderedDict) {
      visit_arguments(value, depth);
      visit_pairs(value.entries, depth);
    } else if (value.kind == PickleKind::list || value.kind == PickleKind::tuple) {
      for (std::size_t i = 0; i < value.items.size(); ++i)
        visit_under(fmt::format("{}", i), value.items[i], depth);
    } else if (value.kind == PickleKind::call && !contains(kIgnored, function(value))) {
      name_bytes_ += name_.size();
      if (name_bytes_ > kMostNameBytes) bad("names of more than {} bytes", kMostNameBytes);
      tensors_.push_back(tensor(value, 0));
      tensors_.back().name = name_.empty() ? "tensor" : name_;
    }
  }

  void visit_pairs(const std::vector<std::uint32_t>& pairs, int depth) {
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
      const PickleValue& key = at(pairs[i]);
      if (key.kind == PickleKind::text) {
        if (find_invalid_utf8(key.text)) bad("the key {} is not UTF-8", quote_name(key.text));
        visit_under(key.text, pairs[i + 1], depth);
      } else if (key.kind == PickleKind::integer) {
        visit_under(fmt::format("{}", key.integer), pairs[i + 1], depth);
      } else {
        refuse("a key is a {}, neither text nor a number", name_of(key.kind));
      }
    }
  }

  /// Python 2 wrote an OrderedDict as a list of pairs.
  void visit_arguments(const PickleValue& call, int depth) {
    if (at(call.items[1]).items.empty()) return;
    for (const std::uint32_t place : argument(call, 0).items) {
      const PickleValue& pair = at(place);
      if (pair.items.size() != 2) bad("an OrderedDict of something else than pairs");
      visit_pairs(pair.items, depth);
    }
  }

  void visit_under(std::string_view key, std::uint32_t place, int depth) {
    const std::size_t length = name_.size();
    if (length + key.size() + 1 > kLongestName) bad("a name of more than {} bytes", kLongestName);
    if (!name_.empty()) name_ += '.';
    name_ += key;
    visit(place, depth + 1);
    name_.resize(length);
  }

  StoredTensor tensor(const PickleValue& call, int depth) const {
    if (call.kind != PickleKind::call) bad("a {} instead of a tensor", name_of(call.kind));
    if (depth > 2) bad("a parameter of parameters");
    const std::string_view name = function(call);
    if (contains(kParameter, name)) return tensor(argument(call, 0), depth + 1);
    if (contains(kTensorOfType, name)) return view(call, std::nullopt);
    if (name == kTensorWithType) return view(call, dtype_of_global(argument(call, 6).text));
    if (name == kSubclass) return subclass(call, depth);
    refuse("{} makes no tensor", name);
  }

  /// A tensor with a class or attributes of its own: its arguments are a function and that one's
  /// arguments.
  StoredTensor subclass(const PickleValue& call, int depth) const {
    PickleValue inner;
    inner.kind = PickleKind::call;
    const auto& arguments = at(call.items[1]).items;
    if (arguments.size() < 3 || argument(call, 0).kind != PickleKind::global ||
        argument(call, 2).kind != PickleKind::tuple)
      bad("{} without a function and its arguments", function(call));
    inner.items = {arguments[0], arguments[2]};
    return tensor(inner, depth + 1);
  }

  /// (storage, offset, size, stride, ...): a strided view of a storage.
  StoredTensor view(const PickleValue& call, std::optional<ElementType> type) const {
    const auto id = storage_id(pickle_, argument(call, 0));
    if (!id) bad("its storage is no reference to one");
    StoredTensor tensor;
    const auto bytes = storage(*id, type, tensor.type);
    tensor.shape = counts(argument(call, 2), "the shape");
    tensor.strides = counts(argument(call, 3), "the strides");
    tensor.swapped = swapped_ && tensor.type.bytes > 1;
    if (tensor.swapped && tensor.type.name.starts_with('C'))
      refuse("complex numbers of the other byte order");
    if (tensor.strides.size() != tensor.shape.size())
      bad("{} strides for {} dimensions", tensor.strides.size(), tensor.shape.size());
    place(tensor, bytes, count(argument(call, 1), "the offset"));
    return tensor;
  }

  /// An untyped storage counts bytes, and the tensor brings the `type`.
  std::span<const std::byte> storage(const StorageId& id, std::optional<ElementType> type,
                                     ElementType& found) const {
    const std::string_view global = id.global, key = id.key;
    if (global != kUntyped) type = storage_type(global);
    if (!type) refuse("no element type for {}", quote_name(global));
    found = *type;
    const std::int64_t size = global == kUntyped ? 1 : type->bytes;
    const std::int64_t number = count(*id.count, "a storage's size");
    const auto bytes = storages_(key);
    if (!bytes) bad("the storage {} is missing", quote_name(key));
    if (number > static_cast<std::int64_t>(bytes->size()) / size)
      bad("the storage {} has {} bytes, too few for {} values of {}", quote_name(key),
          bytes->size(), number, size == 1 && global == kUntyped ? "one byte" : type->name);
    return bytes->first(static_cast<std::size_t>(number * size));
  }

  /// Finds the view's bytes in its storage; strides of row order are forgotten.
  void place(StoredTensor& tensor, std::span<const std::byte> bytes, std::int64_t offset) const {
    const std::int64_t available = static_cast<std::int64_t>(bytes.size()) / tensor.type.bytes;
    const bool empty = contains_zero(tensor.shape);
    std::int64_t last = offset, values = 1, dense = 1;
    bool in_rows = true, overflows = false;
    for (std::size_t d = tensor.shape.size(); d-- > 0;) {
      const std::int64_t size = empty ? 0 : tensor.shape[d], stride = tensor.strides[d];
      if (size <= 1) continue;
      std::int64_t reach = 0;
      overflows = overflows || __builtin_mul_overflow(size - 1, stride, &reach) ||
                  __builtin_add_overflow(last, reach, &last) ||
                  __builtin_mul_overflow(values, size, &values);
      in_rows = in_rows && stride == dense;
      dense = values;
    }
    if (offset > available || (!empty && (overflows || last >= available)))
      bad("{} with strides {} from value {} reaches beyond its storage of {}",
          shape_text(tensor.shape), shape_text(tensor.strides), offset, available);
    if (values > available && !empty) refuse("its strides repeat values of a smaller storage");
    if (in_rows) tensor.strides.clear();
    const std::int64_t extent = empty ? 0 : last - offset + 1;
    tensor.bytes = bytes.subspan(static_cast<std::size_t>(offset * tensor.type.bytes),
                                 static_cast<std::size_t>(extent * tensor.type.bytes));
  }

  /// Whether the shape has no values; the other sizes are held in range all the same.
  bool contains_zero(const std::vector<std::int64_t>& shape) const {
    std::int64_t product = 1;
    for (const std::int64_t size : shape)
      if (size != 0 && __builtin_mul_overflow(product, size, &product))
        bad("the number of values of {} overflows", shape_text(shape));
    return std::find(shape.begin(), shape.end(), 0) != shape.end();
  }

  const Pickle& pickle_;
  const TorchStorages& storages_;
  bool swapped_;
  const std::string& origin_;
  std::string name_;  // of the place that is visited
  std::size_t visits_ = 0, name_bytes_ = 0;
  std::vector<StoredTensor> tensors_;
};

}  // namespace

bool is_torch_global(std::string_view name) {
  return name == kOrderedDict || name == kUntyped || name == kTensorWithType || name == kSubclass ||
         contains(kTensorOfType, name) || contains(kParameter, name) || contains(kIgnored, name) ||
         storage_type(name) || dtype_of_global(name);
}

std::unordered_map<std::string_view, std::uint64_t, StringHash> torch_value_sizes(
    const Pickle& pickle) {
  std::unordered_map<std::string_view, std::uint64_t, StringHash> sizes;
  for (const PickleValue& value : pickle.values) {
    const auto id = storage_id(pickle, value);
    if (!id) continue;
    if (const auto type = storage_type(id->global)) {
      sizes.emplace(id->key, static_cast<std::uint64_t>(type->bytes));
    } else if (id->global == kUntyped) {
      sizes.emplace(id->key, 1);
    }
  }
  return sizes;
}

std::vector<StoredTensor> tensors_in(const Pickle& pickle, const TorchStorages& storages,
                                     bool swapped, const std::string& origin) {
  return Collector(pickle, storages, swapped, origin).run();
}

}  // namespace pomona::store
