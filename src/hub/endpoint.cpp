#include "hub/endpoint.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace pomona::hub {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == 0) return std::nullopt;
  return value;
}

/// Truth as huggingface_hub reads it.
bool is_on(const char* name) {
  std::string value = variable(name).value_or("");
  std::transform(value.begin(), value.end(), value.begin(), [](char one) {
    return one >= 'a' && one <= 'z' ? static_cast<char>(one - 32) : one;
  });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

/// One word, since it goes into a header.
std::optional<HubToken> checked(std::string_view text, std::string from) {
  const std::string_view value = trim(text);
  if (value.empty()) return std::nullopt;
  const bool plain =
      std::all_of(value.begin(), value.end(), [](char one) { return one > ' ' && one < 127; });
  if (!plain)
    fail(ErrorKind::bad_argument, "the hub's token in {} is no single word of ASCII", from);
  return HubToken{std::string(value), std::move(from)};
}

/// Percent-encoding (RFC 3986, 2.1) of all but unreserved characters and `also`.
std::string encoded(std::string_view text, std::string_view also) {
  std::string url;
  for (const char one : text) {
    const bool plain = (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') ||
                       (one >= '0' && one <= '9') ||
                       std::string_view("-._~").find(one) != std::string_view::npos ||
                       also.find(one) != std::string_view::npos;
    if (plain)
      url += one;
    else
      url += fmt::format("%{:02X}", static_cast<unsigned char>(one));
  }
  return url;
}

}  // namespace

std::string hub_endpoint() {
  std::string endpoint = variable("HF_ENDPOINT").value_or("https://huggingface.co");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  return endpoint;
}

bool is_offline() { return is_on("HF_HUB_OFFLINE"); }

void check_online(std::string_view name) {
  if (is_offline())
    fail(ErrorKind::network,
         "pull {}: it is neither in Pomona's store nor in the hub's cache, and HF_HUB_OFFLINE "
         "forbids the network; unset it to fetch the model",
         name);
}

std::optional<HubToken> hub_token() {
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    if (const auto value = variable(name)) {
      if (auto token = checked(*value, name)) return token;
    }
  }
  if (is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return std::nullopt;
  std::optional<fs::path> path = variable("HF_TOKEN_PATH");
  if (const auto home = hub_home(); !path && home) path = *home / "token";
  std::error_code ignored;
  if (!path || !fs::is_regular_file(*path, ignored)) return std::nullopt;
  return checked(read_file(*path), path->string());
}

std::optional<fs::path> hub_home() {
  if (const auto home = variable("HF_HOME")) return *home;
  if (const auto cache = variable("XDG_CACHE_HOME")) return fs::path(*cache) / "huggingface";
  if (const auto home = variable("HOME")) return fs::path(*home) / ".cache" / "huggingface";
  return std::nullopt;
}

std::string hub_file_url(std::string_view repo, std::string_view revision, std::string_view file) {
  return fmt::format("{}/{}/resolve/{}/{}", hub_endpoint(), encoded(repo, "/"),
                     encoded(revision, ""), encoded(file, "/"));
}

std::string hub_tree_url(std::string_view repo, std::string_view revision) {
  return fmt::format("{}/api/models/{}/tree/{}?recursive=1", hub_endpoint(), encoded(repo, "/"),
                     encoded(revision, ""));
}

void fail_refused(const net::StatusError& refusal, std::string_view repo,
                  std::string_view revision) {
  const auto found = refusal.headers().find("x-error-code");
  const std::string code = found == refusal.headers().end() ? "" : found->second;
  const std::string page = fmt::format("{}/{}", hub_endpoint(), repo);
  const auto token = hub_token();
  const long status = refusal.status();
  if (code == "GatedRepo" && !token)
    fail(ErrorKind::network,
         "{0} is gated: log in and accept its terms at {1}, make a token at {2}/settings/tokens, "
         "set HF_TOKEN to it and pull again",
         repo, page, hub_endpoint());
  if (code == "GatedRepo")
    fail(ErrorKind::network,
         "{} is gated, and the account of the token in {} may not read it: accept its terms or ask "
         "for access at {}, and pull again",
         repo, token->from, page);
  if (code == "RevisionNotFound")
    fail(ErrorKind::not_found, "{} has no revision {}; {}/tree/main lists them", repo, revision,
         page);
  if (code == "EntryNotFound") fail(ErrorKind::not_found, "{}: {}", repo, refusal.what());
  if (status == 401 && token && code != "RepoNotFound")
    fail(ErrorKind::network,
         "{}: the hub does not accept the token in {}; make a new one at {}/settings/tokens, or "
         "remove it",
         repo, token->from, hub_endpoint());
  if (code == "RepoNotFound" || status == 401 || status == 404)
    fail(ErrorKind::not_found, "{}: {} has no such repository, or it is private{}; check the name",
         repo, hub_endpoint(),
         token ? fmt::format(" and not for the account of the token in {}", token->from)
               : " (then set HF_TOKEN to a token of an account that may read it)");
  if (status == 429)
    fail(ErrorKind::network, "{}: too many requests for now; try again later{}", repo,
         token ? "" : ", or set HF_TOKEN, which allows more");
  throw refusal;
}

}  // namespace pomona::hub
