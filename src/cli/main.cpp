// pomona: grow, graft, prune, select and serve generative models.
#include "cli/program.h"

int main(int count, char** words) {
  if (count < 1) return 1;
  return pomona::cli::run_program(words[0], {words + 1, words + count});
}
