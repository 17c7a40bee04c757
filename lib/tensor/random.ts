/**
 * Seeded randomness: one seed, split into named streams, the same numbers on every backend.
 * Source: xoroshiro128+ (Blackman & Vigna 2018); Box & Muller 1958.   Lesson: notebooks/00-orientation.
 */
import prand, {type RandomGenerator} from 'pure-rand';
import {tensor, type Rank, type ShapeMap, type Tensor} from '@tensorflow/tfjs';

/**
 * A source of random numbers that depends on its seed and its name only.
 *
 *   const random = new Random(42);
 *   const epsilon = random.stream('posterior noise').normals([32, 20]);
 */
export class Random {
  private readonly generator: RandomGenerator;
  private spare: number | undefined;

  /**
   * @param seed an integer
   * @param name the stream's name; '' for the root
   * @throws RangeError when the seed is no safe integer
   */
  constructor(
    readonly seed: number,
    readonly name = '',
  ) {
    if (!Number.isSafeInteger(seed)) {
      throw new RangeError(`Random: seed is ${seed}, expected an integer.`);
    }
    this.generator = prand.xoroshiro128plus(hash(`${seed}/${name}`));
  }

  /** An independent stream: the same seed and name give the same numbers, whatever was drawn before. */
  stream(name: string): Random {
    return new Random(this.seed, `${this.name}/${name}`);
  }

  /** A number in [0, 1), with 32 random bits. */
  uniform(): number {
    return (this.generator.unsafeNext() >>> 0) / 2 ** 32;
  }

  /** A draw from the standard normal distribution. */
  normal(): number {
    if (this.spare !== undefined) {
      const value = this.spare;
      this.spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** An integer in 0 … below − 1. @throws RangeError when below is no positive integer under 2³² */
  integer(below: number): number {
    if (!Number.isInteger(below) || below < 1 || below > 2 ** 32) {
      throw new RangeError(
        `Random.integer: below is ${below}, expected an integer from 1 to 2^32.`,
      );
    }
    return Math.floor(this.uniform() * below);
  }

  /** 0 … length − 1 in random order (Fisher–Yates). */
  permutation(length: number): Int32Array {
    const order = Int32Array.from({length}, (_, index) => index);
    for (let last = length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const moved = order[last]!;
      order[last] = order[other]!;
      order[other] = moved;
    }
    return order;
  }

  /** A float32 tensor of uniforms in [low, high). Caller disposes. */
  uniforms<R extends Rank>(shape: ShapeMap[R], low = 0, high = 1): Tensor<R> {
    return this.fill(shape, () => low + (high - low) * this.uniform());
  }

  /** A float32 tensor of standard normals. Caller disposes. */
  normals<R extends Rank>(shape: ShapeMap[R]): Tensor<R> {
    return this.fill(shape, () => this.normal());
  }

  private fill<R extends Rank>(shape: ShapeMap[R], draw: () => number): Tensor<R> {
    const size = (shape as number[]).reduce((product, length) => product * length, 1);
    return tensor(Float32Array.from({length: size}, draw), shape, 'float32');
  }
}

/** FNV-1a: a 32-bit number from a text, so that each named stream starts elsewhere. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value;
}
