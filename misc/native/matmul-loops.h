// Products of matrices of any size, in tiles of 6 × 16 sums that stay in registers (Goto & van de Geijn
// 2008, https://doi.org/10.1145/1356052.1356053): the right matrix is copied into panels of 16 columns.

// at[r, c] = start[r, c] + Σ left[r, k] panel[k, c] for R rows and 16 columns
template <int R>
inline void Tile(Sums sums, Matrix left, const float* panel, int64_t inner) {
  Eight low[R], high[R];
  for (int r = 0; r < R; r++) {
    __builtin_prefetch(sums.at + r * sums.row, 1);
    low[r] = Load(sums.start + r * sums.start_row);
    high[r] = Load(sums.start + r * sums.start_row + 8);
  }
  for (int64_t k = 0; k < inner; k++) {
    const Eight first = Load(panel + kPanel * k), second = Load(panel + kPanel * k + 8);
    for (int r = 0; r < R; r++) {
      const float factor = left.data[r * left.row + k * left.column];
      low[r] += factor * first;
      high[r] += factor * second;
    }
  }
  for (int r = 0; sums.rectify && r < R; r++) {
    low[r] = low[r] < 0.0f ? Eight{} : low[r];
    high[r] = high[r] < 0.0f ? Eight{} : high[r];
  }
  for (int r = 0; sums.mask != nullptr && r < R; r++) {
    const float* mask = sums.mask + r * sums.row;
    low[r] = Load(mask) > 0.0f ? low[r] : Eight{};
    high[r] = Load(mask + 8) > 0.0f ? high[r] : Eight{};
  }
  for (int r = 0; r < R; r++) {
    Store(sums.at + r * sums.row, low[r]);
    Store(sums.at + r * sums.row + 8, high[r]);
  }
}

