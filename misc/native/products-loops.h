// Products of small matrices within other loops; matmul-loops.h has those that stand alone.

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
  // Eight more, and then the last eight columns, of which only those are kept that are left.
  while (j < columns && columns >= 8) {
    const int64_t from = std::min(j, columns - 8);
    Eight total[R];
    for (int r = 0; r < R; r++) total[r] = Load(sum + r * sum_row + from);
    for (int64_t k = 0; k < inner; k++) {
      const Eight numbers = Load(right + k * right_row + from);
      for (int r = 0; r < R; r++) total[r] += left.data[r * left.row + k * left.column] * numbers;
    }
    for (int r = 0; r < R; r++) {
      float eight[8];
      Store(eight, total[r]);
      std::copy(eight + (j - from), eight + 8, sum + r * sum_row + j);
    }
    j = from + 8;
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
