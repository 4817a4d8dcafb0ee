// libFuzzer entry for chat templates: the input is the source of a template, run on a small chat.
// Seeds and finds: tests/corpus/template.
#include "tests/text/template_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::text::exercise_template({reinterpret_cast<const char*>(data), size});
  return 0;
}
