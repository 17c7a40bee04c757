// What the loops for each generation of processors are given.
#pragma once

#include <cstdint>

namespace latent {

// A matrix within a larger one: element (i, j) stands at data[i · row + j · column].
struct Matrix {
  const float* data;
  int64_t row, column;

  Matrix From(int64_t i, int64_t j) const { return {data + i * row + j * column, row, column}; }
};

// Where the sums of a product stand, and what they start from: rows lie `row` and `start_row` apart.
struct Sums {
  float* at;
  int64_t row;
  const float* start;
  int64_t start_row;
  bool rectify;       // at the end negative sums become 0
  const float* mask;  // and those for which this is not above 0, unless it is null; its rows lie `row` apart

  Sums From(int64_t i, int64_t j) const {
    const float* own = mask == nullptr ? nullptr : mask + i * row + j;
    return {at + i * row + j, row, start + i * start_row + j, start_row, rectify, own};
  }
};

// How a product is cut: tiles of sums, and copies of parts of both matrices in the order of their use.
constexpr int64_t kTile = 6, kPanel = 16;  // rows and columns of a tile: its sums fill the registers
constexpr int64_t kDepth = 256;            // products a sum at a time: a panel is half of a first cache
constexpr int64_t kPanelColumns = 128;     // columns of all panels at a time: 128 KiB of a second cache
constexpr int64_t kPackedRows = 96;        // rows at a time, where they have to be copied: 96 KiB
constexpr int64_t kSpare = 8;              // between six rows and the next, for what is written too much

struct PackingRoom {
  alignas(64) float panels[kDepth * kPanelColumns];
  float rows[kPackedRows / kTile * (kTile * kDepth + kSpare)];
};

// A gated recurrent unit over all its steps: inputs [J, T, B], kernel [4H, S + J] with S = H, or 2H with
// feedback, initial [H, B], feedback [T, B] or the same for all [T].
struct Recurrence {
  const float *inputs, *kernel, *initial, *feedback;
  int64_t units, steps, batch, inputs_size;
  bool is_mask_shared;

  int64_t OfStates() const { return feedback == nullptr ? units : 2 * units; }
  int64_t Columns() const { return OfStates() + inputs_size; }
  const float* Mask(int64_t step) const { return feedback + step * (is_mask_shared ? 1 : batch); }
};

// Where Philox's blocks of four random words begin: lib/tensor/philox.ts says how a seed gives it.
struct PhiloxStart {
  uint32_t key[2], counter[2];
};

// Attention: query [B, Tq, D], its heads side by side; key and value [B, H, Tk, Dh], D = H · Dh. The mask,
// 1 where a key is hidden, has these steps from one example, head and query to the next, 0 where it
// is the same for all; null where nothing is hidden.
struct Attention {
  const float *query, *key, *value, *mask;
  int64_t batch, heads, queries, keys, head_width;
  int64_t mask_of_example, mask_of_head, mask_of_query, mask_of_key;
  float scale;

  int64_t Width() const { return heads * head_width; }
  // Whether a second core gains more than it takes to call it.
  bool IsLarge() const { return batch * queries * keys * Width() >= 1 << 19; }
};

}  // namespace latent
