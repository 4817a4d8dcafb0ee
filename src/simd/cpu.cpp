// Detection by the compiler's own run-time support, which asks cpuid and whether the system saves
// the registers (xgetbv).
#include "simd/cpu.h"

#include <cstdlib>

#include "base/error.h"

namespace pomona::simd {

std::string_view name_of(Level level) {
  switch (level) {
    case Level::portable:
      return "portable";
    case Level::avx2:
      return "avx2";
    case Level::avx512:
      return "avx512";
  }
  return "?";
}

Level highest_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  // Every feature that cmake/Kernels.cmake lets the compiler use.
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("lzcnt");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") &&
                      __builtin_cpu_supports("avx512bf16");
  if (avx512) return Level::avx512;
  if (avx2) return Level::avx2;
#endif
  return Level::portable;
}

Level level_in_use() {
  const char* wanted = std::getenv("POMONA_ISA");
  const Level highest = highest_level();
  if (wanted == nullptr || *wanted == 0) return highest;
  for (const Level level : {Level::portable, Level::avx2, Level::avx512}) {
    if (name_of(level) != wanted) continue;
    if (level > highest) {
      fail(ErrorKind::unsupported, "POMONA_ISA: this processor has no {}, its highest level is {}",
           wanted, name_of(highest));
    }
    return level;
  }
  fail(ErrorKind::bad_argument, "POMONA_ISA: unknown level '{}'; levels are portable, avx2, avx512",
       wanted);
}

}  // namespace pomona::simd
