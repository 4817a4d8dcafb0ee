// Reads a text as each kind of data file; the fuzzer and the replay of its corpus share it.
#pragma once
#include <stdexcept>
#include <string_view>

#include "store/table.h"
#include "tests/support/exercise.h"

namespace pomona::store {

/// True if one of the readers accepts the text, false if all say why not. A record must have a
/// value for each name and lie in the text.
inline bool exercise_table(std::string_view text) {
  bool accepted = false;
  for (const DataFormat format : {DataFormat::csv, DataFormat::jsonl, DataFormat::json}) {
    const bool whole = test::ends_well([&] {
      header_of(text, format);
      read_records(text, format, "fuzz", [&](const Record& record) {
        const bool inside = record.bytes.data() >= text.data() &&
                            record.bytes.data() + record.bytes.size() <= text.data() + text.size();
        if (record.names.size() != record.values.size() || !inside || record.bytes.empty())
          throw std::logic_error("a record that does not stand in its file");
        return true;
      });
    });
    accepted = accepted || whole;
  }
  return accepted;
}

}  // namespace pomona::store
