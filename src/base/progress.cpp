#include "base/progress.h"

namespace pomona {

void ProgressSink::begin(std::string_view, std::uint64_t, std::string_view) {}
void ProgressSink::update(std::uint64_t, std::string_view) {}
void ProgressSink::end(std::string_view) {}
void ProgressSink::note(std::string_view) {}

ProgressSink& no_progress() {
  static ProgressSink sink;
  return sink;
}

}  // namespace pomona
