// A context for tests of the engine.
#pragma once
#include "tensor/context.h"

namespace pomona::test {

/// Owns what a Context refers to.
struct Engine {
  explicit Engine(int threads = 1, simd::Level level = simd::level_in_use())
      : pool(threads), arena(std::size_t{8} << 30), context{pool, arena, kernel::table(level)} {}
  ThreadPool pool;
  Arena arena;
  Context context;
};

}  // namespace pomona::test
