// The report of a run: report.json, and the same as one HTML page that needs nothing else.
#pragma once
#include <string>

#include "base/json.h"
#include "lifecycle/stage.h"

namespace pomona::lifecycle {

/// Everything a report tells, from the artefacts of the finished stages: the fields of contract.md
/// and, beside them, `uncompressed`, `scope`, `gate`, `comparison`, `prompts`, `samples`, `repeat`.
Json report_json(Run& run);

/// The page for that: plots inline, light and dark, readable on a phone. All text is escaped.
std::string report_html(const Json& report);

}  // namespace pomona::lifecycle
