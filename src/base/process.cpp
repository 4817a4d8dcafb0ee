#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/clock.h"
#include "base/error.h"

extern char** environ;  // POSIX: declared by no header

namespace pomona {
namespace {

constexpr std::size_t kKeptOutput = 64 << 10;
constexpr int kTickMs = 100;
constexpr double kGraceSeconds = 2;

/// The environment of this process with `changes` applied.
std::vector<std::string> merged_environment(const std::vector<std::string>& changes) {
  std::vector<std::string> merged = changes;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('=') + 1);
    bool replaced = false;
    for (const std::string& change : changes) replaced |= change.starts_with(name);
    if (!replaced) merged.emplace_back(text);
  }
  return merged;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// Starts the program with both outputs going to `output`; returns its process id.
pid_t spawn(const std::vector<std::string>& arguments, const std::vector<std::string>& changes,
            int output) {
  posix_spawnattr_t attributes;  // a process group of its own: what the program starts ends with it
  ::posix_spawnattr_init(&attributes);
  sigset_t none;  // what this thread blocks is not for the program
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, 1);
  ::posix_spawn_file_actions_adddup2(&actions, output, 2);
  const std::vector<std::string> environment = merged_environment(changes);
  pid_t process = 0;
  const int error = ::posix_spawnp(&process, arguments[0].c_str(), &actions, &attributes,
                                   pointers(arguments).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error == 0) return process;
  fail(error == ENOENT ? ErrorKind::not_found : ErrorKind::io, "run: {}: {}", arguments[0],
       std::strerror(error));
}

/// A started program; killed and waited for unless it was seen to end.
class Child {
 public:
  Child(const std::vector<std::string>& arguments, const std::vector<std::string>& changes) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      fail(ErrorKind::io, "run: {}: {}", arguments[0], std::strerror(errno));
    output_ = ends[0];
    try {
      process_ = spawn(arguments, changes, ends[1]);
    } catch (...) {
      ::close(ends[0]);
      ::close(ends[1]);
      throw;
    }
    ::close(ends[1]);
  }
  ~Child() {
    ::close(output_);
    if (process_ != 0) end_group(process_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Waits up to a tick for output and adds it to `text`, keeping its end.
  void collect(std::string& text) {
    pollfd waiting = {output_, POLLIN, 0};
    if (open_ && ::poll(&waiting, 1, kTickMs) > 0) {
      char buffer[4096];
      const ssize_t count = ::read(output_, buffer, sizeof buffer);
      if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
      if (count == 0) open_ = false;
    } else if (!open_) {
      ::usleep(5000);
    }
    keep_end(text);
  }

  /// Whether the program has ended; sets exit_code() then.
  bool ended() {
    int status = 0;
    const pid_t seen = ::waitpid(process_, &status, WNOHANG);
    if (seen == 0 || (seen < 0 && errno == EINTR)) return false;
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    process_ = 0;
    return true;
  }
  int exit_code() const { return exit_code_; }

  /// What it wrote before its end; grandchildren that live on are not waited for.
  void drain(std::string& text) {
    ::fcntl(output_, F_SETFL, O_NONBLOCK);
    char buffer[4096];
    for (ssize_t count; (count = ::read(output_, buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(count));
    keep_end(text);
  }

 private:
  /// Ends the program and all that it started: kindly, then not.
  void end_group(pid_t group) {
    ::kill(-group, SIGTERM);
    for (const Stopwatch grace; grace.seconds() < kGraceSeconds && ::kill(-group, 0) == 0;) {
      if (process_ != 0) ended();
      ::usleep(5000);
    }
    ::kill(-group, SIGKILL);
    while (process_ != 0 && !ended()) ::usleep(5000);
  }

  static void keep_end(std::string& text) {
    if (text.size() > kKeptOutput) text.erase(0, text.size() - kKeptOutput);
  }

  int output_ = -1;
  bool open_ = true;
  pid_t process_ = 0;
  int exit_code_ = 0;
};

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments,
                          const ProcessOptions& options) {
  ProcessResult result;
  Child child(arguments, options.environment);
  for (double last_tick = steady_seconds(); !child.ended();) {
    if (options.stop != nullptr) options.stop->check(arguments[0]);
    child.collect(result.output);
    if (options.on_tick && steady_seconds() - last_tick >= kTickMs / 1e3) {
      options.on_tick();
      last_tick = steady_seconds();
    }
  }
  child.drain(result.output);
  result.exit_code = child.exit_code();
  return result;
}

}  // namespace pomona
