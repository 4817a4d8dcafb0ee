#include "store/pickle.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "base/quote.h"

namespace pomona::store {
namespace {

constexpr int kNewestProtocol = 5;
constexpr std::size_t kLongestGlobal = 200;

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const std::string& origin, std::uint64_t offset,
          const std::function<bool(std::string_view)>& allowed)
      : bytes_(bytes), origin_(origin), offset_(offset), allowed_(allowed) {}

  Pickle run() {
    for (;;) {
      start_ = at_;
      const char op = static_cast<char>(take(1)[0]);
      if (op == '.') break;
      if (!constant(op) && !text(op) && !container(op) && !memo(op) && !reference(op))
        refuse("the opcode 0x{:02X}, which checkpoints of tensors do not need",
               static_cast<unsigned char>(op));
    }
    pickle_.root = pop();
    pickle_.size = at_;
    return std::move(pickle_);
  }

 private:
  template <class... Args>
  [[noreturn]] void bad(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorKind::bad_file, "read pickle: {}: byte {}: {}", origin_, offset_ + start_,
         fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorKind::unsupported, "read pickle: {}: byte {}: {}", origin_, offset_ + start_,
         fmt::format(format, std::forward<Args>(args)...));
  }

  std::span<const std::byte> take(std::uint64_t count) {
    if (count > kLargestPickle - at_) refuse("a pickle above {} bytes", kLargestPickle);
    if (count > bytes_.size() - at_)
      bad("the pickle ends inside a value ({} bytes wanted, {} left)", count, bytes_.size() - at_);
    const auto part = bytes_.subspan(at_, count);
    at_ += count;
    return part;
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  template <class Length>
  std::string_view sized_text() {
    const auto length = number<Length>();
    if constexpr (std::is_signed_v<Length>) {
      if (length < 0) bad("a length of {}", length);
    }
    const auto part = take(static_cast<std::uint64_t>(length));
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  std::string_view line() {
    const auto end =
        std::find(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), bytes_.end(), std::byte{'\n'});
    if (end == bytes_.end()) bad("the pickle ends inside a name");
    const auto part = take(static_cast<std::uint64_t>(end - bytes_.begin()) - at_);
    take(1);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

  bool push(PickleValue value) {
    if (pickle_.values.size() == kMostPickleValues)
      refuse("more than {} values", kMostPickleValues);
    pickle_.values.push_back(std::move(value));
    return push(static_cast<std::uint32_t>(pickle_.values.size() - 1));
  }
  bool push(std::uint32_t place) {
    stack_.push_back(place);
    return true;
  }
  bool push(PickleKind kind) {
    PickleValue value;
    value.kind = kind;
    return push(std::move(value));
  }
  bool push(PickleKind kind, std::int64_t integer) {
    PickleValue value;
    value.kind = kind;
    value.integer = integer;
    return push(std::move(value));
  }
  bool push(PickleKind kind, std::string_view text) {
    PickleValue value;
    value.kind = kind;
    value.text = text;
    return push(std::move(value));
  }
  bool push(PickleKind kind, std::vector<std::uint32_t> items) {
    PickleValue value;
    value.kind = kind;
    value.items = std::move(items);
    return push(std::move(value));
  }

  /// The values above the last mark stay out of reach until the mark is taken away.
  std::uint32_t pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) bad("nothing on the stack");
    const std::uint32_t place = stack_.back();
    stack_.pop_back();
    return place;
  }
  std::vector<std::uint32_t> pop(std::size_t count) {
    std::vector<std::uint32_t> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }
  std::vector<std::uint32_t> pop_to_mark() {
    if (marks_.empty()) bad("no mark on the stack");
    const auto from = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<std::uint32_t> items(from, stack_.end());
    stack_.erase(from, stack_.end());
    marks_.pop_back();
    return items;
  }
  /// The value on top, which stays there.
  std::uint32_t top() {
    const std::uint32_t place = pop();
    stack_.push_back(place);
    return place;
  }
  const PickleValue& at(std::uint32_t place) const { return pickle_.values[place]; }

  bool constant(char op);
  bool text(char op);
  bool container(char op);
  bool memo(char op);
  bool reference(char op);
  bool push_long(std::string_view digits);
  bool push_global(std::string_view module, std::string_view name);
  bool append(std::vector<std::uint32_t> items);
  bool set_items(std::vector<std::uint32_t> items);
  bool remember(std::uint64_t index);
  bool recall(std::uint64_t index);

  std::span<const std::byte> bytes_;
  const std::string& origin_;
  std::uint64_t offset_;
  const std::function<bool(std::string_view)>& allowed_;
  std::uint64_t at_ = 0, start_ = 0;  // of the next byte, of the current opcode
  Pickle pickle_;
  std::vector<std::uint32_t> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint64_t, std::uint32_t> memo_;
};

