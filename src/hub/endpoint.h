// The hub's server: where it is, who asks, and what its refusals mean. Variables and folders as
// huggingface_hub has them (its documentation, "Environment variables").
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "hub/home.h"
#include "net/http.h"

namespace pomona::hub {

/// $HF_ENDPOINT, else https://huggingface.co; without a slash at its end.
std::string hub_endpoint();

/// Throws network where HF_HUB_OFFLINE says that no network is to be used: `name` would have to be
/// fetched.
void check_online(std::string_view name);
/// Whether it says so.
bool is_offline();

/// What the user proves with that it is them.
struct HubToken {
  std::string value;
  std::string from;  // the variable's name, or the file's path
};

/// $HF_TOKEN, else $HUGGING_FACE_HUB_TOKEN, else the file $HF_TOKEN_PATH or token in the hub's home
/// (unless HF_HUB_DISABLE_IMPLICIT_TOKEN is set). Throws bad_argument if it is more than one word.
std::optional<HubToken> hub_token();

/// The hub's own folder of this user: $HF_HOME, else $XDG_CACHE_HOME/huggingface, else
/// ~/.cache/huggingface; nullopt if no variable tells.
std::optional<fs::path> hub_home();

/// $ENDPOINT/REPO/resolve/REVISION/FILE, with what is special in URLs written as %XX.
std::string hub_file_url(std::string_view repo, std::string_view revision, std::string_view file);

/// $ENDPOINT/api/models/REPO/tree/REVISION?recursive=1
std::string hub_tree_url(std::string_view repo, std::string_view revision);

/// Throws what a refusal means and what to do about it: not_found for what does not exist (or is
/// private), else network.
[[noreturn]] void fail_refused(const net::StatusError& refusal, std::string_view repo,
                               std::string_view revision);

}  // namespace pomona::hub
