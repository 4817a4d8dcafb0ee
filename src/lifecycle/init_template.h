// The text of the application file that `init` writes.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lifecycle/init_guess.h"
#include "lifecycle/init_splits.h"

namespace pomona::lifecycle {

/// What is written into the blanks.
struct ApplicationBlanks {
  std::string data;  // file name
  std::string name;
  std::string use_case, language;
  std::string base = "auto";  // the model
  Roles roles;
  std::vector<std::string> labels;   // the different outputs, for use case analyze; empty: many
  std::uint64_t longest_output = 0;  // characters
};

/// A commented application file that runs as it is.
std::string application_text(const ApplicationBlanks& blanks, const SplitFiles& files);

/// `text` as a basic string of TOML 1.0.
std::string toml_string(std::string_view text);

}  // namespace pomona::lifecycle
