// Names of formats, losses and policies, as run files and command lines write them.
#include <array>
#include <utility>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"
#include "train/examples.h"

namespace pomona::train {
namespace {

template <class T>
using Names = std::span<const std::pair<std::string_view, T>>;

constexpr std::pair<std::string_view, RowFormat> kFormatNames[] = {
    {"auto", RowFormat::automatic},
    {"text", RowFormat::text},
    {"prompt-completion", RowFormat::prompt_completion},
    {"messages", RowFormat::messages},
    {"alpaca", RowFormat::alpaca},
    {"sharegpt", RowFormat::sharegpt}};

constexpr std::pair<std::string_view, LossOn> kLossNames[] = {{"auto", LossOn::automatic},
                                                              {"completion", LossOn::completion},
                                                              {"assistant", LossOn::assistant},
                                                              {"last", LossOn::last},
                                                              {"everything", LossOn::everything}};

constexpr std::pair<std::string_view, Overlong> kOverlongNames[] = {
    {"auto", Overlong::automatic},
    {"split", Overlong::split},
    {"truncate", Overlong::truncate},
    {"drop", Overlong::drop},
    {"error", Overlong::error}};

template <class T>
T named(Names<T> names, std::string_view what, std::string_view name) {
  std::vector<std::string> known;
  for (const auto& [text, value] : names) {
    if (text == name) return value;
    known.emplace_back(text);
  }
  const auto meant = nearest(name, known);
  fail(ErrorKind::bad_argument, "data: {} is no {}; {}", quote_name(name), what,
       meant ? fmt::format("did you mean \"{}\"?", *meant)
             : fmt::format("known are {}", fmt::join(known, ", ")));
}

template <class T>
std::string_view name_in(Names<T> names, T value) {
  for (const auto& [text, known] : names) {
    if (known == value) return text;
  }
  return "";
}

}  // namespace

RowFormat row_format_named(std::string_view name) {
  return named<RowFormat>(kFormatNames, "format", name);
}
LossOn loss_named(std::string_view name) { return named<LossOn>(kLossNames, "loss", name); }
Overlong overlong_named(std::string_view name) {
  return named<Overlong>(kOverlongNames, "policy for over-long rows", name);
}
std::string_view name_of(RowFormat format) { return name_in<RowFormat>(kFormatNames, format); }
std::string_view name_of(LossOn loss) { return name_in<LossOn>(kLossNames, loss); }
std::string_view name_of(Overlong policy) { return name_in<Overlong>(kOverlongNames, policy); }

}  // namespace pomona::train
