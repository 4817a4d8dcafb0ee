// One pool of compute threads. Work is cut into chunks by its shape, never by the number of
// threads, so results do not depend on how many threads there are; chunks are dealt from an atomic
// counter.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>

namespace pomona {

/// The processors this process may use: its affinity mask and its cgroup quota, at least 1.
int available_threads();

class ThreadPool {
 public:
  /// `threads` compute threads in all, the caller of parallel_for among them. Throws bad_argument
  /// for fewer than 1, exhausted if the system gives fewer.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// Calls f(chunk) for each chunk in [0, chunks), in any order and on any thread, and returns when
  /// all are done. The first exception of a chunk reaches the caller after all threads have left
  /// the work. Not reentrant: f must not call parallel_for of the same pool.
  template <class F>
  void parallel_for(std::int64_t chunks, F&& f) {
    using Function = std::remove_reference_t<F>;
    run(
        chunks,
        [](void* context, std::int64_t chunk) { (*static_cast<Function*>(context))(chunk); },
        const_cast<void*>(static_cast<const void*>(&f)));
  }

 private:
  using Call = void (*)(void* context, std::int64_t chunk);
  void run(std::int64_t chunks, Call call, void* context);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pomona
