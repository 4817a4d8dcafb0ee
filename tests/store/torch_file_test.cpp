// PyTorch archives made by hand: right ones, corrupt twins, and ones that would run code.
#include "store/torch_file.h"

#include <gtest/gtest.h>

#include "tests/store/torch_exercise.h"
#include "tests/store/torch_pickle_exercise.h"
#include "tests/store/zip_builder.h"
#include "tests/support/corpus.h"
#include "tests/support/refused.h"

namespace pomona::store {
namespace {

using namespace std::string_literals;
using test::torch_archive;
using test::ZipBuilder;

std::string text(std::string_view value) {
  return "X"s + ZipBuilder::number<4>(value.size()) + std::string(value);
}
std::string number(std::int64_t value) {
  return "\x8a\x08"s + ZipBuilder::number<8>(static_cast<std::uint64_t>(value));
}
std::string numbers(const std::vector<std::int64_t>& values) {
  std::string bytes = "(";
  for (const std::int64_t value : values) bytes += number(value);
  return bytes + "t";
}

/// What the pickle says about a view; each field is the opcodes of a value.
struct View {
  std::string storage = "ctorch\nFloatStorage\n";
  std::string key = text("0");
  std::string size = number(6);  // of the storage
  std::string offset = number(0);
  std::string shape = numbers({2, 3});
  std::string strides = numbers({3, 1});
  std::string function = "ctorch._utils\n_rebuild_tensor_v2\n";

