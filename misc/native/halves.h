// A second thread for what is large: TensorFlow's own ops stay on the threads that they were given.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "absl/synchronization/notification.h"
#include "processor.h"
#include "tensorflow/core/framework/device_base.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace latent {

using namespace tensorflow;

// Whether a kernel may take another core: there is one, and LATENT_THREADS does not ask for one thread.
inline bool MayTakeAnotherCore() {
  static const bool may = [] {
    const char* asked = std::getenv("LATENT_THREADS");
    return std::thread::hardware_concurrency() > 1 &&
           (asked == nullptr || std::strcmp(asked, "1") != 0);
  }();
  return may;
}

// Calls work(from, to) for all of 0 … size, in two halves side by side where there are at least `least`.
template <typename Work>
void InHalves(OpKernelContext* context, int64_t size, int64_t least, Work work) {
  const auto* threads = context->device()->tensorflow_cpu_worker_threads();
  if (size < least || threads == nullptr || !MayTakeAnotherCore()) return work(0, size);
  const int64_t middle = size / 2;
  absl::Notification done;
  threads->workers->Schedule([&] {
    const FlushTiny flush;
    work(middle, size);
    done.Notify();
  });
  work(0, middle);
  done.WaitForNotification();
}

}  // namespace latent
