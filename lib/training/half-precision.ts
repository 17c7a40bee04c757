/**
 * Half-precision numbers widened to single precision: IEEE's 16 bits and Google's bfloat16.
 * Source: IEEE 754-2019, binary16; bfloat16 is the upper half of a binary32.   Lesson: none; checkpoints use it.
 */

/** binary16 (1 sign, 5 exponent, 10 fraction bits) as float32: exact. */
export function widenFloat16(bits: Uint16Array): Float32Array {
  table ??= Float32Array.from({length: 2 ** 16}, (_, pattern) => fromFloat16(pattern));
  const wide = new Float32Array(bits.length);
  for (let index = 0; index < bits.length; index++) wide[index] = table[bits[index]!]!;
  return wide;
}

/** bfloat16 (1 sign, 8 exponent, 7 fraction bits) as float32: exact. */
export function widenBfloat16(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length);
  for (let index = 0; index < bits.length; index++) wide[index] = bits[index]! << 16;
  return new Float32Array(wide.buffer);
}

/** All 65,536 patterns, made when first needed. */
let table: Float32Array | undefined;

function fromFloat16(pattern: number): number {
  const sign = pattern >>> 15 === 1 ? -1 : 1;
  const exponent = (pattern >>> 10) & 0x1f;
  const fraction = (pattern & 0x3ff) / 2 ** 10;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -14; // subnormal
  return sign * (1 + fraction) * 2 ** (exponent - 15);
}
