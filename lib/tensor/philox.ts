/**
 * The counter-based generator behind TensorFlow's stateless ops, number by number.
 * Source: Philox 4x32-10 (Salmon et al. 2011, SC '11), keyed as in TensorFlow's stateless_random_ops.cc.   Lesson: none.
 */

/** The round multipliers and key increments of Philox 4x32. */
const MULTIPLIER = [0xd2511f53, 0xcd9e8d57] as const;
const INCREMENT = [0x9e3779b9, 0xbb67ae85] as const;
/** The key with which TensorFlow scrambles a seed before it is used. */
const SCRAMBLE = [0x3ec8f720, 0x02461e29] as const;
const ROUNDS = 10;

type Four = [number, number, number, number];

/**
 * Random bits for a seed of two int32, in blocks of four.
 * @returns at least `size` words, rounded up to whole blocks
 */
export function philoxBlocks(first: number, second: number, size: number): Uint32Array {
  const high = (seed: number) => (seed < 0 ? 0xffffffff : 0); // sign extension to 64 bits
  const counter: Four = [first >>> 0, high(first), second >>> 0, high(second)];
  const [key0, key1, start0, start1] = philox(counter, SCRAMBLE[0], SCRAMBLE[1]);
  const bits = new Uint32Array(Math.ceil(size / 4) * 4);
  for (let block = 0; block * 4 < bits.length; block++) {
    const [low, overflow] = [block >>> 0, Math.floor(block / 2 ** 32)];
    bits.set(philox([low, overflow, start0, start1], key0, key1), block * 4);
  }
  return bits;
}

/** Uniforms in [0, 1): the low 23 bits are the fraction. */
export function unitUniforms(bits: Uint32Array): Float32Array {
  return Float32Array.from(bits, word => (word & 0x7fffff) / 2 ** 23);
}

/** Standard normals, two from each pair of words (Box and Muller). */
export function standardNormals(bits: Uint32Array): Float32Array {
  const normals = new Float32Array(bits.length);
  for (let index = 0; index + 1 < bits.length; index += 2) {
    const uniform = Math.max(((bits[index] ?? 0) & 0x7fffff) / 2 ** 23, 1e-7);
    const angle = (2 * Math.PI * ((bits[index + 1] ?? 0) & 0x7fffff)) / 2 ** 23;
    const radius = Math.sqrt(-2 * Math.log(uniform));
    normals[index] = radius * Math.sin(angle);
    normals[index + 1] = radius * Math.cos(angle);
  }
  return normals;
}

function philox(counter: Four, key0: number, key1: number): Four {
  let [a, b, c, d] = counter;
  for (let round = 0; round < ROUNDS; round++) {
    const [low0, high0] = multiply(MULTIPLIER[0], a);
    const [low1, high1] = multiply(MULTIPLIER[1], c);
    [a, b, c, d] = [(high1 ^ b ^ key0) >>> 0, low1, (high0 ^ d ^ key1) >>> 0, low0];
    key0 = (key0 + INCREMENT[0]) >>> 0;
    key1 = (key1 + INCREMENT[1]) >>> 0;
  }
  return [a, b, c, d];
}

/** The 64-bit product of two 32-bit words: low word, high word. */
function multiply(left: number, right: number): [number, number] {
  const product = BigInt(left) * BigInt(right);
  return [Number(product & 0xffffffffn), Number(product >> 32n)];
}
