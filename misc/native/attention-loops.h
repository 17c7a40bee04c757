// The loops of attention.h.

// Scores to weights, row by row: softmax(scale · score − 10⁹ · mask).
inline void Weigh(const Attention& of, const float* mask, float* weights) {
  const float hiding = -1e9f;
  for (int64_t q = 0; q < of.queries; q++) {
    float* __restrict row = weights + q * of.keys;
    const float* __restrict hidden = mask + q * of.mask_of_query;
    if (mask == nullptr) {
      for (int64_t k = 0; k < of.keys; k++) row[k] *= of.scale;
    } else if (of.mask_of_key == 1) {
      for (int64_t k = 0; k < of.keys; k++) row[k] = row[k] * of.scale + hidden[k] * hiding;
    } else {
      for (int64_t k = 0; k < of.keys; k++) row[k] = row[k] * of.scale + hidden[0] * hiding;
    }
    const float largest = Largest(row, of.keys);
    for (int64_t k = 0; k < of.keys; k++) row[k] = Exp(row[k] - largest);
    const float inverse = 1.0f / SumOver(of.keys, Values{row});
    for (int64_t k = 0; k < of.keys; k++) row[k] *= inverse;
  }
}

// columns [n, m] of rows [m, n]
inline void Transpose(const float* __restrict rows, float* __restrict columns, int64_t m, int64_t n) {
  for (int64_t j = 0; j < n; j++) {
    for (int64_t i = 0; i < m; i++) columns[j * m + i] = rows[i * n + j];
  }
}

inline void FillRows(float* to, int64_t row, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) std::fill_n(to + i * row, columns, 0.0f);
}

// Of all heads of all examples those from `from` to `to`: output [B, Tq, D] and weights [B, H, Tq, Tk].
// `columns` has room for [Dh, Tk].
inline void Attend(const Attention& of, int64_t from, int64_t to, float* output, float* weights,
                   float* columns) {
  const int64_t D = of.Width(), Dh = of.head_width, Tq = of.queries, Tk = of.keys;
  for (int64_t at = from; at < to; at++) {
    const int64_t b = at / of.heads, h = at % of.heads, column = b * Tq * D + h * Dh;
    float* own = weights + at * Tq * Tk;
    const float* mask =
        of.mask == nullptr ? nullptr : of.mask + b * of.mask_of_example + h * of.mask_of_head;
    std::fill_n(own, Tq * Tk, 0.0f);
    Transpose(of.key + at * Tk * Dh, columns, Tk, Dh);
    AddProduct(own, Tk, {of.query + column, D, 1}, columns, Tk, Tq, Dh, Tk);
    Weigh(of, mask, own);
    FillRows(output + column, D, Tq, Dh);
    AddProduct(output + column, D, {own, Tk, 1}, of.value + at * Tk * Dh, Dh, Tq, Tk, Dh);
  }
}

// The gradients of query, key and value, of the same heads. `slopes` has room for [Tq, Tk], `columns` for
// [Dh, Tk].
inline void AttendBackward(const Attention& of, int64_t from, int64_t to, const float* weights,
                           const float* gradient, float* of_query, float* of_key, float* of_value,
                           float* slopes, float* columns) {
  const int64_t D = of.Width(), Dh = of.head_width, Tq = of.queries, Tk = of.keys;
  for (int64_t at = from; at < to; at++) {
    const int64_t column = at / of.heads * Tq * D + at % of.heads * Dh, row_of_keys = at * Tk * Dh;
    const float *own = weights + at * Tq * Tk, *arriving = gradient + column;
    std::fill_n(of_value + row_of_keys, Tk * Dh, 0.0f);
    AddProduct(of_value + row_of_keys, Dh, {own, 1, Tk}, arriving, D, Tk, Tq, Dh);
    std::fill_n(slopes, Tq * Tk, 0.0f);
    Transpose(of.value + row_of_keys, columns, Tk, Dh);
    AddProduct(slopes, Tk, {arriving, D, 1}, columns, Tk, Tq, Dh, Tk);
    for (int64_t q = 0; q < Tq; q++) {
      float* row = slopes + q * Tk;
      const float* weight = own + q * Tk;
      const float mean = SumOver(Tk, Products{row, weight});
      for (int64_t k = 0; k < Tk; k++) row[k] = weight[k] * (row[k] - mean) * of.scale;
    }
    FillRows(of_query + column, D, Tq, Dh);
    AddProduct(of_query + column, D, {slopes, Tk, 1}, of.key + row_of_keys, Dh, Tq, Tk, Dh);
    std::fill_n(of_key + row_of_keys, Tk * Dh, 0.0f);
    AddProduct(of_key + row_of_keys, Dh, {slopes, 1, Tk}, of.query + column, D, Tk, Tq, Dh);
  }
}