/// Two's complement, little-endian, of any length.
bool Machine::push_long(std::string_view digits) {
  if (digits.size() > sizeof(std::int64_t)) return push(PickleKind::long_integer, digits);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < digits.size(); ++i)
    value |= std::uint64_t{static_cast<unsigned char>(digits[i])} << (8 * i);
  const std::size_t unused = 64 - 8 * digits.size();
  if (digits.empty()) return push(PickleKind::integer, std::int64_t{0});
  return push(PickleKind::integer, static_cast<std::int64_t>(value << unused) >> unused);
}

bool Machine::constant(char op) {
  switch (op) {
    case 'N':
      return push(PickleKind::none);
    case '\x88':
      return push(PickleKind::boolean, std::int64_t{1});
    case '\x89':
      return push(PickleKind::boolean, std::int64_t{0});
    case 'J':
      return push(PickleKind::integer, std::int64_t{number<std::int32_t>()});
    case 'K':
      return push(PickleKind::integer, std::int64_t{number<std::uint8_t>()});
    case 'M':
      return push(PickleKind::integer, std::int64_t{number<std::uint16_t>()});
    case '\x8a':
      return push_long(sized_text<std::uint8_t>());
    case '\x8b':
      return push_long(sized_text<std::int32_t>());
    case 'G': {  // big-endian, as the only one
      PickleValue value;
      value.kind = PickleKind::real;
      value.real = std::bit_cast<double>(__builtin_bswap64(number<std::uint64_t>()));
      return push(std::move(value));
    }
    default:
      return false;
  }
}

bool Machine::text(char op) {
  switch (op) {
    case 'X':
      return push(PickleKind::text, sized_text<std::uint32_t>());
    case '\x8c':
      return push(PickleKind::text, sized_text<std::uint8_t>());
    case '\x8d':
      return push(PickleKind::text, sized_text<std::uint64_t>());
    case 'T':  // Python 2's text
      return push(PickleKind::text, sized_text<std::int32_t>());
    case 'U':
      return push(PickleKind::text, sized_text<std::uint8_t>());
    case 'B':
      return push(PickleKind::bytes, sized_text<std::uint32_t>());
    case 'C':
      return push(PickleKind::bytes, sized_text<std::uint8_t>());
    case '\x8e':
      return push(PickleKind::bytes, sized_text<std::uint64_t>());
    default:
      return false;
  }
}

bool Machine::append(std::vector<std::uint32_t> items) {
  PickleValue& target = pickle_.values[top()];
  if (target.kind != PickleKind::list) bad("values are appended to a {}", name_of(target.kind));
  target.items.insert(target.items.end(), items.begin(), items.end());
  return true;
}

bool Machine::set_items(std::vector<std::uint32_t> items) {
  PickleValue& target = pickle_.values[top()];
  if (items.size() % 2 != 0) bad("a key without its value");
  if (target.kind != PickleKind::dict && target.kind != PickleKind::call)
    bad("a key is set in a {}", name_of(target.kind));
  auto& into = target.kind == PickleKind::dict ? target.items : target.entries;
  into.insert(into.end(), items.begin(), items.end());
  return true;
}

