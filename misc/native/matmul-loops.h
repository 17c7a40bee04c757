// Products of matrices of any size, in tiles of 6 × 16 sums that stay in registers (Goto & van de Geijn
// 2008, https://doi.org/10.1145/1356052.1356053): the right matrix is copied into panels of 16 columns.

// at[r, c] = start[r, c] + Σ left[r, k] panel[k, c] for R rows and up to 16 columns
template <int R>
inline void Tile(Sums sums, Matrix left, const float* panel, int64_t inner, int64_t columns) {
  for (int r = 0; r < R; r++) __builtin_prefetch(sums.at + r * sums.row, 1);
  Eight low[R], high[R];
  float edge[2 * 8];
  const bool is_whole = columns == kPanel;
  for (int r = 0; r < R; r++) {
    const float* start = sums.start + r * sums.start_row;
    if (!is_whole) {
      std::fill(edge, edge + kPanel, 0.0f);
      std::copy(start, start + columns, edge);
      start = edge;
    }
    low[r] = Load(start);
    high[r] = Load(start + 8);
  }
  for (int64_t k = 0; k < inner; k++) {
    const Eight first = Load(panel + kPanel * k), second = Load(panel + kPanel * k + 8);
    for (int r = 0; r < R; r++) {
      const float factor = left.data[r * left.row + k * left.column];
      low[r] += factor * first;
      high[r] += factor * second;
    }
  }
  for (int r = 0; r < R; r++) {
    if (sums.rectify) {
      low[r] = low[r] < 0.0f ? Eight{} : low[r];
      high[r] = high[r] < 0.0f ? Eight{} : high[r];
    }
    float* to = is_whole ? sums.at + r * sums.row : edge;
    Store(to, low[r]);
    Store(to + 8, high[r]);
    if (!is_whole) std::copy(edge, edge + columns, sums.at + r * sums.row);
  }
}

#if defined(LATENT_AVX2)
// to[kPanel · k + j] = from[j · row + k] for eight j and eight k
inline void TransposeEight(float* to, const float* from, int64_t row) {
  __m256 rows[8], pairs[8], fours[8];
  for (int j = 0; j < 8; j++) rows[j] = _mm256_loadu_ps(from + j * row);
  for (int j = 0; j < 8; j += 2) {
    pairs[j] = _mm256_unpacklo_ps(rows[j], rows[j + 1]);
    pairs[j + 1] = _mm256_unpackhi_ps(rows[j], rows[j + 1]);
  }
  for (int j = 0; j < 8; j += 4) {
    fours[j] = _mm256_shuffle_ps(pairs[j], pairs[j + 2], 0x44);
    fours[j + 1] = _mm256_shuffle_ps(pairs[j], pairs[j + 2], 0xEE);
    fours[j + 2] = _mm256_shuffle_ps(pairs[j + 1], pairs[j + 3], 0x44);
    fours[j + 3] = _mm256_shuffle_ps(pairs[j + 1], pairs[j + 3], 0xEE);
  }
  for (int k = 0; k < 4; k++) {
    _mm256_storeu_ps(to + kPanel * k, _mm256_permute2f128_ps(fours[k], fours[k + 4], 0x20));
    _mm256_storeu_ps(to + kPanel * (k + 4), _mm256_permute2f128_ps(fours[k], fours[k + 4], 0x31));
  }
}
#endif

// Copies up to 16 columns of a matrix into a panel; columns that are not there are 0.
inline void Pack(float* panel, Matrix right, int64_t inner, int64_t columns) {
  int64_t k = 0;
  if (columns == kPanel && right.column == 1) {
    for (; k < inner; k++) {
      const float* from = right.data + k * right.row;
      Store(panel + kPanel * k, Load(from));
      Store(panel + kPanel * k + 8, Load(from + 8));
    }
  }
#if defined(LATENT_AVX2)
  if (columns == kPanel && right.row == 1) {
    for (; k + 8 <= inner; k += 8) {
      TransposeEight(panel + kPanel * k, right.data + k, right.column);
      TransposeEight(panel + kPanel * k + 8, right.data + 8 * right.column + k, right.column);
    }
  }
#endif
  for (; k < inner; k++) {
    for (int64_t j = 0; j < kPanel; j++) {
      const bool is_there = j < columns;
      panel[kPanel * k + j] = is_there ? right.data[k * right.row + j * right.column] : 0.0f;
    }
  }
}

// R rows of a product, of all panels; the next R are fetched meanwhile.
template <int R>
inline void Rows(Sums sums, Matrix left, const float* panels, int64_t inner, int64_t columns) {
  float packed[R * kDepth];
  if (left.column == 1) {
    for (int r = R; r < 2 * R; r++) {
      for (int64_t k = 0; k < inner; k += 16) __builtin_prefetch(left.data + r * left.row + k);
    }
  } else {
    for (int64_t k = 0; k < inner; k++) __builtin_prefetch(left.data + k * left.column + 2 * R - 1);
    for (int64_t k = 0; k < inner; k++) {
      for (int r = 0; r < R; r++) packed[R * k + r] = left.data[r * left.row + k * left.column];
    }
  }
  for (int64_t j = 0; j < columns; j += kPanel) {
    const int64_t count = std::min(kPanel, columns - j);
    // Both say it with one step known to the compiler.
    if (left.column == 1) {
      Tile<R>(sums.From(0, j), {left.data, left.row, 1}, panels + j * inner, inner, count);
    } else {
      Tile<R>(sums.From(0, j), {packed, 1, R}, panels + j * inner, inner, count);
    }
  }
}

// at[i, j] = start[i, j] + Σ left[i, k] right[k, j]; `panels` has room for kPanels numbers. Sums are taken
// in the same order wherever a matrix is cut by rows or columns.
inline void MatMul(Sums sums, Matrix left, Matrix right, int64_t rows, int64_t inner,
                   int64_t columns, float* panels) {
  for (int64_t p = 0; p < inner; p += kDepth) {
    const int64_t depth = std::min(kDepth, inner - p);
    const bool is_first = p == 0, is_last = p + depth == inner;
    for (int64_t j = 0; j < columns; j += kPanelColumns) {
      const int64_t width = std::min(kPanelColumns, columns - j);
      for (int64_t c = 0; c < width; c += kPanel) {
        Pack(panels + c * depth, right.From(p, j + c), depth, std::min(kPanel, width - c));
      }
      Sums these = sums.From(0, j);
      if (!is_first) these.start = these.at, these.start_row = these.row;
      these.rectify = sums.rectify && is_last;
      int64_t i = 0;
      for (; i + 6 <= rows; i += 6) {
        Rows<6>(these.From(i, 0), left.From(i, p), panels, depth, width);
      }
      for (; i + 4 <= rows; i += 4) {
        Rows<4>(these.From(i, 0), left.From(i, p), panels, depth, width);
      }
      for (; i + 2 <= rows; i += 2) {
        Rows<2>(these.From(i, 0), left.From(i, p), panels, depth, width);
      }
      if (i < rows) Rows<1>(these.From(i, 0), left.From(i, p), panels, depth, width);
    }
  }
}
