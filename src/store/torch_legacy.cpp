#include "store/torch_legacy.h"

#include <cstring>
#include <unordered_map>

#include "base/error.h"
#include "base/quote.h"
#include "base/string_hash.h"
#include "store/pickle.h"
#include "store/torch_tensors.h"

namespace pomona::store {
namespace {

// The number that such files begin with, as the pickle holds it: 0x1950A86A20F9469CFC6C.
constexpr std::string_view kMagic = "\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19";
constexpr std::int64_t kProtocol = 1001;

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& origin)
      : bytes_(bytes), origin_(origin) {}

  template <class... Args>
  [[noreturn]] void bad(std::uint64_t offset, fmt::format_string<Args...> format,
                        Args&&... args) const {
    fail(ErrorKind::bad_file, "read PyTorch: {}: byte {}: {}", origin_, offset,
         fmt::format(format, std::forward<Args>(args)...));
  }

  Pickle pickle(const std::function<bool(std::string_view)>& allowed) {
    Pickle pickle = parse_pickle(bytes_.subspan(at_), origin_, at_, allowed);
    at_ += pickle.size;
    return pickle;
  }

  /// A pickle of plain values.
  Pickle plain_pickle() {
    return pickle([](std::string_view) { return false; });
  }

  /// The number of values, then their bytes.
  std::span<const std::byte> storage(std::string_view key, std::uint64_t value_bytes) {
    std::uint64_t count = 0;
    const std::uint64_t start = at_;
    if (bytes_.size() - at_ < sizeof count)
      bad(start, "the file ends before the storage {}", quote_name(key));
    std::memcpy(&count, bytes_.data() + at_, sizeof count);
    at_ += sizeof count;
    if (count > (bytes_.size() - at_) / value_bytes)
      bad(start, "the storage {} has {} values of {} bytes, but {} bytes are left", quote_name(key),
          count, value_bytes, bytes_.size() - at_);
    const auto found = bytes_.subspan(at_, count * value_bytes);
    at_ += found.size();
    return found;
  }

  std::uint64_t at() const { return at_; }

 private:
  std::span<const std::byte> bytes_;
  const std::string& origin_;
  std::uint64_t at_ = 0;
};

void check_head(Reader& reader, const std::string& origin) {
  const Pickle magic = reader.plain_pickle();
  if (magic[magic.root].kind != PickleKind::long_integer || magic[magic.root].text != kMagic)
    fail(ErrorKind::unsupported,
         "read PyTorch: {}: byte 0: a pickle, but not one that PyTorch has saved", origin);
  const std::uint64_t start = reader.at();
  const Pickle protocol = reader.plain_pickle();
  if (protocol[protocol.root].kind != PickleKind::integer ||
      protocol[protocol.root].integer != kProtocol)
    reader.bad(start, "the protocol is not {}", kProtocol);
}

/// Whether the machine that wrote the file puts the high byte first.
bool is_big_endian(const Pickle& system) {
  const auto& items = system[system.root].items;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2)
    if (system[items[i]].text == "little_endian")
      return system[items[i + 1]].kind == PickleKind::boolean && system[items[i + 1]].integer == 0;
  return false;
}

}  // namespace

std::vector<StoredTensor> parse_torch_legacy(std::span<const std::byte> bytes,
                                             const std::string& origin) {
  Reader reader(bytes, origin);
  check_head(reader, origin);
  const bool swapped = is_big_endian(reader.plain_pickle());
  const Pickle object = reader.pickle(is_torch_global);
  const auto sizes = torch_value_sizes(object);
  const std::uint64_t start = reader.at();
  const Pickle keys = reader.plain_pickle();
  std::unordered_map<std::string_view, std::span<const std::byte>, StringHash> storages;
  for (const std::uint32_t place : keys[keys.root].items) {
    const std::string_view key = keys[place].text;
    const auto size = sizes.find(key);
    if (size == sizes.end()) reader.bad(start, "nothing uses the storage {}", quote_name(key));
    if (!storages.emplace(key, reader.storage(key, size->second)).second)
      reader.bad(start, "the storage {} occurs twice", quote_name(key));
  }
  const TorchStorages find =
      [&](std::string_view key) -> std::optional<std::span<const std::byte>> {
    const auto found = storages.find(key);
    if (found == storages.end()) return std::nullopt;
    return found->second;
  };
  return tensors_in(object, find, swapped, origin);
}

}  // namespace pomona::store
