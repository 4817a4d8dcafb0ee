#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace pomona {
namespace {

constexpr double kSpinSeconds = 20e-6;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Waits until `value` is no longer `old`: first spinning, then asleep.
template <class T>
T wait_for_change(const std::atomic<T>& value, T old) {
  const double deadline = steady_seconds() + kSpinSeconds;
  do {
    for (int i = 0; i < 64; ++i) {
      const T now = value.load(std::memory_order_acquire);
      if (now != old) return now;
      pause_cpu();
    }
  } while (steady_seconds() < deadline);
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

/// The cgroup's quota in processors, or 0 where there is none (cgroup v2 cpu.max, v1 cfs_quota).
double cgroup_quota() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period && quota != "max" && period > 0) return std::stod(quota) / period;
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double value = 0;
  if (v1_quota >> value && v1_period >> period && value > 0 && period > 0) return value / period;
  return 0;
}

}  // namespace

int available_threads() {
  int count = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
  const double quota = cgroup_quota();
  if (quota > 0) count = std::min(count, static_cast<int>(std::ceil(quota)));
  return std::max(1, count);
}

// A job is published by storing its fields and then `ticket` = (epoch, chunks left). Threads draw a
// chunk by a compare-and-swap on the ticket, which alone says whether one is left: a thread that
// comes late finds the old job's ticket at nothing left, or the new job's epoch. Fields are read
// only by who holds a chunk, since that keeps the job alive.
struct ThreadPool::State {
  int threads = 1;
  std::atomic<std::uint64_t> ticket = 0;
  std::atomic<std::uint32_t> epoch = 0;
  std::atomic<std::uint32_t> chunks = 0;
  std::atomic<std::uint32_t> done = 0;
  std::atomic<Call> call = nullptr;
  std::atomic<void*> context = nullptr;
  std::atomic<bool> stopping = false;

  std::mutex failure_mutex;
  std::exception_ptr failure;

  std::vector<std::jthread> workers;  // behind all that they use, so that they are joined first

  /// Wakes and ends the workers, also when only some of them could be made.
  ~State() {
    stopping.store(true, std::memory_order_release);
    epoch.fetch_add(1);
    epoch.notify_all();
  }

  /// Draws and runs chunks of job `job` until none is left.
  void work(std::uint32_t job) {
    for (;;) {
      std::uint64_t now = ticket.load(std::memory_order_acquire);
      do {
        if (static_cast<std::uint32_t>(now >> 32) != job) return;
        if (static_cast<std::uint32_t>(now) == 0) return;
      } while (!ticket.compare_exchange_weak(now, now - 1, std::memory_order_acq_rel));
      const std::uint32_t all = chunks.load(std::memory_order_relaxed);
      try {
        call.load(std::memory_order_relaxed)(context.load(std::memory_order_relaxed),
                                             all - static_cast<std::uint32_t>(now));
      } catch (...) {
        const std::scoped_lock lock(failure_mutex);
        if (!failure) failure = std::current_exception();
      }
      if (done.fetch_add(1, std::memory_order_acq_rel) + 1 == all) done.notify_all();
    }
  }

  void worker_loop() {
    std::uint32_t seen = 0;
    while (!stopping.load(std::memory_order_acquire)) {
      seen = wait_for_change(epoch, seen);
      work(seen);
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  if (threads < 1)
    fail(ErrorKind::bad_argument, "thread pool: {} threads asked for, at least 1 needed", threads);
  state_->threads = threads;
  try {
    for (int i = 1; i < threads; ++i)
      state_->workers.emplace_back([state = state_.get()] { state->worker_loop(); });
  } catch (const std::system_error& error) {
    fail(ErrorKind::exhausted,
         "thread pool: the system gives {} threads, not {} ({}); ask for fewer",
         state_->workers.size() + 1, threads, error.code().message());
  }
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::threads() const { return state_->threads; }

void ThreadPool::run(std::int64_t chunks, Call call, void* context) {
  if (chunks <= 0) return;
  if (state_->threads == 1 || chunks == 1) {
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) call(context, chunk);
    return;
  }
  State& state = *state_;
  const std::uint32_t job = state.epoch.load(std::memory_order_relaxed) + 1;
  state.chunks.store(static_cast<std::uint32_t>(chunks), std::memory_order_relaxed);
  state.done.store(0, std::memory_order_relaxed);
  state.call.store(call, std::memory_order_relaxed);
  state.context.store(context, std::memory_order_relaxed);
  state.ticket.store((static_cast<std::uint64_t>(job) << 32) | static_cast<std::uint32_t>(chunks),
                     std::memory_order_release);
  state.epoch.store(job);  // before notify looks for sleepers: a release store could pass it
  state.epoch.notify_all();
  state.work(job);
  std::uint32_t finished = state.done.load(std::memory_order_acquire);
  while (finished != static_cast<std::uint32_t>(chunks))
    finished = wait_for_change(state.done, finished);
  if (state.failure) std::rethrow_exception(std::exchange(state.failure, nullptr));
}

}  // namespace pomona
