#include "eval/logits_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace pomona::eval {
namespace {

constexpr std::string_view kMagic = "_logits_";
constexpr std::size_t kHeader = 20;  // magic and three numbers
constexpr std::int64_t kLargest = 1 << 24;
constexpr float kDepth = 16;  // nothing lies further below the best

/// Bytes of a row.
std::int64_t row_bytes(std::int64_t V) { return 2 * ((V + 1) / 2 * 2) + 8; }

/// Into `row`, of row_bytes(V) zeros.
void encode(std::span<const float> logits, std::byte* row) {
  const auto [lowest, best] = std::minmax_element(logits.begin(), logits.end());
  const float low = std::max(*lowest, *best - kDepth);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - *best);
  const float scale = (*best - low) / 65535;
  const float low_logprob = low - *best - static_cast<float>(std::log(sum));
  std::memcpy(row, &scale, sizeof scale);
  std::memcpy(row + sizeof scale, &low_logprob, sizeof low_logprob);
  if (!(scale > 0)) return;
  std::byte* at = row + 2 * sizeof(float);
  for (const float logit : logits) {
    const auto code =
        static_cast<std::uint16_t>(logit > low ? std::nearbyint((logit - low) / scale) : 0);
    std::memcpy(at, &code, sizeof code);
    at += sizeof code;
  }
}

}  // namespace

LogitsFile::LogitsFile(const std::filesystem::path& path)
    : file_(std::make_shared<const MappedFile>(path)),
      bytes_(file_->bytes()),
      origin_(path.string()) {
  parse();
}

LogitsFile::LogitsFile(std::span<const std::byte> bytes, std::string origin)
    : bytes_(bytes), origin_(std::move(origin)) {
  parse();
}

void LogitsFile::parse() {
  if (bytes_.size() < kHeader || std::memcmp(bytes_.data(), kMagic.data(), kMagic.size()) != 0)
    fail(ErrorKind::bad_file, "{}: byte 0: not a file of log probabilities", origin_);
  std::int32_t numbers[3];
  std::memcpy(numbers, bytes_.data() + kMagic.size(), sizeof numbers);
  n_ = numbers[0], V_ = numbers[1], chunks_ = numbers[2];
  if (n_ < 4 || n_ > kLargest || V_ < 1 || V_ > kLargest || chunks_ < 1 || chunks_ > kLargest)
    fail(ErrorKind::bad_file, "{}: byte 8: {} chunks of {} tokens out of {} cannot be", origin_,
         chunks_, n_, V_);
  // Below 2^81, so counted as a floating-point number first.
  const double rows = static_cast<double>(count_scored(n_)) * static_cast<double>(chunks_);
  const double expected = static_cast<double>(kHeader) + 4.0 * static_cast<double>(n_ * chunks_) +
                          rows * static_cast<double>(row_bytes(V_));
  if (static_cast<double>(bytes_.size()) != expected)
    fail(ErrorKind::bad_file, "{}: has {} bytes, {} chunks of {} tokens out of {} need {:.0f}",
         origin_, bytes_.size(), chunks_, n_, V_, expected);
  tokens_.resize(static_cast<std::size_t>(n_ * chunks_));
  std::memcpy(tokens_.data(), bytes_.data() + kHeader, 4 * tokens_.size());
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i] < 0 || tokens_[i] >= V_)
      fail(ErrorKind::bad_file, "{}: byte {}: token {} of a vocabulary of {}", origin_,
           kHeader + 4 * i, tokens_[i], V_);
  }
}

std::span<const std::int32_t> LogitsFile::tokens(std::int64_t chunk) const {
  return std::span(tokens_).subspan(static_cast<std::size_t>(chunk * n_),
                                    static_cast<std::size_t>(n_));
}

LogitsRow LogitsFile::row(std::int64_t chunk, std::int64_t i) const {
  const auto at = kHeader + 4 * tokens_.size() +
                  static_cast<std::size_t>((chunk * count_scored(n_) + i) * row_bytes(V_));
  LogitsRow row;
  std::memcpy(&row.scale, bytes_.data() + at, sizeof row.scale);
  std::memcpy(&row.lowest, bytes_.data() + at + sizeof row.scale, sizeof row.lowest);
  if (!(row.scale >= 0) || !std::isfinite(row.scale) || !std::isfinite(row.lowest))
    fail(ErrorKind::bad_file, "{}: byte {}: a scale of {} above {} cannot be", origin_, at,
         row.scale, row.lowest);
  row.codes = {reinterpret_cast<const std::uint16_t*>(bytes_.data() + at + 2 * sizeof(float)),
               static_cast<std::size_t>(V_)};
  return row;
}

void LogitsFileWriter::begin(std::int64_t n, std::int64_t vocabulary,
                             std::span<const std::int32_t> tokens) {
  V_ = vocabulary;
  const std::int32_t numbers[] = {
      static_cast<std::int32_t>(n), static_cast<std::int32_t>(vocabulary),
      static_cast<std::int32_t>(static_cast<std::int64_t>(tokens.size()) / n)};
  file_.write(kMagic);
  file_.write({reinterpret_cast<const char*>(numbers), sizeof numbers});
  file_.write({reinterpret_cast<const char*>(tokens.data()), tokens.size_bytes()});
}

void LogitsFileWriter::write(const float* logits, std::int64_t count) {
  std::vector<std::byte> row;
  for (std::int64_t i = 0; i < count; ++i) {
    row.assign(static_cast<std::size_t>(row_bytes(V_)), std::byte{});
    encode({logits + i * V_, static_cast<std::size_t>(V_)}, row.data());
    file_.write({reinterpret_cast<const char*>(row.data()), row.size()});
  }
}

}  // namespace pomona::eval
