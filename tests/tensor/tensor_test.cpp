#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/random.h"
#include "tensor/arena.h"
#include "tests/support/refused.h"

namespace pomona {
namespace {

using test::refused;

TEST(Tensor, NarrowSharesStorageAndKnowsItsStrides) {
  const Tensor x = Tensor::zeros({3, 8});
  for (int i = 0; i < 24; ++i) x.data<float>()[i] = static_cast<float>(i);
  const Tensor part = x.narrow(1, 2, 4);
  EXPECT_EQ(part.shape(), (Shape{3, 4}));
  EXPECT_EQ(part.stride(0), 8);
  EXPECT_FALSE(part.is_contiguous());
  EXPECT_EQ(part.data<float>()[8], 10);
  part.data<float>()[0] = 99;
  EXPECT_EQ(x.data<float>()[2], 99);
  EXPECT_EQ(x.narrow(0, 1, 2).data<float>()[0], 8);
}

TEST(Tensor, ErrorsNameOperationAndSizes) {
  const Tensor x = Tensor::zeros({3, 8});
  EXPECT_EQ(refused([&] { x.narrow(1, 6, 4); }),
            "bad_shape: narrow: rows [6, 10) of dimension 1 of (3, 8)");
  EXPECT_EQ(refused([&] { x.reshape({5, 5}); }), "bad_shape: reshape: (3, 8) to (5, 5)");
  EXPECT_EQ(refused([&] { x.narrow(1, 0, 4).reshape({12}); }),
            "bad_shape: reshape: strided (3, 4) to (12)");
  EXPECT_EQ(refused([&] { x.gradient(); }),
            "bad_argument: gradient: tensor (3, 8) has none (no backward pass reached it)");
  EXPECT_EQ(refused([&] { x.data<double>(); }), "internal: tensor (3, 8): holds F32, read as F64");
}

TEST(Arena, LastUseFreesAndNeighboursJoin) {
  Arena arena(1 << 20);
  StorageRef a = arena.allocate(100), b = arena.allocate(64), c = arena.allocate(1);
  EXPECT_EQ(arena.in_use(), 128u + 64u + 64u);
  std::byte* const first = a->data;
  a = StorageRef();
  b = StorageRef();
  EXPECT_EQ(arena.allocate(192)->data, first) << "the two freed neighbours are one place again";
  EXPECT_EQ(arena.peak(), 256u);
  c = StorageRef();
  EXPECT_EQ(arena.in_use(), 0u);
  EXPECT_EQ(refused([&] { arena.allocate(2 << 20); }),
            "exhausted: memory: 2.10 MB more do not fit beside the 0 bytes in use");
}

TEST(Arena, PlanningFindsTheSamePeak) {
  Arena real(1 << 24), planned = Arena::planning();
  const Random random(5, 1);
  std::vector<StorageRef> kept_real, kept_planned;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto size = static_cast<std::size_t>(random.below(2 * i, 5000));
    kept_real.push_back(real.allocate(size));
    kept_planned.push_back(planned.allocate(size));
    EXPECT_EQ(kept_planned.back()->data, nullptr);
    if (kept_real.size() > 20) {
      const auto victim = static_cast<std::ptrdiff_t>(random.below(2 * i + 1, kept_real.size()));
      kept_real.erase(kept_real.begin() + victim);
      kept_planned.erase(kept_planned.begin() + victim);
    }
    ASSERT_EQ(real.peak(), planned.peak());
    ASSERT_EQ(real.in_use(), planned.in_use());
  }
}

}  // namespace
}  // namespace pomona
