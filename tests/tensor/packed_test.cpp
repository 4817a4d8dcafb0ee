// Large weights of mapped files: packed piece by piece, the file's pages given back.
#include "tensor/packed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "tests/support/engine.h"
#include "tests/support/temp_folder.h"

namespace pomona {
namespace {

/// Bytes of a mapping that are in memory, by /proc/self/smaps.
std::size_t resident(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::size_t digits = 0;
    if (line.find('-') != std::string::npos && std::isxdigit(static_cast<unsigned char>(line[0]))) {
      const std::uintptr_t begin = std::stoull(line, &digits, 16);
      const std::uintptr_t end = std::stoull(line.substr(digits + 1), nullptr, 16);
      inside = begin <= wanted && wanted < end;
    } else if (inside && line.starts_with("Rss:")) {
      return std::stoull(line.substr(4)) * 1024;
    }
  }
  return 0;
}

class PackedTest : public ::testing::Test {
 protected:
  /// (N, K) values of f32 in a mapped file.
  static constexpr std::int64_t kRows = 3000, kColumns = 1024;

  PackedTest() {
    std::vector<float> values(kRows * kColumns);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 4093);
    const std::span<const std::byte> bytes = std::as_bytes(std::span(values));
    write_file(path_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    file_ = std::make_shared<const MappedFile>(path_);
    weight_ = Tensor(mapped_storage(file_, file_->bytes()), Shape{kRows, kColumns}, DType::f32);
  }

  test::TempFolder folder_;
  std::filesystem::path path_ = folder_ / "weight";
  std::shared_ptr<const MappedFile> file_;
  Tensor weight_;
  test::Engine engine_{2};
};

TEST_F(PackedTest, EveryPanelIsWhatPackingItAloneGives) {
  const Packed packed(engine_.context, weight_, kernel::PanelKind::bf16);
  const kernel::PanelLayout& layout = packed.layout();
  std::vector<std::byte> alone(static_cast<std::size_t>(layout.panel_bytes()));
  for (std::int64_t p = 0; p < layout.panels(); ++p) {
    const std::int64_t first = p * kernel::kPanelWidth;
    engine_.context.kernels.pack_panel(layout, DType::f32, weight_.raw() + first * kColumns * 4,
                                       kColumns * 4, kRows - first, alone.data());
    EXPECT_TRUE(std::ranges::equal(std::span(packed.panel(p), alone.size()), alone)) << p;
  }
}

TEST_F(PackedTest, TheFilesPagesAreGivenBack) {
  float sum = 0;
  for (std::int64_t i = 0; i < kRows * kColumns; i += 512) sum += weight_.data<float>()[i];
  EXPECT_GT(resident(file_->bytes().data()), std::size_t{11} << 20);
  const Packed packed(engine_.context, weight_, kernel::PanelKind::bf16);
  EXPECT_EQ(resident(file_->bytes().data()), 0u);
  EXPECT_GT(sum, 0);
}

TEST_F(PackedTest, WhatLiesInAReleasedHugePageGoesWithIt) {
  float sum = weight_.data<float>()[0];
  file_->release(file_->bytes().subspan(64, 64));
  EXPECT_EQ(resident(file_->bytes().data()), 0u);
  EXPECT_EQ(weight_.data<float>()[0], sum);  // and comes back
}

}  // namespace
}  // namespace pomona