bool Machine::container(char op) {
  switch (op) {
    case '(':
      marks_.push_back(stack_.size());
      return true;
    case '}':
      return push(PickleKind::dict);
    case ']':
      return push(PickleKind::list);
    case ')':
      return push(PickleKind::tuple);
    case '\x85':
    case '\x86':
    case '\x87':
      return push(PickleKind::tuple, pop(static_cast<unsigned char>(op) - 0x84u));
    case 't':
      return push(PickleKind::tuple, pop_to_mark());
    case 'l':
      return push(PickleKind::list, pop_to_mark());
    case 'd': {
      auto items = pop_to_mark();
      if (items.size() % 2 != 0) bad("a key without its value");
      return push(PickleKind::dict, std::move(items));
    }
    case 'a':
      return append(pop(1));
    case 'e':
      return append(pop_to_mark());
    case 's':
      return set_items(pop(2));
    case 'u':
      return set_items(pop_to_mark());
    default:
      return false;
  }
}

bool Machine::remember(std::uint64_t index) {
  if (index >= kMostPickleMemo)
    refuse("the memo's place {}, above the limit of {}", index, kMostPickleMemo);
  memo_[index] = top();
  return true;
}

bool Machine::recall(std::uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) bad("nothing at the memo's place {}", index);
  return push(found->second);
}

bool Machine::memo(char op) {
  switch (op) {
    case 'q':
      return remember(number<std::uint8_t>());
    case 'r':
      return remember(number<std::uint32_t>());
    case '\x94':
      return remember(memo_.size());
    case 'h':
      return recall(number<std::uint8_t>());
    case 'j':
      return recall(number<std::uint32_t>());
    default:
      return false;
  }
}

bool Machine::push_global(std::string_view module, std::string_view name) {
  if (module.size() + name.size() > kLongestGlobal)
    refuse("a name of {} bytes", module.size() + name.size());
  const std::string global = fmt::format("{}.{}", module, name);
  if (!allowed_(global))
    refuse("it asks for {}, which is code and not a tensor; nothing of the file was run",
           quote_name(global));
  pickle_.names.push_back(global);
  return push(PickleKind::global, pickle_.names.back());
}

bool Machine::reference(char op) {
  switch (op) {
    case '\x80': {
      const int protocol = number<std::uint8_t>();
      if (protocol > kNewestProtocol) refuse("protocol {} of pickles", protocol);
      return true;
    }
    case '\x95':  // a frame: only a hint how much to read
      number<std::uint64_t>();
      return true;
    case 'c': {
      const std::string_view module = line();
      return push_global(module, line());
    }
    case '\x93': {
      const auto names = pop(2);
      if (at(names[0]).kind != PickleKind::text || at(names[1]).kind != PickleKind::text)
        bad("a global whose name is not text");
      return push_global(at(names[0]).text, at(names[1]).text);
    }
    case 'R':
    case '\x81': {
      auto call = pop(2);
      if (at(call[0]).kind != PickleKind::global || at(call[1]).kind != PickleKind::tuple)
        bad("a call of a {} with a {}", name_of(at(call[0]).kind), name_of(at(call[1]).kind));
      return push(PickleKind::call, std::move(call));
    }
    case 'Q':
      return push(PickleKind::persistent, pop(1));
    case 'b':  // attributes, such as a state dictionary's versions: no tensors
      pop();
      top();
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string_view name_of(PickleKind kind) {
  constexpr std::array<std::string_view, 13> kNames = {
      "none",  "bool", "integer", "long integer", "real", "text",         "bytes",
      "tuple", "list", "dict",    "global",       "call", "persistent id"};
  return kNames.at(static_cast<std::size_t>(kind));
}

Pickle parse_pickle(std::span<const std::byte> bytes, const std::string& origin,
                    std::uint64_t offset, const std::function<bool(std::string_view)>& allowed) {
  return Machine(bytes, origin, offset, allowed).run();
}

}  // namespace pomona::store
