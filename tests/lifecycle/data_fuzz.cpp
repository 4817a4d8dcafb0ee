// Data files from anywhere: the readers give records or an Error, whatever the bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "lifecycle/data.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto format :
       {pomona::lifecycle::DataFormat::csv, pomona::lifecycle::DataFormat::jsonl}) {
    try {
      pomona::lifecycle::read_records(text, format, "fuzz",
                                      [](const pomona::lifecycle::Record&) { return true; });
    } catch (const pomona::Error&) {
      // a fault of the file, said in a sentence
    }
  }
  return 0;
}
