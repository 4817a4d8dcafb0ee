// [model] base = "auto": what is refused, what ranks first, and why.
#include "lifecycle/auto_choice.h"

#include <gtest/gtest.h>

#include <set>

namespace pomona::lifecycle {
namespace {

hub::CatalogueEntry entry(const std::string& name, std::uint64_t parameters,
                          const std::string& released = "2024-06") {
  hub::CatalogueEntry made;
  made.name = name;
  made.parameters = parameters;
  made.bytes = parameters / 2;
  made.licence = "MIT";
  made.context = 4096;
  made.languages = {"en"};
  made.uses = {"summarize"};
  made.released = released;
  return made;
}

Demands demands() {
  Demands made;
  made.use_case = "summarize";
  made.language = "en";
  made.tokens = made.usual_tokens = 2048;
  made.most_memory = made.free_memory = std::uint64_t{1} << 40;
  return made;
}

constexpr std::uint64_t kBillion = 1'000'000'000;

class AutoChoice : public ::testing::Test {
 protected:
  std::vector<Considered> considered(const Demands& of = demands()) const {
    return consider(entries_, of,
                    [&](const hub::CatalogueEntry& one) { return here_.contains(one.name); });
  }
  std::string best(const Demands& of = demands()) const {
    return considered(of).front().entry->name;
  }
  /// Why the only model does not fit.
  std::string refusal(const Demands& of = demands()) const { return considered(of).front().reason; }

  std::vector<hub::CatalogueEntry> entries_;
  std::set<std::string> here_;
};

TEST_F(AutoChoice, TheLargestIsBest) {
  entries_ = {entry("a", kBillion), entry("b", 3 * kBillion), entry("c", 2 * kBillion)};
  here_ = {"a"};
  EXPECT_EQ(best(), "b");
  const auto models = considered();
  EXPECT_EQ(behind(models[0], models[1]), "smaller");
}

TEST_F(AutoChoice, OfEquallyLargeOnesTheOneHereIsBestThenTheNewerThenTheSmallerFile) {
  entries_ = {entry("a", 1500 * kBillion / 1000), entry("b", 1700 * kBillion / 1000),
              entry("c", 1600 * kBillion / 1000, "2025-01")};
  EXPECT_EQ(best(), "c");
  EXPECT_EQ(behind(considered()[0], considered()[1]), "about as large, and older");
  here_ = {"b"};
  EXPECT_EQ(best(), "b");
  EXPECT_EQ(behind(considered()[0], considered()[1]), "about as large, and not on this computer");
  here_ = {"a", "b", "c"};
  EXPECT_EQ(best(), "c");
  entries_[2].released = "2024-06";
  EXPECT_EQ(best(), "a");
  EXPECT_EQ(behind(considered()[0], considered()[1]), "about as large, and takes more bytes");
}

TEST_F(AutoChoice, SaysWhyAModelDoesNotDo) {
  entries_ = {entry("a", kBillion)};
  hub::CatalogueEntry& only = entries_[0];
  EXPECT_EQ(refusal(), "");
  Demands other = demands();
  other.use_case = "translate";
  EXPECT_EQ(refusal(other), "not made to translate");
  other = demands();
  other.language = "fr";
  EXPECT_EQ(refusal(other), "does not know language \"fr\"");
  other = demands();
  other.licences = {"Apache-2.0"};
  EXPECT_EQ(refusal(other), "licence MIT");
  other.licences = {"mit"};
  EXPECT_EQ(refusal(other), "");
  other = demands();
  other.tokens = 4097;
  EXPECT_EQ(refusal(other), "takes 4096 tokens at most");
  other = demands();
  other.most_memory = kBillion;
  EXPECT_EQ(refusal(other), "more memory than 1.00 GB");
  other = demands();
  other.offline = true;
  EXPECT_EQ(refusal(other), "not on this computer, and HF_HUB_OFFLINE is set");
  here_ = {"a"};
  EXPECT_EQ(refusal(other), "");
  here_.clear();

  only.gated = true;
  EXPECT_EQ(refusal(), "gated, and HF_TOKEN is not set");
  other = demands();
  other.has_token = true;
  EXPECT_EQ(refusal(other), "");
  here_ = {"a"};
  EXPECT_EQ(refusal(), "");
  only.thinks = true;
  EXPECT_EQ(refusal(), "writes its thoughts down before each answer");
  only.commercial = false;
  EXPECT_EQ(refusal(), "licence MIT, not for use for money unless [model] licences names it");
  only.instruct = false;
  EXPECT_EQ(refusal(), "not tuned to follow instructions");
}

// Worked out by hand: 2 * 500 MB + 300 MB + 24 values of 2 bytes for 2048 tokens of 16 sequences.
TEST_F(AutoChoice, PlansMemoryFromWhatTheCatalogueSays) {
  hub::CatalogueEntry model = entry("a", kBillion);
  model.cache_values = 24;
  EXPECT_EQ(planned_memory(model, 2048), 1'300'000'000u + 24 * 2 * 2048 * 16);
}

TEST_F(AutoChoice, WhatTheMachineCannotDoIsRefused) {
  entries_ = {entry("small", kBillion), entry("middle", 2 * kBillion),
              entry("large", 8 * kBillion)};
  Demands limits = demands();
  limits.free_memory = 5 * kBillion;
  limits.min_speed = 20;
  const auto decided = [&](double bytes_per_second, bool strict) {
    auto models = considered(limits);
    refuse_by_machine(models, limits, bytes_per_second, strict);
    return models;
  };
  auto models = decided(20e9, true);
  EXPECT_EQ(models[0].entry->name, "middle");
  EXPECT_DOUBLE_EQ(models[0].tokens_per_second, 20);
  EXPECT_EQ(models[2].reason, "more memory than the 5.00 GB that are free");
  EXPECT_EQ(reasons_of(models), "large (more memory than the 5.00 GB that are free)");
  models = decided(19e9, true);
  EXPECT_EQ(models[0].entry->name, "small");
  EXPECT_EQ(models[2].reason, "too slow here for 20 tokens a second");
  EXPECT_EQ(passed_over(models, models[0]),
            "large (more memory than the 5.00 GB that are free); middle (too slow here for 20 "
            "tokens a second)");
  EXPECT_FALSE(decided(1e9, true)[0].fits());
  EXPECT_EQ(decided(1e9, false)[0].entry->name, "small") << "where the file asks for no speed";
  EXPECT_TRUE(decided(1e9, false)[0].fits());
}

TEST_F(AutoChoice, TheReportTellsOfEach) {
  entries_ = {entry("a", kBillion), entry("b", 2 * kBillion), entry("c", 4 * kBillion)};
  entries_[2].gated = true;
  const auto models = considered();
  EXPECT_EQ(to_json(models[0], models[0]).at("reason"), "");
  EXPECT_EQ(to_json(models[1], models[0]).at("reason"), "smaller");
  EXPECT_EQ(to_json(models[1], models[0]).at("fits"), true);
  EXPECT_EQ(to_json(models[2], models[0]).at("reason"), "gated, and HF_TOKEN is not set");
  EXPECT_EQ(to_json(models[2], models[0]).at("tokens_per_second"), nullptr);
}

}  // namespace
}  // namespace pomona::lifecycle
