// Encodes a text line by line and whole with a tokenizer.json, on one thread, and prints as JSON
// the processor seconds of each (the best of several runs) and how many tokens came of it.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "store/tokenizer_json.h"

namespace pomona {
namespace {

/// As the peer, which finds special tokens in text.
constexpr text::EncodeOptions kOptions = {.add_special = false, .parse_special = true};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::size_t encode_lines(const text::Tokenizer& tokenizer, std::string_view text) {
  std::size_t tokens = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    tokens += tokenizer.encode(text.substr(0, end), kOptions).size();
    text.remove_prefix(end);
  }
  return tokens;
}

/// The best time of `runs` and the result of `work`.
template <class Work>
Json timed(int runs, Work work) {
  double best = std::numeric_limits<double>::infinity();
  std::size_t tokens = 0;
  for (int i = 0; i < runs; ++i) {
    const double start = cpu_seconds();
    tokens = work();
    best = std::min(best, cpu_seconds() - start);
  }
  return Json{{"seconds", best}, {"tokens", tokens}};
}

int run(const std::string& tokenizer_path, const std::string& text_path) {
  constexpr int kRuns = 3;
  const std::string json = read_file(tokenizer_path);
  const std::string text = read_file(text_path);
  const double start = cpu_seconds();
  const auto tokenizer = store::read_tokenizer_json(json, tokenizer_path);
  Json result = {{"load_seconds", cpu_seconds() - start}, {"bytes", text.size()}};
  result["lines"] = timed(kRuns, [&] { return encode_lines(*tokenizer, text); });
  result["whole"] = timed(kRuns, [&] { return tokenizer->encode(text, kOptions).size(); });
  std::printf("%s\n", result.dump().c_str());
  return 0;
}

}  // namespace
}  // namespace pomona

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: tokenizer_bench TOKENIZER.json TEXT\n");
    return 2;
  }
  try {
    return pomona::run(arguments[1], arguments[2]);
  } catch (const pomona::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
