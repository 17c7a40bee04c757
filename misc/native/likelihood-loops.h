// The loops of likelihood.h.

// Σ exp(x − from), block by block, so that exponentials are vectors of them.
inline float SumOfExponentials(const float* x, float from, int64_t size) {
  constexpr int64_t kBlock = 256;
  float block[kBlock];
  float total = 0.0f;
  for (int64_t start = 0; start < size; start += kBlock) {
    const int64_t count = std::min(kBlock, size - start);
    for (int64_t i = 0; i < count; i++) block[i] = Exp(x[start + i] - from);
    total += SumOver(count, Values{block});
  }
  return total;
}

// log Σ exp of each row, of `size` numbers, and how far it lies above the row's own token.
inline void TokenLikelihood(const float* __restrict logits, const int32_t* __restrict ids,
                            float* __restrict nats, float* __restrict normaliser, int64_t rows,
                            int64_t size) {
  for (int64_t row = 0; row < rows; row++, logits += size) {
    const float largest = Largest(logits, size);
    normaliser[row] = largest + std::log(SumOfExponentials(logits, largest, size));
    nats[row] = normaliser[row] - logits[ids[row]];
  }
}

// of_logits = (softmax − one-hot) · what arrives for the row
inline void TokenLikelihoodBackward(const float* __restrict logits, const int32_t* __restrict ids,
                                    const float* __restrict normaliser,
                                    const float* __restrict arriving, float* __restrict of_logits,
                                    int64_t rows, int64_t size) {
  for (int64_t row = 0; row < rows; row++, logits += size, of_logits += size) {
    const float from = normaliser[row], factor = arriving[row];
    for (int64_t i = 0; i < size; i++) of_logits[i] = Exp(logits[i] - from) * factor;
    of_logits[ids[row]] -= factor;
  }
}
