// pomona: grow, graft, prune, select and serve generative models.
#include "cli/program.h"

int main(int count, char** words) {
  return pomona::cli::run_program(
      std::vector<std::string>(words + (count > 0 ? 1 : 0), words + count));
}
