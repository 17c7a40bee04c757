// The loops of layer-norm.h. `size` is the length of a vector.

// normal = (x − mean) · inverse, inverse = 1 / √(mean square + ε), y = normal ⊙ scale + bias.
// Without a bias x is not centred: the root mean square alone.
inline void Normalise(const float* __restrict x, const float* __restrict scale,
                      const float* __restrict bias, float epsilon, float* __restrict y,
                      float* __restrict normal, float* __restrict inverse, int64_t rows,
                      int64_t size) {
  for (int64_t row = 0; row < rows; row++, x += size, y += size, normal += size) {
    const float mean = bias == nullptr ? 0.0f : SumOver(size, Values{x}) / size;
    for (int64_t i = 0; i < size; i++) normal[i] = x[i] - mean;
    const float factor = 1.0f / std::sqrt(SumOver(size, Squares{normal}) / size + epsilon);
    inverse[row] = factor;
    for (int64_t i = 0; i < size; i++) {
      normal[i] *= factor;
      y[i] = normal[i] * scale[i];
    }
    if (bias == nullptr) continue;
    for (int64_t i = 0; i < size; i++) y[i] += bias[i];
  }
}

// of_x = (g − mean(g) − normal · mean(g ⊙ normal)) · inverse, where g = gradient ⊙ scale; mean(g) is
// left out where x is not centred, and so is the gradient of a bias. `g` has room for a vector.
inline void NormaliseBackward(const float* __restrict gradient, const float* __restrict normal,
                              const float* __restrict inverse, const float* __restrict scale,
                              float* __restrict of_x, float* __restrict of_scale,
                              float* __restrict of_bias, float* __restrict g, int64_t rows,
                              int64_t size) {
  std::fill_n(of_scale, size, 0.0f);
  if (of_bias != nullptr) std::fill_n(of_bias, size, 0.0f);
  for (int64_t row = 0; row < rows; row++, gradient += size, normal += size, of_x += size) {
    for (int64_t i = 0; i < size; i++) {
      g[i] = gradient[i] * scale[i];
      of_scale[i] += gradient[i] * normal[i];
    }
    float mean = 0.0f;
    if (of_bias != nullptr) {
      for (int64_t i = 0; i < size; i++) of_bias[i] += gradient[i];
      mean = SumOver(size, Values{g}) / size;
    }
    const float along = SumOver(size, Products{g, normal}) / size;
    for (int64_t i = 0; i < size; i++) {
      of_x[i] = (g[i] - mean - normal[i] * along) * inverse[row];
    }
  }
}
