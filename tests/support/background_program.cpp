#include "tests/support/background_program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "base/clock.h"

namespace pomona::test {
namespace {

/// Becomes the program; only called in a child.
[[noreturn]] void become_program(std::vector<char*>& words, const std::filesystem::path& folder,
                                 const std::filesystem::path& home,
                                 const std::filesystem::path& log) {
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const int input = ::open("/dev/null", O_RDONLY);
  if (output >= 0 && input >= 0 && ::chdir(folder.c_str()) == 0) {
    ::dup2(input, 0);
    ::dup2(output, 1);
    ::dup2(output, 2);
    ::setenv("POMONA_HOME", home.c_str(), 1);
    ::setenv("POMONA_DATA", POMONA_SOURCE_DIR, 1);
    ::execv(POMONA_BINARY, words.data());
  }
  ::_exit(127);
}

}  // namespace

BackgroundProgram::BackgroundProgram(const std::vector<std::string>& arguments,
                                     const std::filesystem::path& folder,
                                     const std::filesystem::path& home,
                                     const std::filesystem::path& log) {
  std::vector<std::string> words = {"pomona"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  child_ = ::fork();
  if (child_ < 0) throw std::runtime_error("cannot fork");
  if (child_ == 0) become_program(pointers, folder, home, log);
}

BackgroundProgram::~BackgroundProgram() { kill(); }

bool BackgroundProgram::ends_within(double seconds) {
  const double deadline = steady_seconds() + seconds;
  while (child_ > 0) {
    if (::waitpid(child_, &status_, WNOHANG) == child_) child_ = -1;
    if (child_ > 0 && steady_seconds() >= deadline) return false;
    if (child_ > 0) ::usleep(500);
  }
  return true;
}

void BackgroundProgram::kill() {
  if (child_ <= 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, &status_, 0);
  child_ = -1;
}

int BackgroundProgram::wait() {
  if (child_ > 0) ::waitpid(child_, &status_, 0);
  child_ = -1;
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
}

}  // namespace pomona::test
