// Eight numbers at a time, and functions of one number that the compiler makes vectors of.

// Eight numbers at a time, in registers and in memory.
typedef float Eight __attribute__((vector_size(32)));
typedef float EightStored __attribute__((vector_size(32), aligned(4), may_alias));

inline Eight Load(const float* from) { return *reinterpret_cast<const EightStored*>(from); }
inline void Store(float* to, Eight value) { *reinterpret_cast<EightStored*>(to) = value; }
inline float Sum(Eight x) {
  return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

// eˣ, and 0 where it is below 10⁻³⁷: a power of two, and a polynomial between −½ ln 2 and ½ ln 2 (Moshier, Cephes, expf).
inline float Exp(float given) {
  float x = given > 88.0f ? 88.0f : given;
  x = x < -87.0f ? -87.0f : x;
  const float rounding = 12582912.0f;  // 1.5 · 2²³ leaves no place for a fraction
  const float power = (x * 1.44269504f + rounding) - rounding;
  const float rest = (x - power * 0.693359375f) + power * 2.12194440e-4f;
  float sum = 1.9875691500e-4f;
  sum = sum * rest + 1.3981999507e-3f;
  sum = sum * rest + 8.3334519073e-3f;
  sum = sum * rest + 4.1665795894e-2f;
  sum = sum * rest + 1.6666665459e-1f;
  sum = sum * rest + 5.0000001201e-1f;
  const int32_t bits = (static_cast<int32_t>(power) + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  const float value = (sum * rest * rest + rest + 1.0f) * scale;
  return given < -87.0f ? 0.0f : value;
}

inline float Sigmoid(float x) { return 1.0f / (1.0f + Exp(-x)); }

// An odd polynomial near zero, where 1 − 2 / (e²ˣ + 1) would lose digits (Moshier, Cephes, tanhf).
inline float Tanh(float x) {
  const float square = x * x;
  float sum = -5.70498872745e-3f;
  sum = sum * square + 2.06390887954e-2f;
  sum = sum * square - 5.37397155531e-2f;
  sum = sum * square + 1.33314422036e-1f;
  sum = sum * square - 3.33332819422e-1f;
  const float near = x + x * square * sum;
  const float size = std::fabs(x);
  const float far = std::copysign(1.0f - 2.0f / (Exp(2.0f * size) + 1.0f), x);
  return size < 0.625f ? near : far;
}

// Σ f over a vector, eight sums at a time.
template <typename F>
inline float SumOver(int64_t size, F f) {
  Eight total = {};
  int64_t i = 0;
  for (; i + 8 <= size; i += 8) total += f(i);
  float rest = Sum(total);
  for (; i < size; i++) rest += f(i, 1);
  return rest;
}

struct Squares {
  const float* x;
  Eight operator()(int64_t i) const { return Load(x + i) * Load(x + i); }
  float operator()(int64_t i, int) const { return x[i] * x[i]; }
};

struct Values {
  const float* x;
  Eight operator()(int64_t i) const { return Load(x + i); }
  float operator()(int64_t i, int) const { return x[i]; }
};

struct Products {
  const float *x, *y;
  Eight operator()(int64_t i) const { return Load(x + i) * Load(y + i); }
  float operator()(int64_t i, int) const { return x[i] * y[i]; }
};

inline float Largest(const float* x, int64_t size) {
  float eight[8];
  for (int lane = 0; lane < 8; lane++) eight[lane] = x[0];
  int64_t i = 0;
  for (; i + 8 <= size; i += 8) {
    for (int lane = 0; lane < 8; lane++) {
      eight[lane] = x[i + lane] > eight[lane] ? x[i + lane] : eight[lane];
    }
  }
  float largest = eight[0];
  for (int lane = 1; lane < 8; lane++) largest = std::max(largest, eight[lane]);
  for (; i < size; i++) largest = std::max(largest, x[i]);
  return largest;
}