  std::string opcodes() const {
    return function + "((" + text("storage") + storage + key + text("cpu") + size + "tQ" + offset +
           shape + strides + "\x89" + "ccollections\nOrderedDict\n)RtR";
  }
};

std::string in_dict(const std::string& key, const std::string& value) {
  return "\x80\x02}"s + key + value + "s.";
}

std::string archive_of(const View& view) {
  return torch_archive(in_dict(text("w"), view.opcodes()), {{"0", std::string(24, '\0')}});
}

/// The parts of a file of before PyTorch 1.6.
struct Legacy {
  std::string magic = "\x8a\x0a\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19";
  std::string protocol = number(1001);
  std::string keys = text("0");
  std::string storages = ZipBuilder::number<8>(6) + std::string(24, '\0');
};

std::string legacy_of(const Legacy& legacy) {
  const std::string head = "\x80\x02";
  return head + legacy.magic + "." + head + legacy.protocol + "." + head + "}" +
         text("little_endian") + "\x88s." + in_dict(text("w"), View{}.opcodes()) + head + "](" +
         legacy.keys + "e." + legacy.storages;
}

std::string parse_error(const std::string& file) {
  return test::refused([&] { parse_torch_file(std::as_bytes(std::span(file)), "x"); });
}

TEST(TorchFile, ReadsAHandMadeView) {
  const std::string file = archive_of({});
  const auto tensors = parse_torch_file(std::as_bytes(std::span(file)), "x");
  ASSERT_EQ(tensors.size(), 1u);
  EXPECT_EQ(tensors[0].name, "w");
  EXPECT_EQ(tensors[0].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(tensors[0].bytes.size(), 24u);
  EXPECT_TRUE(tensors[0].is_plain());
}

TEST(TorchFile, RefusesViewsThatDoNotFit) {
  const auto error = [](auto change) {
    View view;
    change(view);
    const std::string message = parse_error(archive_of(view));
    const std::string head = "bad_file: read PyTorch: x: \"w\": ";
    return message.starts_with(head) ? message.substr(head.size()) : message;
  };
  EXPECT_EQ(error([](View&) {}), "nothing");
  EXPECT_EQ(error([](View& v) { v.offset = number(1); }),
            "(2, 3) with strides (3, 1) from value 1 reaches beyond its storage of 6");
  EXPECT_EQ(error([](View& v) { v.offset = number(std::int64_t{1} << 62); }),
            "(2, 3) with strides (3, 1) from value 4611686018427387904 reaches beyond its storage "
            "of 6");
  EXPECT_EQ(error([](View& v) { v.strides = numbers({std::int64_t{1} << 62, 1}); }),
            "(2, 3) with strides (4611686018427387904, 1) from value 0 reaches beyond its storage "
            "of 6");
  EXPECT_EQ(error([](View& v) {
              v.shape = numbers({std::int64_t{1} << 40, std::int64_t{1} << 40});
              v.strides = numbers({0, 0});
            }),
            "the number of values of (1099511627776, 1099511627776) overflows");
  EXPECT_EQ(error([](View& v) { v.strides = numbers({0, 1}), v.shape = numbers({9, 6}); }),
            "unsupported: read PyTorch: x: \"w\": its strides repeat values of a smaller storage");
  EXPECT_EQ(error([](View& v) { v.strides = numbers({-3, 1}); }),
            "the strides is a negative number, not a number from 0");
  EXPECT_EQ(error([](View& v) { v.strides = numbers({1}); }), "1 strides for 2 dimensions");
  EXPECT_EQ(error([](View& v) { v.shape = text("(2, 3)"); }),
            "the shape is no tuple of up to 64 numbers");
  EXPECT_EQ(error([](View& v) {
              v.shape = numbers({0, std::int64_t{1} << 40, std::int64_t{1} << 40});
              v.strides = numbers({0, 0, 0});
            }),
            "the number of values of (0, 1099511627776, 1099511627776) overflows");
  EXPECT_EQ(error([](View& v) { v.size = number(7); }),
            "the storage \"0\" has 24 bytes, too few for 7 values of F32");
  EXPECT_EQ(error([](View& v) { v.size = number(-1); }),
            "a storage's size is a negative number, not a number from 0");
  EXPECT_EQ(error([](View& v) { v.key = text("../0"); }), "the storage \"../0\" is missing");
  EXPECT_EQ(error([](View& v) { v.key = number(0); }), "its storage is no reference to one");
  EXPECT_EQ(error([](View& v) { v.storage = "ctorch.storage\nUntypedStorage\n"; }),
            "unsupported: read PyTorch: x: \"w\": no element type for "
            "\"torch.storage.UntypedStorage\"");
  EXPECT_EQ(error([](View& v) { v.function = "ctorch\nSize\n"; }),
            "bad_file: read PyTorch: x: there is no tensor in it");
  EXPECT_EQ(error([](View& v) { v.function = "ctorch\nFloatStorage\n"; }),
            "unsupported: read PyTorch: x: \"w\": torch.FloatStorage makes no tensor");
}

TEST(TorchFile, NeverRunsAnything) {
  struct Attack {
    std::string opcodes, asked;
  };
  const Attack attacks[] = {
      {"cos\nsystem\n" + text("touch /tmp/owned") + "\x85R", "os.system"},
      {"cposix\nsystem\n" + text("id") + "\x85R", "posix.system"},
      {"c__builtin__\neval\n" + text("1") + "\x85R", "__builtin__.eval"},
      {"cbuiltins\nexec\n" + text("1") + "\x85R", "builtins.exec"},
      {"csubprocess\nPopen\n" + text("id") + "\x85R", "subprocess.Popen"},
      {text("os") + text("system") + "\x93" + text("id") + "\x85R", "os.system"},
      {"ctorch.hub\nload\n)R", "torch.hub.load"},
      {"ctorch\nload\n)R", "torch.load"},
      {"ctorch._utils\n_rebuild_sparse_tensor\n)R", "torch._utils._rebuild_sparse_tensor"},
      {"c__main__\nModel\n)\x81}b", "__main__.Model"},
      {"cnumpy\ndtype\n)R", "numpy.dtype"},
  };
  for (const Attack& attack : attacks) {
    const std::string message = parse_error(torch_archive(in_dict(text("w"), attack.opcodes), {}));
    EXPECT_TRUE(message.starts_with("unsupported: read pickle: x: byte ")) << message;
    EXPECT_TRUE(
        message.ends_with("it asks for \"" + attack.asked +
                          "\", which is code and not a tensor; nothing of the file was run"))
        << message;
  }
}

TEST(TorchFile, EndlessAndExplodingObjectsAreRefused) {
  const std::string head = "bad_file: read PyTorch: x: ";
  // A list that holds itself.
  const std::string loop = parse_error(torch_archive("\x80\x02]q\0h\0a."s, {}));
  EXPECT_TRUE(loop.starts_with(head + "\"0.0.0")) << loop;
  EXPECT_TRUE(loop.ends_with("containers are nested more than 64 deep")) << loop;
  // Thirty lists, each twice in the next: 2^30 values from 200 bytes.
  std::string bomb = "\x80\x02]q\0"s;
  for (char i = 0; i < 30; ++i) bomb += "](h"s + i + "h" + i + "eq" + static_cast<char>(i + 1);
  const std::string exploded = parse_error(torch_archive(bomb + ".", {}));
  EXPECT_TRUE(exploded.ends_with("more than 4194304 values")) << exploded;
  // A tensor under more names of more bytes than any file has.
  std::string names = "\x80\x02" + View{}.opcodes() + "q\0"s + text(std::string(4000, 'n')) + "q\1";
  names += "](";
  for (int i = 0; i < 20'000; ++i) names += "h\0"s;
  names += "eq\2}h\1h\2s.";
  EXPECT_TRUE(parse_error(torch_archive(names, {{"0", std::string(24, '\0')}}))
                  .ends_with("names of more than 67108864 bytes"));
  // Parameters in parameters.
  std::string nested, ends;
  for (int i = 0; i < 100; ++i) {
    nested += "ctorch._utils\n_rebuild_parameter\n(";
    ends += "\x89)tR";
  }
  nested += View{}.opcodes() + ends;
  EXPECT_EQ(parse_error(torch_archive(in_dict(text("w"), nested), {{"0", std::string(24, '\0')}})),
            head + "\"w\": a parameter of parameters");
  EXPECT_EQ(parse_error(torch_archive(in_dict(text(std::string(4097, 'n')), View{}.opcodes()), {})),
            head + "the object: a name of more than 4096 bytes");
}

TEST(TorchFile, RefusesOddKeys) {
  EXPECT_EQ(parse_error(torch_archive(in_dict("N", View{}.opcodes()), {})),
            "unsupported: read PyTorch: x: the object: a key is a none, neither text nor a number");
  EXPECT_EQ(parse_error(torch_archive(in_dict(text("\xFF"), View{}.opcodes()), {})),
            "bad_file: read PyTorch: x: the object: the key \"\\xFF\" is not UTF-8");
}

TEST(TorchFile, RefusesOtherArchives) {
  const auto error = [](const ZipBuilder& zip) { return parse_error(zip.bytes()); };
  const std::string none =
      "bad_file: read PyTorch: x: a zip file without data.pkl: not a checkpoint";
  EXPECT_EQ(error(ZipBuilder().add("archive/other", "")), none);
  EXPECT_EQ(error(ZipBuilder().add("data.pkl", "N.")), none);
  EXPECT_EQ(error(ZipBuilder().add("a/data.pkl", "N.").add("a/constants.pkl", "N.")),
            "unsupported: read PyTorch: x: a TorchScript program; only saved dictionaries of "
            "tensors are read");
  EXPECT_EQ(error(ZipBuilder().add("a/data.pkl", "N.").add("b/data/0", "")),
            "bad_file: read PyTorch: x: byte 80: the folders \"a\" and \"b\" in one archive");
  EXPECT_EQ(error(ZipBuilder().add("a/data.pkl", "N.").add("a/byteorder", "middle")),
            "bad_file: read PyTorch: x: byte 83: the byte order is \"middle\"");
  EXPECT_EQ(error(ZipBuilder().add("a/data.pkl", "N.")),
            "bad_file: read PyTorch: x: there is no tensor in it");
}

TEST(TorchFile, EveryCutIsAnError) {
  for (const std::string& whole : {archive_of({}), legacy_of({})}) {
    ASSERT_EQ(parse_error(whole), "nothing");
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_NE(parse_error(whole.substr(0, size)), "nothing") << size;
  }
}

TEST(TorchFile, SaysWhatIsWrongWithOldFiles) {
  const auto error = [](auto change) {
    Legacy legacy;
    change(legacy);
    return parse_error(legacy_of(legacy));
  };
  const std::string head = "bad_file: read PyTorch: x: byte ";
  EXPECT_EQ(error([](Legacy& l) { l.magic = number(7); }),
            "unsupported: read PyTorch: x: byte 0: a pickle, but not one that PyTorch has saved");
  EXPECT_EQ(error([](Legacy& l) { l.protocol = number(1002); }),
            head + "15: the protocol is not 1001");
  EXPECT_TRUE(
      error([](Legacy& l) { l.keys = text("1"); }).ends_with("nothing uses the storage \"1\""));
  EXPECT_TRUE(error([](Legacy& l) {
                l.storages += l.storages;
                l.keys += text("0");
              }).ends_with("the storage \"0\" occurs twice"));
  EXPECT_TRUE(error([](Legacy& l) {
                l.storages[0] = 7;
              }).ends_with("the storage \"0\" has 7 values of 4 bytes, but 24 bytes are left"));
  EXPECT_TRUE(error([](Legacy& l) {
                l.storages.clear();
              }).ends_with("the file ends before the storage \"0\""));
  EXPECT_EQ(error([](Legacy& l) { l.keys = ""; }),
            "bad_file: read PyTorch: x: \"w\": the storage \"0\" is missing");
}

TEST(TorchCorpus, ReplaysWithoutACrash) {
  test::replay_corpus(
      "torch", 4, [](const fs::path& path) { return exercise_torch(MappedFile(path).bytes()); });
  test::replay_corpus("torch_pickle", 4, [](const fs::path& path) {
    return exercise_torch_pickle(MappedFile(path).bytes());
  });
}

}  // namespace
}  // namespace pomona::store
