// Which instruction-set level this processor offers, and which one the program uses.
#pragma once
#include <string_view>

namespace pomona::simd {

/// portable: the compiler's baseline. avx2: x86-64-v3. avx512: F, BW, DQ, VL with VNNI and BF16; a
/// processor with less of AVX-512 runs avx2.
enum class Level { portable = 0, avx2 = 1, avx512 = 2 };

std::string_view name_of(Level level);

/// The highest level that processor and operating system support.
Level highest_level();

/// The level in use: highest_level(), or the lower one that the environment variable POMONA_ISA
/// names. Throws bad_argument for an unknown name, unsupported for a level this processor does not
/// have.
Level level_in_use();

}  // namespace pomona::simd
