// Every case of tests/cases/cli against the built program.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "tests/support/cli_case.h"

namespace pomona::test {
namespace {

std::vector<CliCase> all_cases() { return read_cli_cases(POMONA_SOURCE_DIR "/tests/cases/cli"); }

std::string test_name(const testing::TestParamInfo<CliCase>& info) {
  std::string name = info.param.file.substr(0, info.param.file.find('.'));
  for (const char c : "_" + info.param.name) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name.substr(0, name.find_last_not_of('_') + 1);
}

class Cli : public testing::TestWithParam<CliCase> {};

TEST_P(Cli, DoesWhatTheCaseSays) {
  const CliOutcome outcome = run_cli_case(GetParam());
  EXPECT_EQ(differences(GetParam(), outcome), "") << GetParam().command;
}

INSTANTIATE_TEST_SUITE_P(Cases, Cli, testing::ValuesIn(all_cases()), test_name);

TEST(CliCases, TellADifference) {
  CliCase one = {"", "", "echo '{\"a\": 1}'; echo no >&2; exit 3", 3, {}};
  one.sections = {{"json", "{\"a\": 1}"}, {"stderr", "no\n"}};
  EXPECT_EQ(differences(one, run_cli_case(one)), "");
  one.sections = {{"json", "{\"a\": 2, \"b\": \"*\"}"}, {"stderr", "yes\n"}};
  one.exit_code = 0;
  EXPECT_EQ(differences(one, run_cli_case(one)),
            "exit code: wanted 0, got 3\n.a: wanted 2, got 1\n.b is missing\n"
            "standard error: wanted\nyes\ngot\nno\n");
}

}  // namespace
}  // namespace pomona::test
