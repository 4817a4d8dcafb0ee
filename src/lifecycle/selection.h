// A model of a run: where it is, what it is known by, and whether it does.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "hub/repository.h"
#include "lifecycle/stage.h"

namespace pomona::lifecycle {

/// Whether the application file leaves the choice to Pomona.
bool is_auto(const AppFile& app);

/// Memory that a model may take: what the application file allows; without that, for "auto", what
/// this computer has.
std::optional<std::uint64_t> memory_limit(const AppFile& app);

/// A model of the catalogue, here or not. Throws bad_file if another file lies in its place.
ModelFile selection_of(Run& run, const hub::CatalogueEntry& entry);

/// The model that [model] base names; a repository of the hub need not be here. Throws not_found
/// for a name that stands for nothing, bad_argument for a licence that the file does not allow.
ModelFile named_model(Run& run);

/// Writes how many tokens a second alone, measured now.
double measured_alone(Run& run);

/// Why the selected model does not do; "" if it does. It is opened for that, and fetched if it is
/// not here.
std::string refusal(Run& run);

}  // namespace pomona::lifecycle
