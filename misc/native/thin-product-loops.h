// The loops of thin-product.h that are not those of adam.h.

// Σ x[i] y[i]: four sums at a time, as one would wait for its last addition.
inline float Dot(const float* x, const float* y, int64_t size) {
  Eight totals[4] = {};
  int64_t i = 0;
  for (; i + 32 <= size; i += 32) {
    for (int part = 0; part < 4; part++) {
      totals[part] += Load(x + i + 8 * part) * Load(y + i + 8 * part);
    }
  }
  const Products rest{x + i, y + i};
  return Sum((totals[0] + totals[1]) + (totals[2] + totals[3])) + SumOver(size - i, rest);
}

// What follows a product: a bias, unless it is null, and then the logistic function, if it is wanted.
inline void Finish(float* __restrict sums, const float* __restrict bias, bool is_sigmoid,
                   int64_t size) {
  for (int64_t i = 0; bias != nullptr && i < size; i++) sums[i] += bias[i];
  for (int64_t i = 0; is_sigmoid && i < size; i++) sums[i] = Sigmoid(sums[i]);
}
