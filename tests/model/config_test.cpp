// A model's numbers from config.json: names, ranges, and sentences that name the file's own key.
#include "model/config.h"

#include <gtest/gtest.h>

#include "tests/support/refused.h"

namespace pomona::model {
namespace {

Config of(const char* json) { return {Json::parse(json), "config.json"}; }

TEST(Config, BaseOfTheRotationStandsInEitherPlace) {
  EXPECT_EQ(of(R"({"rope_theta": 5e5})").positive("rope_theta"), 5e5);
  const Config newer = of(R"({"rope_parameters": {"rope_theta": 100000, "rope_type": "default"}})");
  EXPECT_EQ(newer.positive("rope_theta"), 1e5);
  EXPECT_EQ(newer.find("rope_scaling"), nullptr);
  const Config scaled = of(R"({"rope_parameters": {"rope_type": "linear", "factor": 4.0}})");
  EXPECT_EQ(scaled.find("rope_scaling")->at("factor"), 4.0);
}

TEST(Config, DefaultsStandWhereTheFileIsSilent) {
  EXPECT_EQ(of("{}").with_defaults({{"share", 0.25}}).positive("share"), 0.25);
  const Config both =
      of(R"({"cap": null, "size": 2})").with_defaults({{"cap", 50}, {"size", 3}, {"heads", 4}});
  EXPECT_EQ(both.find("cap"), nullptr);
  EXPECT_EQ(both.size("size"), 2);
  EXPECT_EQ(both.size("heads"), 4);
}

TEST(Config, OlderNamesStandForTheUsualOnes) {
  const Config old = of(R"({"n_embd": 48, "rotary_pct": 0.5, "partial_rotary_factor": 0.75})");
  EXPECT_EQ(old.size("hidden_size"), 48);
  EXPECT_EQ(old.key_of("hidden_size"), "n_embd");
  EXPECT_EQ(old.positive("partial_rotary_factor"), 0.75) << "the usual one is there";
}

TEST(Config, WhatCannotBeIsToldWithTheKey) {
  const auto refusal = [](const char* json) {
    return test::refused([&] { of(json).size("hidden_size"); });
  };
  EXPECT_EQ(refusal("{}"),
            "bad_file: config.json: hidden_size is missing, expected a whole number");
  EXPECT_EQ(refusal(R"({"hidden_size": null})"),
            "bad_file: config.json: hidden_size is missing, expected a whole number");
  EXPECT_EQ(refusal(R"({"hidden_size": 1.5})"),
            "bad_file: config.json: hidden_size is 1.5, expected a whole number");
  EXPECT_EQ(refusal(R"({"hidden_size": -3})"),
            "bad_file: config.json: hidden_size is -3, expected 1 to 16777216");
  EXPECT_EQ(refusal(R"({"hidden_size": [8, 8]})"),
            "bad_file: config.json: hidden_size is a list, expected a whole number");
  EXPECT_EQ(test::refused([] { of("[]"); }),
            "bad_file: config.json: expected an object with the model's numbers");
  EXPECT_EQ(test::refused([] { of(R"({"tie": 1})").flag("tie", false); }),
            "bad_file: config.json: tie is 1, expected true or false");
  EXPECT_EQ(test::refused([] { of(R"({"eps": 0})").positive("eps"); }),
            "bad_file: config.json: eps is 0, expected a number above 0");
}

}  // namespace
}  // namespace pomona::model