// The same for fewer columns.
template <int R>
inline void NarrowTile(Sums sums, Matrix left, const float* panel, int64_t inner, int64_t columns) {
  float whole[R * kPanel] = {}, mask[R * kPanel] = {};
  for (int r = 0; r < R; r++) {
    const float* start = sums.start + r * sums.start_row;
    std::copy(start, start + columns, whole + r * kPanel);
    if (sums.mask == nullptr) continue;
    const float* own = sums.mask + r * sums.row;
    std::copy(own, own + columns, mask + r * kPanel);
  }
  const float* has_mask = sums.mask == nullptr ? nullptr : mask;
  Tile<R>({whole, kPanel, whole, kPanel, sums.rectify, has_mask}, left, panel, inner);
  for (int r = 0; r < R; r++) {
    const float* from = whole + r * kPanel;
    std::copy(from, from + columns, sums.at + r * sums.row);
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

// Copies columns of a matrix into panels, one after another; rows that lie in one piece row by row, as
// memory likes it.
inline void PackAll(float* panels, Matrix right, int64_t inner, int64_t columns) {
  const int64_t whole = right.column == 1 ? columns / kPanel * kPanel : 0;
  for (int64_t k = 0; whole > 0 && k < inner; k++) {
    const float* from = right.data + k * right.row;
    for (int64_t j = 0; j < whole; j += kPanel) {
      __builtin_prefetch(from + 4 * right.row + j);
      float* to = panels + j * inner + kPanel * k;
      Store(to, Load(from + j));
      Store(to + 8, Load(from + j + 8));
    }
  }
  for (int64_t j = whole; j < columns; j += kPanel) {
    Pack(panels + j * inner, right.From(0, j), inner, std::min(kPanel, columns - j));
  }
}

// Copies rows of a matrix whose columns lie in one piece, column by column, six rows side by side.
inline void PackRows(float* packed, Matrix left, int64_t inner, int64_t rows) {
  const int64_t strip = kTile * inner + kSpare;
  for (int64_t k = 0; k < inner; k++) {
    const float* from = left.data + k * left.column;
    int64_t i = 0;
    // Eight at once while there are as many: what is too much is written over by the next column.
    for (float* to = packed + kTile * k; i + 8 <= rows; i += kTile, to += strip) {
      __builtin_prefetch(from + 4 * left.column + i);
      Store(to, Load(from + i));
    }
    for (; i < rows; i++) packed[i / kTile * strip + kTile * k + i % kTile] = from[i];
  }
}

// R rows of a product, of all panels. Packed rows lie in columns of six; of others the next R are fetched
// meanwhile.
template <int R, bool kArePacked>
inline void Rows(Sums sums, const float* left, int64_t row, const float* panels, int64_t inner,
                 int64_t columns) {
  for (int r = R; !kArePacked && r < 2 * R; r++) {
    for (int64_t k = 0; k < inner; k += 16) __builtin_prefetch(left + r * row + k);
  }
  const Matrix rows{left, kArePacked ? 1 : row, kArePacked ? kTile : 1};
  for (int64_t j = 0; j < columns; j += kPanel) {
    const float* panel = panels + j * inner;
    const int64_t count = columns - j;
    if (count < kPanel) {
      NarrowTile<R>(sums.From(0, j), rows, panel, inner, count);
    } else {
      Tile<R>(sums.From(0, j), rows, panel, inner);
    }
  }
}

// All rows of a product, of all panels: six at a time, and what is left.
template <bool kArePacked>
inline void AllRows(Sums sums, const float* left, int64_t row, const float* panels, int64_t rows,
                    int64_t inner, int64_t columns) {
  const int64_t strip = kTile * inner + kSpare;
  const auto at = [&](int64_t i) {
    return kArePacked ? left + i / kTile * strip + i % kTile : left + i * row;
  };
  int64_t i = 0;
  for (; i + 6 <= rows; i += 6) {
    Rows<6, kArePacked>(sums.From(i, 0), at(i), row, panels, inner, columns);
  }
  for (; i + 2 <= rows; i += 2) {
    Rows<2, kArePacked>(sums.From(i, 0), at(i), row, panels, inner, columns);
  }
  if (i < rows) Rows<1, kArePacked>(sums.From(i, 0), at(i), row, panels, inner, columns);
}

// total[j] += Σ right[k, j], of rows that lie in one piece
inline void AddColumns(float* __restrict total, Matrix right, int64_t inner, int64_t columns) {
  for (int64_t k = 0; k < inner; k++) {
    const float* __restrict row = right.data + k * right.row;
    for (int64_t j = 0; j < columns; j++) total[j] += row[j];
  }
}

// at[i, j] = start[i, j] + Σ left[i, k] right[k, j], and totals[j] += Σ right[k, j] unless it is null. Sums are
// taken in the same order wherever a matrix is cut by rows or columns.
inline void MatMul(Sums sums, Matrix left, Matrix right, int64_t rows, int64_t inner,
                   int64_t columns, float* totals, PackingRoom& room) {
  for (int64_t p = 0; p < inner; p += kDepth) {
    const int64_t depth = std::min(kDepth, inner - p);
    const bool is_first = p == 0, is_last = p + depth == inner;
    for (int64_t j = 0; j < columns; j += kPanelColumns) {
      const int64_t width = std::min(kPanelColumns, columns - j);
      if (totals != nullptr) AddColumns(totals + j, right.From(p, j), depth, width);
      PackAll(room.panels, right.From(p, j), depth, width);
      Sums these = sums.From(0, j);
      if (!is_first) these.start = these.at, these.start_row = these.row;
      if (!is_last) these.rectify = false, these.mask = nullptr;
      if (left.column == 1) {
        AllRows<false>(these, left.data + p, left.row, room.panels, rows, depth, width);
        continue;
      }
      for (int64_t i = 0; i < rows; i += kPackedRows) {
        const int64_t count = std::min(kPackedRows, rows - i);
        PackRows(room.rows, left.From(i, p), depth, count);
        AllRows<true>(these.From(i, 0), room.rows, 0, room.panels, count, depth, width);
      }
    }
  }
}
