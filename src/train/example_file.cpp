#include "train/example_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "base/file.h"

namespace pomona::train {
namespace {

/// Where large temporary files belong: /tmp may be memory.
fs::path temporary_folder() {
  const char* chosen = std::getenv("TMPDIR");
  return chosen != nullptr && *chosen != '\0' ? chosen : "/var/tmp";
}

}  // namespace

/// In the file, each example is its tokens and then its mask, filled up to a multiple of a token.
struct Examples::Data {
  struct Entry {
    std::uint64_t offset = 0, row = 0;
    std::uint32_t length = 0, supervised = 0, origin = 0;
  };

  ~Data() {
    if (bytes != nullptr) ::munmap(bytes, size);
  }

  const Entry& entry(std::size_t i) const {
    if (i >= entries.size()) fail(ErrorKind::bad_argument, "examples: {} of {}", i, entries.size());
    return entries[i];
  }

  std::vector<Entry> entries;
  std::vector<std::string> origins;
  DataSummary summary;
  void* bytes = nullptr;
  std::size_t size = 0;
};

ExamplesWriter::ExamplesWriter() : data_(std::make_unique<Examples::Data>()) {
  path_ = temporary_folder() / "pomona-examples-XXXXXX";
  std::string name = path_.string();
  const int descriptor = ::mkstemp(name.data());
  if (descriptor < 0) fail_io("make a temporary file", path_, errno);
  ::unlink(name.c_str());
  file_ = ::fdopen(descriptor, "w+");
  if (file_ == nullptr) {
    ::close(descriptor);
    fail_io("make a temporary file", path_, errno);
  }
}

ExamplesWriter::~ExamplesWriter() {
  if (file_ != nullptr) std::fclose(file_);
}

void ExamplesWriter::begin_file(std::string origin) { data_->origins.push_back(std::move(origin)); }

void ExamplesWriter::write(const void* bytes, std::size_t size) {
  if (std::fwrite(bytes, 1, size, file_) != size) fail_io("write examples", path_, errno);
  at_ += size;
}

void ExamplesWriter::add(std::span<const text::TokenId> tokens,
                         std::span<const std::uint8_t> supervised, std::uint64_t row) {
  const auto targets = std::count(supervised.begin(), supervised.end(), std::uint8_t{1});
  data_->entries.push_back({.offset = at_,
                            .row = row,
                            .length = static_cast<std::uint32_t>(tokens.size()),
                            .supervised = static_cast<std::uint32_t>(targets),
                            .origin = static_cast<std::uint32_t>(data_->origins.size() - 1)});
  data_->summary.tokens += tokens.size();
  data_->summary.supervised_tokens += static_cast<std::uint64_t>(targets);
  write(tokens.data(), tokens.size_bytes());
  write(supervised.data(), supervised.size());
  constexpr char kZeros[sizeof(text::TokenId)] = {};
  write(kZeros, (sizeof kZeros - supervised.size() % sizeof kZeros) % sizeof kZeros);
}

Examples ExamplesWriter::finish(DataSummary summary) {
  if (std::fflush(file_) != 0) fail_io("write examples", path_, errno);
  summary.tokens = data_->summary.tokens;
  summary.supervised_tokens = data_->summary.supervised_tokens;
  data_->summary = summary;
  if (at_ > 0) {
    void* bytes = ::mmap(nullptr, at_, PROT_READ, MAP_SHARED, ::fileno(file_), 0);
    if (bytes == MAP_FAILED) fail_io("map examples", path_, errno);
    data_->bytes = bytes;
    data_->size = at_;
  }
  Examples examples;
  examples.data_ = std::move(data_);
  return examples;
}

std::size_t Examples::size() const { return data_ ? data_->entries.size() : 0; }

std::int64_t Examples::length(std::size_t i) const { return data_->entry(i).length; }

std::int64_t Examples::supervised(std::size_t i) const { return data_->entry(i).supervised; }

Example Examples::example(std::size_t i) const {
  const Data::Entry& entry = data_->entry(i);
  Example example;
  example.row = entry.row;
  example.tokens.resize(entry.length);
  example.supervised.resize(entry.length);
  const auto* bytes = static_cast<const std::byte*>(data_->bytes) + entry.offset;
  std::memcpy(example.tokens.data(), bytes, entry.length * sizeof(text::TokenId));
  std::memcpy(example.supervised.data(), bytes + entry.length * sizeof(text::TokenId),
              entry.length);
  return example;
}

std::string Examples::place(std::size_t i) const {
  const Data::Entry& entry = data_->entry(i);
  return fmt::format("{}: row {}", data_->origins[entry.origin], entry.row);
}

const DataSummary& Examples::summary() const { return data_->summary; }

Examples examples_of(const std::vector<Example>& examples, const std::string& origin) {
  ExamplesWriter writer;
  writer.begin_file(origin);
  DataSummary summary;
  for (const Example& example : examples) {
    if (example.tokens.size() != example.supervised.size())
      fail(ErrorKind::bad_shape, "examples: {} tokens, a mask of {}", example.tokens.size(),
           example.supervised.size());
    if (!example.supervised.empty() && example.supervised.front() != 0)
      fail(ErrorKind::bad_argument, "examples: row {}: no token predicts the first one",
           example.row);
    writer.add(example.tokens, example.supervised, example.row);
    ++summary.rows;
    summary.max_length =
        std::max(summary.max_length, static_cast<std::int64_t>(example.tokens.size()));
  }
  return writer.finish(summary);
}

}  // namespace pomona::train
