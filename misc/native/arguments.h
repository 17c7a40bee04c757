// What the loops for each generation of processors are given.
#pragma once

#include <cstdint>

namespace latent {

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
};

}  // namespace latent
