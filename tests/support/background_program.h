// Runs the program beside the test, which may end it at any moment.
#pragma once
#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace pomona::test {

class BackgroundProgram {
 public:
  /// Starts `pomona` with these arguments in `folder`, with `home` as $POMONA_HOME; what it writes
  /// goes to the file `log`.
  BackgroundProgram(const std::vector<std::string>& arguments, const std::filesystem::path& folder,
                    const std::filesystem::path& home, const std::filesystem::path& log);
  /// Kills it if it still runs.
  ~BackgroundProgram();
  BackgroundProgram(const BackgroundProgram&) = delete;
  BackgroundProgram& operator=(const BackgroundProgram&) = delete;

  /// Waits for the end, at most so long; whether it came.
  bool ends_within(double seconds);

  /// kill -9, and waits until it is gone.
  void kill();

  /// Waits for the end: the exit code, or 128 + the signal's number.
  int wait();

 private:
  pid_t child_ = -1;
  int status_ = 0;
};

}  // namespace pomona::test
