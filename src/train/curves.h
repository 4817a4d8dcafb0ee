// curves.html: how a run went, drawn from its metrics.jsonl, as one page that needs nothing else.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace pomona::train {

/// Moving mean of values, each taken by the share 1 / `window` (Adam's bias correction makes the
/// first ones means too). Values that are not finite are skipped.
std::vector<double> smoothed(const std::vector<double>& values, double window);

/// The page of a log's records (metrics.h), in any state of the run. `about` may hold `settings`
/// and `result`, objects that are shown as tables.
std::string curves_html(std::string_view name, const std::vector<Json>& records,
                        const Json& about = Json::object());

/// Writes the page of a log, named after the log's folder. Throws io, exhausted.
void write_curves(const std::filesystem::path& page, const std::filesystem::path& metrics,
                  const Json& about = Json::object());

}  // namespace pomona::train
