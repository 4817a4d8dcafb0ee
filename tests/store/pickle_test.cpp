// Hand-made pickles, by the opcodes of CPython's pickletools.py.
#include "store/pickle.h"

#include <gtest/gtest.h>

#include "tests/support/refused.h"

namespace pomona::store {
namespace {

using namespace std::string_literals;

Pickle parse(const std::string& bytes) {
  return parse_pickle(std::as_bytes(std::span(bytes)), "x", 100,
                      [](std::string_view name) { return name == "collections.OrderedDict"; });
}

std::string parse_error(const std::string& bytes) {
  const std::string message = test::refused([&] { parse(bytes); });
  const std::size_t at = message.find("read pickle: x: ");
  return at == std::string::npos ? message : message.substr(0, at) + message.substr(at + 16);
}

/// The value as text, calls with what was set in them.
std::string shown(const Pickle& pickle, std::uint32_t place) {
  const PickleValue& value = pickle[place];
  const auto list = [&](const std::vector<std::uint32_t>& places) {
    std::string text;
    for (const std::uint32_t item : places)
      text += fmt::format("{}{}", text.empty() ? "" : " ", shown(pickle, item));
    return text;
  };
  switch (value.kind) {
    case PickleKind::boolean:
    case PickleKind::integer:
      return fmt::format("{}", value.integer);
    case PickleKind::real:
      return fmt::format("{}", value.real);
    case PickleKind::text:
    case PickleKind::bytes:
    case PickleKind::global:
      return std::string(value.text);
    case PickleKind::call:
      return fmt::format("call({}){{{}}}", list(value.items), list(value.entries));
    default:
      return fmt::format("{}({})", name_of(value.kind), list(value.items));
  }
}

TEST(Pickle, ReadsEveryOpcodeItKnows) {
  struct Case {
    std::string bytes;
    std::string_view value;
  };
  const Case cases[] = {
      {"N.", "none()"},
      {"\x80\x02K\xFF.", "255"},
      {"\x80\x05\x95\x02\0\0\0\0\0\0\0M\x01\x02."s, "513"},
      {"J\xFE\xFF\xFF\xFF.", "-2"},
      {"\x8a\0."s, "0"},
      {"\x8a\x01\xFF.", "-1"},
      {"\x8a\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F.", "9223372036854775807"},
      {"\x8a\x09"
       "123456789.",
       "long integer()"},
      {"\x8b\x02\0\0\0\x01\x80."s, "-32767"},
      {"G\x3F\xF8\0\0\0\0\0\0."s, "1.5"},
      {"(\x88\x89t.", "tuple(1 0)"},
      {"X\x02\0\0\0ab."s, "ab"},
      {"\x8c\x02"
       "ab.",
       "ab"},
      {"\x8d\x02\0\0\0\0\0\0\0ab."s, "ab"},
      {"T\x02\0\0\0ab."s, "ab"},
      {"U\x02"
       "ab.",
       "ab"},
      {"B\x02\0\0\0ab."s, "ab"},
      {"C\x02"
       "ab.",
       "ab"},
      {"\x8e\x02\0\0\0\0\0\0\0ab."s, "ab"},
      {"K\x01K\x02K\x03\x87.", "tuple(1 2 3)"},
      {"K\x01K\x02\x86\x85.", "tuple(tuple(1 2))"},
      {")(K\x07l\x86.", "tuple(tuple() list(7))"},
      {"](K\x01K\x02"
       "eK\x03"
       "a.",
       "list(1 2 3)"},
      {"}(K\x01K\x02uK\x03K\x04s.", "dict(1 2 3 4)"},
      {"(K\x01K\x02"
       "d.",
       "dict(1 2)"},
      {"K\x07q\x05K\x08r\x06\0\0\0h\x05j\x06\0\0\0\x86."s, "tuple(7 8)"},
      {"K\x07\x94"
       "h\0\x86."s,
       "tuple(7 7)"},
      {"ccollections\nOrderedDict\n)RK\x01K\x02s}b.", "call(collections.OrderedDict tuple()){1 2}"},
      {"\x8c\x0b"
       "collections\x8c\x0bOrderedDict\x93)\x81.",
       "call(collections.OrderedDict tuple()){}"},
      {"K\x05Q.", "persistent id(5)"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.value);
    const Pickle pickle = parse(c.bytes);
    EXPECT_EQ(shown(pickle, pickle.root), c.value);
    EXPECT_EQ(pickle.size, c.bytes.size());
  }
}

TEST(Pickle, SaysWhatIsWrong) {
  struct Case {
    std::string bytes;
    std::string_view error;
  };
  const Case cases[] = {
      {"", "bad_file: byte 100: the pickle ends inside a value (1 bytes wanted, 0 left)"},
      {".", "bad_file: byte 100: nothing on the stack"},
      {"NX\xFF\0\0\0ab."s,
       "bad_file: byte 101: the pickle ends inside a value (255 bytes wanted, 3 left)"},
      {"T\xFF\xFF\xFF\xFF.", "bad_file: byte 100: a length of -1"},
      {"t.", "bad_file: byte 100: no mark on the stack"},
      {"N(R.", "bad_file: byte 102: nothing on the stack"},
      {"h\x01.", "bad_file: byte 100: nothing at the memo's place 1"},
      {"NNa.", "bad_file: byte 102: values are appended to a none"},
      {"NNNs.", "bad_file: byte 103: a key is set in a none"},
      {"}(Nu.", "bad_file: byte 103: a key without its value"},
      {"(Nd.", "bad_file: byte 102: a key without its value"},
      {"N)R.", "bad_file: byte 102: a call of a none with a tuple"},
      {"ccollections\nOrderedDict\nNR.", "bad_file: byte 126: a call of a global with a none"},
      {"cos", "bad_file: byte 100: the pickle ends inside a name"},
      {"NN\x93.", "bad_file: byte 102: a global whose name is not text"},
      {"\x80\x06N.", "unsupported: byte 100: protocol 6 of pickles"},
      {"i.", "unsupported: byte 100: the opcode 0x69, which checkpoints of tensors do not need"},
      {"Nr\xFF\xFF\xFF\xFF.",
       "unsupported: byte 101: the memo's place 4294967295, above the limit of 4194304"},
      {"cos\nsystem\n.",
       "unsupported: byte 100: it asks for \"os.system\", which is code and not a tensor; nothing "
       "of the file was run"},
      {"\x8c\x05posix\x8c\x06system\x93.",
       "unsupported: byte 115: it asks for \"posix.system\", which is code and not a tensor; "
       "nothing of the file was run"},
      {"c"s + std::string(201, 'a') + "\nb\n.", "unsupported: byte 100: a name of 202 bytes"},
  };
  for (const Case& c : cases) EXPECT_EQ(parse_error(c.bytes), c.error);
}

TEST(Pickle, LimitsWhatItReads) {
  EXPECT_EQ(parse_error(std::string(kMostPickleValues + 1, 'N') + "."),
            "unsupported: byte 4194404: more than 4194304 values");
  std::string large = "B\0\0\0\x04"s + std::string(kLargestPickle, 'x') + ".";
  EXPECT_EQ(parse_error(large), "unsupported: byte 100: a pickle above 67108864 bytes");
}

}  // namespace
}  // namespace pomona::store
