// What kernels ask of the processor.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "arguments.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// One copy of a function for each generation of processors; the loader takes the best that runs.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

namespace latent {

// Numbers too small for full precision count as zero, as in TensorFlow's own threads: they are slow.
class FlushTiny {
 public:
#if defined(__x86_64__)
  FlushTiny() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
  ~FlushTiny() { _mm_setcsr(before_); }

 private:
  unsigned before_;
#else
  FlushTiny() {}
#endif
};

namespace baseline {
#include "loops.h"
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define LATENT_AVX2
namespace haswell {
#include "loops.h"
}
#undef LATENT_AVX2
#pragma GCC pop_options

inline bool IsHaswell() {
  static const bool is = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return is;
}
// Calls a function of loops.h as it was compiled for the best that this processor has.
#define ON_THIS_PROCESSOR(call) (::latent::IsHaswell() ? haswell::call : baseline::call)
#else
#define ON_THIS_PROCESSOR(call) baseline::call
#endif

}  // namespace latent
