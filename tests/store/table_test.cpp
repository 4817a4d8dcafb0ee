// CSV by RFC 4180, JSON Lines and lists: records as they stand, and what each fault says.
#include "store/table.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/store/table_exercise.h"
#include "tests/support/corpus.h"
#include "tests/support/refused.h"

namespace pomona::store {
namespace {

using test::error_of;

/// "row@line name=value|name=value" of each record.
std::vector<std::string> records(std::string_view text, DataFormat format) {
  std::vector<std::string> found;
  read_records(text, format, "f", [&](const Record& record) {
    std::string line = fmt::format("{}@{}", record.row, record.line);
    for (std::size_t i = 0; i < record.names.size(); ++i)
      line += fmt::format("{}{}={}", i == 0 ? " " : "|", record.names[i], record.values[i]);
    found.push_back(std::move(line));
    return true;
  });
  return found;
}

struct Reading {
  std::string_view name;
  DataFormat format;
  std::string_view text;
  std::vector<std::string> records;
};
void PrintTo(const Reading& reading, std::ostream* out) { *out << reading.name; }

class TableReading : public ::testing::TestWithParam<Reading> {};

TEST_P(TableReading, GivesEachRecord) {
  EXPECT_EQ(records(GetParam().text, GetParam().format), GetParam().records);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TableReading,
    ::testing::Values(
        Reading{"csv", DataFormat::csv, "a,b\n1,2\n3,4\n", {"1@2 a=1|b=2", "2@3 a=3|b=4"}},
        Reading{"no_last_line_end", DataFormat::csv, "a,b\r\n1,2", {"1@2 a=1|b=2"}},
        Reading{"quotes",
                DataFormat::csv,
                "a,b\n\"x, \"\"y\"\"\",\"two\nlines\"\n5,6\n",
                {"1@2 a=x, \"y\"|b=two\nlines", "2@4 a=5|b=6"}},
        Reading{"byte_order_mark",
                DataFormat::csv,
                "\xEF\xBB\xBF"
                "a,b\n1,2\n",
                {"1@2 a=1|b=2"}},
        Reading{"empty_lines",
                DataFormat::csv,
                "a,b\n\n1,2\r\n\r\n3,4\n",
                {"1@3 a=1|b=2", "2@5 a=3|b=4"}},
        Reading{"empty_fields", DataFormat::csv, "a,b\n,\n\"\",x\n", {"1@2 a=|b=", "2@3 a=|b=x"}},
        Reading{"quote_inside", DataFormat::csv, "a,b\n5\" pipe,x\n", {"1@2 a=5\" pipe|b=x"}},
        Reading{"carriage_returns",
                DataFormat::csv,
                "a,b\r1,2\r\r\"x\ry\",4\r5,6",
                {"1@2 a=1|b=2", "2@4 a=x\ry|b=4", "3@6 a=5|b=6"}},
        Reading{"header_only", DataFormat::csv, "a,b\n", {}},
        Reading{"nothing", DataFormat::csv, "", {}},
        Reading{"jsonl",
                DataFormat::jsonl,
                "{\"a\": \"x\", \"n\": 3, \"t\": true, \"l\": [1], \"z\": null}\n\n{\"a\": "
                "\"\\u4f60\"}\r\n",
                {"1@1 a=x|n=3|t=true", "2@3 a=\u4f60"}},
        Reading{"same_key_at_two_depths",
                DataFormat::jsonl,
                "{\"a\": 1, \"b\": {\"a\": 2, \"b\": 3}}\n{\"a\": 4}\n",
                {"1@1 a=1", "2@2 a=4"}},
        Reading{"json",
                DataFormat::json,
                "\xEF\xBB\xBF [\n{\"a\": \"]},\\\"\", \"b\": [{}, [1]]},\n\n{\n\"a\": 2} , {\"c\": "
                "3}]\n",
                {"1@2 a=]},\"", "2@4 a=2", "3@5 c=3"}},
        Reading{"json_empty_list", DataFormat::json, " [ ]", {}},
        Reading{"json_nothing", DataFormat::json, " \n", {}}),
    [](const auto& case_) { return std::string(case_.param.name); });

struct Fault {
  std::string_view name;
  DataFormat format;
  std::string_view text, message;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

class TableFaults : public ::testing::TestWithParam<Fault> {};

TEST_P(TableFaults, SaysWhere) {
  const Error error = error_of([&] { records(GetParam().text, GetParam().format); });
  EXPECT_EQ(error.what(), GetParam().message);
  EXPECT_EQ(error.kind(), ErrorKind::bad_file);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TableFaults,
    ::testing::Values(
        Fault{"open_quote", DataFormat::csv, "a,b\n1,2\n3,\"4\n5,6\n",
              "f: row 2 (line 3): a quote is opened but not closed"},
        Fault{"text_after_quote", DataFormat::csv, "a,b\n\"1\"x,2\n",
              "f: row 1 (line 2): text after a closing quote; a quote inside a field is written "
              "\"\""},
        Fault{"too_many_fields", DataFormat::csv, "a,b\n1,2,3\n",
              "f: row 1 (line 2): 3 fields, but the header line has 2"},
        Fault{"column_twice", DataFormat::csv, "a,a\n1,2\n",
              "f: the header line names the column \"a\" twice"},
        Fault{"csv_utf8", DataFormat::csv, "a,b\n1,\xC0\x80\n",
              "f: row 1 (line 2): not UTF-8 at byte 3 of the row"},
        Fault{"header_utf8", DataFormat::csv, "a,\xFF\n1,2\n",
              "f: the header line is not UTF-8 at byte 3"},
        Fault{"not_json", DataFormat::jsonl, "{\"a\": 1}\n{\"a\": \n",
              "f: row 2 (line 2): not valid JSON"},
        Fault{"carriage_returns", DataFormat::csv, "a,b\r1,2\r3\r",
              "f: row 2 (line 3): 1 field, but the header line has 2"},
        Fault{"key_twice", DataFormat::jsonl, "{\"a\": 1}\n{\"a\": 1, \"b\": 2, \"a\": 1}\n",
              "f: row 2 (line 2): the key \"a\" stands there twice"},
        Fault{"no_object", DataFormat::jsonl, "[1]\n",
              "f: row 1 (line 1): expected an object such as {\"input\": \"...\"}"},
        Fault{"json_lines", DataFormat::json, "{\"a\": 1}\n{\"a\": 1}\n",
              "f: expected a list of objects, [{...}, ...]; a file with one object a line is "
              "called .jsonl"},
        Fault{"json_no_end", DataFormat::json, "[{\"a\": 1},\n{\"a\": 1}\n",
              "f: line 3: expected , or ] behind row 2"},
        Fault{"json_no_comma", DataFormat::json, "[{\"a\": 1} {\"a\": 1}]",
              "f: line 1: expected , or ] behind row 1"},
        Fault{"json_cut", DataFormat::json, "[{\"a\": 1},\n{\"a\": \"1]\n",
              "f: row 2 (line 2): not valid JSON"},
        Fault{"json_comma_at_end", DataFormat::json, "[{\"a\": 1},]",
              "f: row 2 (line 1): not valid JSON"},
        Fault{"json_behind", DataFormat::json, "[{\"a\": 1}]\n]",
              "f: line 2: text behind the list"},
        Fault{"json_utf8", DataFormat::json, "[{\"a\": \"\xFF\"}]",
              "f: row 1 (line 1): not UTF-8 at byte 8 of the row"},
        Fault{"json_number", DataFormat::json, "[\n1\n]",
              "f: row 1 (line 2): expected an object such as {\"input\": \"...\"}"}),
    [](const auto& case_) { return std::string(case_.param.name); });

TEST(Table, RecordsAreGivenAsTheyStand) {
  std::vector<std::string> found;
  const std::string_view text = "a,b\r\n\"x\n\",2\r\n3,4";
  read_records(text, DataFormat::csv, "f", [&](const Record& record) {
    found.emplace_back(record.bytes);
    return true;
  });
  EXPECT_EQ(found, (std::vector<std::string>{"\"x\n\",2", "3,4"}));
  EXPECT_EQ(header_of(text, DataFormat::csv), "a,b");
}

TEST(Table, RefusesOtherFilesAndHugeRecords) {
  EXPECT_EQ(error_of([] { format_of("x/data.xlsx"); }).what(),
            std::string("data x/data.xlsx: expected a file that ends in .csv, .jsonl or "
                        ".json"));
  const std::string huge = "a\n" + std::string((16 << 20) + 1, 'x') + "\n";
  EXPECT_EQ(error_of([&] { records(huge, DataFormat::csv); }).what(),
            std::string("f: row 1 (line 2): longer than 16.8 MB"));
}

TEST(TableCorpus, ReplaysWithoutACrash) {
  test::replay_corpus("table", 7,
                      [](const fs::path& path) { return exercise_table(read_file(path)); });
}

}  // namespace
}  // namespace pomona::store
