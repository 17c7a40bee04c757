// A second core for what is large, while TensorFlow's own ops stay on the threads that they were given.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "processor.h"

namespace latent {

// Whether this process may run on more than one core.
inline bool HasAnotherCore() {
#if defined(__linux__)
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) return CPU_COUNT(&cores) > 1;
#endif
  return std::thread::hardware_concurrency() > 1;
}

// Whether a kernel may take another core: there is one, and LATENT_THREADS does not ask for one thread.
inline bool MayTakeAnotherCore() {
  static const bool may = [] {
    const char* asked = std::getenv("LATENT_THREADS");
    return HasAnotherCore() && (asked == nullptr || std::strcmp(asked, "1") != 0);
  }();
  return may;
}

// A thread that takes a share of one kernel's tasks at a time. It waits for the next with open eyes
// for a moment, as to wake a thread takes as long as many a task, and then goes to sleep.
class SecondThread {
 public:
  // There is one; it lives as long as the process.
  static SecondThread& Get() {
    static SecondThread* const thread = new SecondThread;
    return *thread;
  }

  // Calls work(task) for all of 0 … count − 1, here and, unless it works for somebody else, on that thread.
  template <typename Work>
  void Share(int64_t count, const Work& work) {
    if (is_taken_.exchange(true)) return DoAlone(count, work);
    if (rest_ > 0) {
      rest_--;
      is_taken_ = false;
      return DoAlone(count, work);
    }
    call_ = [](const void* work, int64_t task) { (*static_cast<const Work*>(work))(task); };
    work_ = &work;
    count_ = count;
    next_ = 0;
    is_open_ = true;
    if (is_asleep_) {
      // Under the lock: between its last look and its sleep nobody is overheard.
      const std::lock_guard<std::mutex> lock(mutex_);
      bell_.notify_one();
    }
    const auto begin = Clock::now();
    TakeAll();
    is_open_ = false;
    const auto end = Clock::now();
    // What it has begun ends in less than a task's time. If not, others want its core, and with them it
    // would be in the way more often than of use.
    for (int turn = 0; is_inside_; turn++) turn < kTurns ? Pause() : std::this_thread::yield();
    if (Clock::now() - end > 2 * (end - begin) + kLate) rest_ = kRest;
    is_taken_ = false;
  }

  template <typename Work>
  static void DoAlone(int64_t count, const Work& work) {
    for (int64_t task = 0; task < count; task++) work(task);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int kTurns = 4000;
  static constexpr int kRest = 100;  // kernels that go without it, some ten steps of a small model
  static constexpr std::chrono::microseconds kAwake{300}, kLate{100};

  SecondThread() {
    try {
      std::thread([this] { Run(); }).detach();
    } catch (const std::system_error&) {
      is_taken_ = true;  // no thread was to be had: for ever, so that everybody works alone
    }
  }

  void Run() {
    const FlushTiny flush;
    for (;;) {
      if (!IsOpenSoon()) {
        std::unique_lock<std::mutex> lock(mutex_);
        is_asleep_ = true;
        bell_.wait(lock, [this] { return is_open_.load(); });
        is_asleep_ = false;
      }
      // Whoever closes after this looks whether somebody is inside, and waits.
      is_inside_ = true;
      if (is_open_) TakeAll();
      is_inside_ = false;
    }
  }

  bool IsOpenSoon() const {
    const auto end = Clock::now() + kAwake;
    do {
      for (int turn = 0; turn < 64; turn++) {
        if (is_open_ && next_ < count_) return true;
        Pause();
      }
    } while (Clock::now() < end);
    return false;
  }

  void TakeAll() {
    for (int64_t task; (task = next_.fetch_add(1)) < count_;) call_(work_, task);
  }

  static void Pause() {
#if defined(__x86_64__)
    _mm_pause();
#endif
  }

  void (*call_)(const void*, int64_t) = nullptr;
  const void* work_ = nullptr;
  std::atomic<int64_t> count_{0}, next_{0};
  std::atomic<bool> is_taken_{false}, is_open_{false}, is_inside_{false}, is_asleep_{false};
  int rest_ = 0;  // belongs to whoever has taken the thread
  std::mutex mutex_;
  std::condition_variable bell_;
};

// Calls work(task) for all of 0 … count − 1, on two cores if it is worth it and there are two.
template <typename Work>
void Share(int64_t count, bool is_worth_it, const Work& work) {
  if (count > 1 && is_worth_it && MayTakeAnotherCore()) return SecondThread::Get().Share(count, work);
  SecondThread::DoAlone(count, work);
}

// Numbers from which on a kernel that does a little with each is worth a second core: to call it takes
// the time of some thousands, and to wake it that of some 10,000.
constexpr int64_t kLarge = 1 << 15;

// More than there are cores: one that was late takes fewer.
constexpr int64_t kParts = 4;

// Calls work(from, to, part) for all of 0 … size, which is cut in kParts parts where it is worth it.
template <typename Work>
void InParts(int64_t size, bool is_worth_it, const Work& work) {
  if (!is_worth_it) return work(0, size, 0);
  Share(kParts, true, [&](int64_t part) {
    work(part * size / kParts, (part + 1) * size / kParts, part);
  });
}

}  // namespace latent
