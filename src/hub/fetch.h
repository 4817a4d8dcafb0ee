// Brings a file from one source of the catalogue to this computer.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/progress.h"
#include "hub/catalogue.h"

namespace pomona::hub {

struct FetchRequest {
  /// Where the file goes; what an earlier attempt left there is gone on with if the source can.
  fs::path part;
  /// Its size.
  std::uint64_t bytes = 0;
  ProgressSink& progress;
  const StopToken& stop;
};

/// What a source is called in messages: its URL, or "pip PACKAGE==VERSION".
std::string describe(const Source& source);

/// What a file must be. One of the two is empty.
struct Expected {
  std::string sha256;
  std::string git_name;  // see git_blob_name

  bool is_met_by(const fs::path& file) const;
};

/// Leaves the file at `request.part`; whether it is the right one is for the caller to check.
/// Throws network, not_found or unsupported if this source does not have it or cannot be used here
/// (another may), exhausted, io, cancelled.
void fetch(const Source& source, const FetchRequest& request);

/// The same, checked. Bytes that an earlier attempt left and that turn out wrong are not held
/// against the source: it may send all of them once. Throws bad_file for what it sends then.
void fetch_checked(const Source& source, const FetchRequest& request, const Expected& expected);

}  // namespace pomona::hub
