// Where examples live: a temporary file without a name, written once and then mapped.
#pragma once
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "train/examples.h"

namespace pomona::train {

/// Collects examples in the order of their files.
class ExamplesWriter {
 public:
  /// Throws io, exhausted: no such file can be made.
  ExamplesWriter();
  ~ExamplesWriter();
  ExamplesWriter(const ExamplesWriter&) = delete;
  ExamplesWriter& operator=(const ExamplesWriter&) = delete;

  /// What the examples that follow are read from.
  void begin_file(std::string origin);
  /// tokens (T), supervised (T). Throws exhausted when the disk is full, io.
  void add(std::span<const text::TokenId> tokens, std::span<const std::uint8_t> supervised,
           std::uint64_t row);

  /// All that was added; tokens and supervised_tokens of the summary are counted here. The writer
  /// is empty afterwards.
  Examples finish(DataSummary summary);

 private:
  void write(const void* bytes, std::size_t size);

  std::unique_ptr<Examples::Data> data_;
  std::FILE* file_ = nullptr;
  fs::path path_;
  std::uint64_t at_ = 0;
};

}  // namespace pomona::train
