// The loops of recurrence.h.

// A matrix within a larger one: element (i, j) stands at data[i · row + j · column].
struct Matrix {
  const float* data;
  int64_t row, column;
};

template <int R>
inline void AddRows(float* sum, int64_t sum_row, Matrix left, const float* right,
                    int64_t right_row, int64_t inner, int64_t columns) {
  int64_t j = 0;
  for (; j + 16 <= columns; j += 16) {
    Eight low[R], high[R];
    for (int r = 0; r < R; r++) {
      low[r] = Load(sum + r * sum_row + j);
      high[r] = Load(sum + r * sum_row + j + 8);
    }
    for (int64_t k = 0; k < inner; k++) {
      const Eight first = Load(right + k * right_row + j);
      const Eight second = Load(right + k * right_row + j + 8);
      for (int r = 0; r < R; r++) {
        const float factor = left.data[r * left.row + k * left.column];
        low[r] += factor * first;
        high[r] += factor * second;
      }
    }
    for (int r = 0; r < R; r++) {
      Store(sum + r * sum_row + j, low[r]);
      Store(sum + r * sum_row + j + 8, high[r]);
    }
  }
  for (; j < columns; j++) {
    for (int r = 0; r < R; r++) {
      float total = sum[r * sum_row + j];
      for (int64_t k = 0; k < inner; k++) {
        total += left.data[r * left.row + k * left.column] * right[k * right_row + j];
      }
      sum[r * sum_row + j] = total;
    }
  }
}

// sum[i, j] += Σ left[i, k] right[k, j]; rows of `sum` and `right` lie that far apart
inline void AddProduct(float* sum, int64_t sum_row, Matrix left, const float* right,
                       int64_t right_row, int64_t rows, int64_t inner, int64_t columns) {
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    const Matrix these{left.data + i * left.row, left.row, left.column};
    AddRows<4>(sum + i * sum_row, sum_row, these, right, right_row, inner, columns);
  }
  for (; i < rows; i++) {
    const Matrix this_one{left.data + i * left.row, left.row, left.column};
    AddRows<1>(sum + i * sum_row, sum_row, this_one, right, right_row, inner, columns);
  }
}

template <int R, int C>
inline void AddDots(float* sum, int64_t sum_row, const float* left, int64_t left_row,
                    const float* right, int64_t right_row, int64_t length) {
  Eight total[R][C] = {};
  int64_t p = 0;
  for (; p + 8 <= length; p += 8) {
    for (int r = 0; r < R; r++) {
      const Eight factor = Load(left + r * left_row + p);
      for (int c = 0; c < C; c++) total[r][c] += factor * Load(right + c * right_row + p);
    }
  }
  for (int r = 0; r < R; r++) {
    for (int c = 0; c < C; c++) {
      float rest = 0;
      for (int64_t q = p; q < length; q++) rest += left[r * left_row + q] * right[c * right_row + q];
      sum[r * sum_row + c] += Sum(total[r][c]) + rest;
    }
  }
}

// sum[i, j] += Σ left[i, p] right[j, p]
inline void AddProductOfRows(float* sum, int64_t sum_row, const float* left, int64_t left_row,
                             const float* right, int64_t right_row, int64_t rows, int64_t columns,
                             int64_t length) {
  for (int64_t i = 0; i < rows; i += 4) {
    for (int64_t j = 0; j < columns; j += 2) {
      float* at = sum + i * sum_row + j;
      const float* l = left + i * left_row;
      const float* r = right + j * right_row;
      if (i + 4 <= rows && j + 2 <= columns) {
        AddDots<4, 2>(at, sum_row, l, left_row, r, right_row, length);
        continue;
      }
      for (int64_t row = 0; row < std::min<int64_t>(4, rows - i); row++) {
        for (int64_t column = 0; column < std::min<int64_t>(2, columns - j); column++) {
          AddDots<1, 1>(at + row * sum_row + column, sum_row, l + row * left_row, left_row,
                        r + column * right_row, right_row, length);
        }
      }
    }
  }
}

// One row of gates at one step, B numbers each; on entry they hold the sums [aʳ; aᶻ; u; v].
inline void OpenGates(float* __restrict reset, float* __restrict update,
                      const float* __restrict scaled, float* __restrict candidate,
                      const float* __restrict before, float* __restrict state, int64_t batch) {
  for (int64_t b = 0; b < batch; b++) {
    const float r = Sigmoid(reset[b]), z = Sigmoid(update[b]);
    const float n = Tanh(candidate[b] + r * scaled[b]);
    reset[b] = r;
    update[b] = z;
    candidate[b] = n;
    state[b] = n + z * (before[b] - n);
  }
}

