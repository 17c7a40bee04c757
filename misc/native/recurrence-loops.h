// The loops of recurrence.h.

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
