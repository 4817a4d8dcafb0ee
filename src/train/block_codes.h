// Optimiser states in a byte each, as Dettmers et al. 2022 (arXiv:2110.02861) proposed: blocks of
// 256 values, each with the largest as a f32 scale, and floats of 8 bits beside it. Here these are
// sign, 3 bits of exponent and 4 of fraction for means, and 4 and 4 for means of squares.
#pragma once
#include <cstdint>

namespace pomona::train {

inline constexpr std::int64_t kCodeBlock = 256;

/// Codes n <= kCodeBlock values of either sign to the nearest, within 1/32 of a value above 2^-7 of
/// the largest; returns the scale.
float encode_means(const float* values, std::uint8_t* codes, std::int64_t n);
void decode_means(const std::uint8_t* codes, float scale, float* values, std::int64_t n);

/// Codes n <= kCodeBlock values >= 0, up or down at random by `key` and the index so that the mean
/// of what is decoded is the value (else a mean that moves by a thousandth in a step would never
/// leave its code); values above 2^-15 of the largest within 1/16. What is not zero does not become
/// zero: dividing by its root would make a weight jump. Returns the scale.
float encode_squares(const float* values, std::uint8_t* codes, std::int64_t n, std::uint32_t key);
void decode_squares(const std::uint8_t* codes, float scale, float* values, std::int64_t n);

}  // namespace pomona::train