// The gradients of one row of gates from that of the state, which becomes that of the state before.
inline void CloseGates(const float* __restrict reset, const float* __restrict update,
                       const float* __restrict scaled, const float* __restrict candidate,
                       const float* __restrict before, float* __restrict of_state,
                       float* __restrict of_reset, float* __restrict of_update,
                       float* __restrict of_scaled, float* __restrict of_candidate, int64_t batch) {
  for (int64_t b = 0; b < batch; b++) {
    const float r = reset[b], z = update[b], n = candidate[b], gradient = of_state[b];
    const float v = gradient * (1.0f - z) * (1.0f - n * n);
    of_reset[b] = v * scaled[b] * r * (1.0f - r);
    of_update[b] = gradient * (before[b] - n) * z * (1.0f - z);
    of_scaled[b] = v * r;
    of_candidate[b] = v;
    of_state[b] = gradient * z;
  }
}

inline void MultiplyBy(const float* mask, bool is_shared, const float* x, float* product,
                       int64_t batch) {
  for (int64_t b = 0; b < batch; b++) product[b] = x[b] * mask[is_shared ? 0 : b];
}

// states [H, T, B] and trace [4H, T, B]: r, z, u, n. `fed` has room for [H, B].
inline void RecurrenceForward(const Recurrence& of, float* states, float* trace, float* fed) {
  const int64_t H = of.units, B = of.batch, TB = of.steps * of.batch;
  std::fill_n(trace, 4 * H * TB, 0.0f);
  const Matrix of_inputs{of.kernel + of.OfStates(), of.Columns(), 1};
  AddProduct(trace, TB, of_inputs, of.inputs, TB, 4 * H, of.inputs_size, TB);
  for (int64_t t = 0; t < of.steps; t++) {
    const float* before = t == 0 ? of.initial : states + (t - 1) * B;
    const int64_t row = t == 0 ? B : TB;
    float* sums = trace + t * B;
    AddProduct(sums, TB, {of.kernel, of.Columns(), 1}, before, row, 4 * H, H, B);
    if (of.feedback != nullptr) {
      for (int64_t h = 0; h < H; h++) {
        MultiplyBy(of.Mask(t), of.is_mask_shared, before + h * row, fed + h * B, B);
      }
      AddProduct(sums, TB, {of.kernel + H, of.Columns(), 1}, fed, B, 4 * H, H, B);
    }
    for (int64_t h = 0; h < H; h++) {
      float* gate = sums + h * TB;
      OpenGates(gate, gate + H * TB, gate + 2 * H * TB, gate + 3 * H * TB, before + h * row,
                states + h * TB + t * B, B);
    }
  }
}

// The gradients of inputs, kernel and initial state. `parts` has room for [4H, T, B], `back` for
// [2H, B], `fed` for [H, T, B].
inline void RecurrenceBackward(const Recurrence& of, const float* states, const float* trace,
                               const float* gradient, float* of_inputs, float* of_kernel,
                               float* of_state, float* parts, float* back, float* fed) {
  const int64_t H = of.units, B = of.batch, T = of.steps, TB = T * B;
  const int64_t K = of.Columns(), S = of.OfStates(), J = of.inputs_size;
  std::fill_n(of_state, H * B, 0.0f);
  for (int64_t t = T - 1; t >= 0; t--) {
    const float* before = t == 0 ? of.initial : states + (t - 1) * B;
    const int64_t row = t == 0 ? B : TB;
    for (int64_t h = 0; h < H; h++) {
      const float* arriving = gradient + h * TB + t * B;
      for (int64_t b = 0; b < B; b++) of_state[h * B + b] += arriving[b];
      const float* gate = trace + h * TB + t * B;
      float* part = parts + h * TB + t * B;
      CloseGates(gate, gate + H * TB, gate + 2 * H * TB, gate + 3 * H * TB, before + h * row,
                 of_state + h * B, part, part + H * TB, part + 2 * H * TB, part + 3 * H * TB, B);
    }
    AddProduct(of_state, B, {of.kernel, 1, K}, parts + t * B, TB, H, 4 * H, B);
    if (of.feedback == nullptr) continue;
    std::fill_n(back, H * B, 0.0f);
    AddProduct(back, B, {of.kernel + H, 1, K}, parts + t * B, TB, H, 4 * H, B);
    for (int64_t h = 0; h < H; h++) {
      MultiplyBy(of.Mask(t), of.is_mask_shared, before + h * row, fed + h * TB + t * B, B);
      MultiplyBy(of.Mask(t), of.is_mask_shared, back + h * B, back + h * B, B);
      for (int64_t b = 0; b < B; b++) of_state[h * B + b] += back[h * B + b];
    }
  }
  std::fill_n(of_inputs, J * TB, 0.0f);
  AddProduct(of_inputs, TB, {of.kernel + S, 1, K}, parts, TB, J, 4 * H, TB);
  std::fill_n(of_kernel, 4 * H * K, 0.0f);
  // The state that a step starts from: the one before, and at first the initial one.
  AddProductOfRows(of_kernel, K, parts, TB, of.initial, B, 4 * H, H, B);
  AddProductOfRows(of_kernel, K, parts + B, TB, states, TB, 4 * H, H, TB - B);
  if (of.feedback != nullptr) {
    AddProductOfRows(of_kernel + H, K, parts, TB, fed, TB, 4 * H, H, TB);
  }
  AddProductOfRows(of_kernel + S, K, parts, TB, of.inputs, TB, 4 * H, J, TB);
}
