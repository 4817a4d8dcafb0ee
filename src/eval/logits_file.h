// Files of log probabilities: what a model says of a text, so that another can be compared with it.
// Format: llama.cpp's, tools/perplexity ("--kl-divergence-base"): "_logits_", i32 n, V and C, i32
// tokens[C * n], and for the second half of each chunk (its last position left out) a row: f32
// scale, f32 lowest, V codes of u16 (one more where V is odd), logprob = scale * code + lowest. Log
// probabilities more than 16 below the best one are cut there.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/file.h"

namespace pomona::eval {

/// What a chunk of n tokens is scored on: positions n/2 .. n - 2.
constexpr std::int64_t first_scored(std::int64_t n) { return n / 2; }
constexpr std::int64_t count_scored(std::int64_t n) { return n - 1 - n / 2; }

struct LogitsRow {
  float scale = 0, lowest = 0;
  std::span<const std::uint16_t> codes;  // (V)
  float logprob(std::size_t token) const {
    return scale * static_cast<float>(codes[token]) + lowest;
  }
};

class LogitsFile {
 public:
  /// Throws not_found, io, bad_file: no such file, its size or numbers cannot be.
  explicit LogitsFile(const std::filesystem::path& path);
  /// The bytes of a file that is named `origin` in errors.
  LogitsFile(std::span<const std::byte> bytes, std::string origin);

  const std::string& origin() const { return origin_; }
  std::int64_t context() const { return n_; }
  std::int64_t vocabulary() const { return V_; }
  std::int64_t chunks() const { return chunks_; }
  /// (n) of a chunk, each below V.
  std::span<const std::int32_t> tokens(std::int64_t chunk) const;
  /// Of the scored position `i` of a chunk, from 0. Throws bad_file for scales that are no numbers.
  LogitsRow row(std::int64_t chunk, std::int64_t i) const;

 private:
  void parse();

  std::shared_ptr<const MappedFile> file_;
  std::span<const std::byte> bytes_;
  std::string origin_;
  std::int64_t n_ = 0, V_ = 0, chunks_ = 0;
  std::vector<std::int32_t> tokens_;
};

/// Writes one; nothing appears under its name before commit().
class LogitsFileWriter {
 public:
  explicit LogitsFileWriter(const std::filesystem::path& path) : file_(path) {}

  /// `tokens`: (C, n). Throws io, exhausted, as the next two.
  void begin(std::int64_t n, std::int64_t vocabulary, std::span<const std::int32_t> tokens);
  /// Rows (count, V) of logits, in their order.
  void write(const float* logits, std::int64_t count);
  void commit() { file_.commit(); }

 private:
  AtomicFile file_;
  std::int64_t V_ = 0;
};

}  // namespace pomona::eval
