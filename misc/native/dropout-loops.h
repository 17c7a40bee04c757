// The loops of dropout.h.

// Four 32-bit words, each in the low half of its place; what is above them is left as it falls.
typedef uint64_t Words __attribute__((vector_size(32)));

inline Words Widened(Words x, uint32_t factor) {
#if defined(LATENT_AVX2)
  return reinterpret_cast<Words>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(x), _mm256_set1_epi64x(factor)));
#else
  return (x & 0xffffffffu) * static_cast<uint64_t>(factor);
#endif
}

// Blocks of Philox 4x32-10 at once, and how many numbers they give.
constexpr int kBlocks = 8;
constexpr int kDrawn = 4 * kBlocks;

// The random words of the blocks from `first` on, block by block, four words each.
inline void PhiloxWords(const PhiloxStart& start, uint64_t first, uint32_t* words) {
  constexpr int kVectors = kBlocks / 4;
  Words a[kVectors], b[kVectors], c[kVectors], d[kVectors];
  for (int n = 0; n < kVectors; n++) {
    a[n] = Words{0, 1, 2, 3} + (first + 4 * n);
    b[n] = a[n] >> 32;
    c[n] = Words{} + start.counter[0];
    d[n] = Words{} + start.counter[1];
  }
  uint32_t key0 = start.key[0], key1 = start.key[1];
  for (int round = 0; round < 10; round++) {
    for (int n = 0; n < kVectors; n++) {
      const Words left = Widened(a[n], 0xd2511f53u), right = Widened(c[n], 0xcd9e8d57u);
      a[n] = (right >> 32) ^ b[n] ^ static_cast<uint64_t>(key0);
      b[n] = right;
      c[n] = (left >> 32) ^ d[n] ^ static_cast<uint64_t>(key1);
      d[n] = left;
    }
    key0 += 0x9e3779b9u;
    key1 += 0xbb67ae85u;
  }
  for (int block = 0; block < kBlocks; block++) {
    const Words each[4] = {a[block / 4], b[block / 4], c[block / 4], d[block / 4]};
    for (int word = 0; word < 4; word++) {
      words[4 * block + word] = static_cast<uint32_t>(each[word][block % 4]);
    }
  }
}

// y = x · scale where a uniform number is at least `rate`, else 0, from the number `from`, which is a
// multiple of four, to `to`; and what is added, unless it is null. y may be x.
inline void Drop(const float* x, const float* added, float* y, int64_t from, int64_t to,
                 const PhiloxStart& start, float rate, float scale) {
  uint32_t words[kDrawn];
  for (int64_t at = from; at < to; at += kDrawn) {
    PhiloxWords(start, static_cast<uint64_t>(at) / 4, words);
    const int64_t count = std::min<int64_t>(kDrawn, to - at);
    for (int64_t i = 0; i < count; i++) {
      const float uniform = static_cast<float>(static_cast<int32_t>(words[i] & 0x7fffffu)) * 0x1p-23f;
      y[at + i] = x[at + i] * (uniform >= rate ? scale : 0.0f);
    }
    for (int64_t i = 0; added != nullptr && i < count; i++) y[at + i] += added[at + i];
  }
}
