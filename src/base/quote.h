// Text from strangers - files, templates, servers - made safe to show: no terminal obeys it.
#pragma once
#include <string>
#include <string_view>

namespace pomona {

/// `name` in double quotes with control and invalid bytes as \xNN, cut after 80 bytes.
std::string quote_name(std::string_view name);

/// `text` with control and invalid bytes as \xNN; line ends and tabs stay unless `one_line`.
std::string printable(std::string_view text, bool one_line = false);

/// The front of `text`, of at most `most` bytes of whole characters, and "..." if that is not all.
std::string shortened(std::string_view text, std::size_t most = 80);

}  // namespace pomona
