// The state of a run: the same bits come back, damage is told, and one whole state is always there.
#include "train/state_file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "store/safetensors_writer.h"
#include "tests/support/file_limit.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::train {
namespace {

using test::error_of;

Tensor filled(Shape shape, std::uint64_t seed) {
  Tensor tensor = Tensor::zeros(shape);
  const Random random(seed, 1);
  for (std::int64_t i = 0; i < tensor.elements(); ++i)
    tensor.data<float>()[i] = static_cast<float>(random.uniform(static_cast<std::uint64_t>(i)));
  return tensor;
}

/// A state whose values all follow from `seed`, which is its step too.
TrainingState sample(std::uint64_t seed, std::int64_t rows = 3) {
  Tensor count = Tensor::zeros({1}, DType::i32);
  count.data<std::int32_t>()[0] = static_cast<std::int32_t>(seed);
  return {static_cast<std::int64_t>(seed),
          {{"w", filled({rows, 4}, seed)}, {"b", filled({4}, seed + 100)}},
          {{"step", count}, {"exp_avg.w", filled({rows, 4}, seed + 200)}},
          {{"best", 1.5}}};
}

void expect_same_values(const TrainingState& found, const TrainingState& wanted) {
  for (const auto part : {&TrainingState::parameters, &TrainingState::optimiser}) {
    ASSERT_EQ((found.*part).size(), (wanted.*part).size());
    for (std::size_t i = 0; i < (wanted.*part).size(); ++i) {
      const Tensor &a = (found.*part)[i].value, &b = (wanted.*part)[i].value;
      EXPECT_EQ(std::memcmp(a.raw(), b.raw(), static_cast<std::size_t>(b.bytes())), 0)
          << (wanted.*part)[i].name;
    }
  }
}

class StateFileTest : public ::testing::Test {
 protected:
  std::string message(const Error& error) {
    return replace_all(error.what(), path_.string(), "FILE");
  }
  test::TempFolder folder_;
  fs::path path_ = folder_ / "state.safetensors";
};

TEST_F(StateFileTest, GivesTheSameBitsBack) {
  const TrainingState written = sample(7);
  const std::string hash = write_state(path_, written);
  TrainingState read = sample(1);
  read_state(path_, read);
  expect_same_values(read, written);
  EXPECT_EQ(read.step, 7);
  EXPECT_EQ(read.extras, (Json{{"best", 1.5}}));
  EXPECT_EQ(state_sha256(read), hash);
  EXPECT_EQ(state_bytes(read), (2 * 12 + 4 + 1) * 4u);
  const TrainingState notes = read_state_notes(path_);
  EXPECT_EQ(notes.step, 7);
  EXPECT_EQ(notes.extras, read.extras);
}

TEST_F(StateFileTest, TheHashIsOfParametersOptimiserAndStepOnly) {
  const std::string hash = state_sha256(sample(7));
  TrainingState other = sample(7);
  other.extras = {{"seconds", 3}};
  std::swap(other.parameters[0], other.parameters[1]);
  EXPECT_EQ(state_sha256(other), hash);
  other.step = 8;
  EXPECT_NE(state_sha256(other), hash);
  other = sample(7);
  other.optimiser[1].value.data<float>()[11] += 1;
  EXPECT_NE(state_sha256(other), hash);
  other = sample(7);
  other.parameters[0].name = "v";
  EXPECT_NE(state_sha256(other), hash);
}

TEST_F(StateFileTest, TheStateOfAnotherRunIsRefusedWithWhatDiffers) {
  write_state(path_, sample(7));
  TrainingState other = sample(1, 5);
  const TrainingState before = sample(1, 5);
  other.parameters[1].name = "c";
  const Error error = error_of([&] { read_state(path_, other); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
  EXPECT_EQ(message(error),
            "FILE: this is the state of another run: \"optimiser.exp_avg.w\" is F32 (3, 4), here "
            "F32 (5, 4); it lacks \"parameters.c\"; \"parameters.w\" is F32 (3, 4), here F32 (5, "
            "4); and 1 more");
  EXPECT_EQ(other.step, 1);
  other.parameters[1].name = "b";
  expect_same_values(other, before);
}

TEST_F(StateFileTest, ADamagedFileIsRefused) {
  write_state(path_, sample(7));
  const std::string whole = read_file(path_);
  TrainingState state = sample(1);
  const TrainingState before = sample(1);
  const auto refuse = [&](const std::string& bytes) {
    write_file(path_, bytes);
    const Error error = error_of([&] { read_state(path_, state); });
    EXPECT_EQ(name_of(error.kind()), "bad_file") << message(error);
    expect_same_values(state, before);
    return message(error);
  };
  std::string flipped = whole;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  EXPECT_EQ(refuse(flipped).find("FILE: its values are not those that were written"), 0u);
  refuse(whole.substr(0, whole.size() - 1));
  refuse(whole.substr(0, 20));
  refuse("");
  EXPECT_EQ(refuse(replace_all(whole, "state 1\"", "state 9\"")),
            "FILE: no training state that this version reads: its format is \"pomona training "
            "state 9\"");
  EXPECT_EQ(refuse(replace_all(whole, "\"step\":\"7\"", "\"step\":\"x\"")),
            "FILE: the step \"x\" is no count");
}

TEST_F(StateFileTest, OtherFilesAreNoStates) {
  store::write_safetensors(path_, {}, {{"format", "pt"}});
  TrainingState state = sample(1);
  EXPECT_EQ(message(error_of([&] { read_state(path_, state); })),
            "FILE: no training state that this version reads: its format is \"pt\"");
  for (const auto& file :
       fs::directory_iterator(fs::path(POMONA_SOURCE_DIR) / "tests/corpus/safetensors")) {
    const ErrorKind kind = error_of([&] { read_state(file.path(), state); }).kind();
    EXPECT_TRUE(kind == ErrorKind::bad_file || kind == ErrorKind::unsupported) << file.path();
  }
}

TEST_F(StateFileTest, AFullDiskLeavesTheLastState) {
  const auto write_on_full_disk = [&] {
    return error_of([&] {
      const test::FileLimit full(300);
      write_state(path_, sample(2));
    });
  };
  Error error = write_on_full_disk();
  EXPECT_EQ(error.kind(), ErrorKind::exhausted);
  EXPECT_EQ(message(error), "write: FILE: File too large; there was no earlier state");
  write_state(path_, sample(1));
  error = write_on_full_disk();
  EXPECT_EQ(error.kind(), ErrorKind::exhausted);
  EXPECT_EQ(message(error), "write: FILE: File too large; the state of step 1 is still there");
  TrainingState state = sample(9);
  read_state(path_, state);
  expect_same_values(state, sample(1));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 1);
}

TEST_F(StateFileTest, AKilledWriterLeavesAWholeState) {
  constexpr std::int64_t kRows = 20000;  // big enough to be killed while it is written
  write_state(path_, sample(1, kRows));
  for (int round = 0; round < 8; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (std::uint64_t step = 1;; ++step) write_state(path_, sample(step, kRows));
    }
    ::usleep(static_cast<useconds_t>(3000 + 7000 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    TrainingState state = sample(0, kRows);
    read_state(path_, state);
    ASSERT_GE(state.step, 1);
    expect_same_values(state, sample(static_cast<std::uint64_t>(state.step), kRows));
  }
}

}  // namespace
}  // namespace pomona::train
