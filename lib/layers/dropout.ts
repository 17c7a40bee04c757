/**
 * Dropout whose noise depends on a seed tensor alone, and how one seed becomes many.
 * Source: Srivastava et al. 2014; splitting as in JAX's random keys.   Lesson: notebooks/04.
 *
 * A training step takes one seed as an input, [2] int32, another at every step. A model splits it, one
 * for each layer, and a layer splits its own, one for each place where it drops: no two share noise.
 */
import {ownKernels, type KernelCall} from '../tensor/own-kernels';
import {sizes} from '../tensor/shapes';
import {statelessUniform} from '../tensor/stateless-random';
import {tf} from '../tensor/tf';

/** How much to drop, and the noise that decides what. */
export interface DropoutNoise {
  /** The share of numbers that become 0 */
  readonly rate: number;
  /** [2] int32 */
  readonly seed: tf.Tensor1D;
}

/**
 * Sets a random share of the numbers to 0 and divides the rest by the share that is left, so that the
 * mean stays. For training only: leave it out when evaluating.
 *
 * @param x    any shape
 * @param rate 0 ≤ rate < 1; 0 gives x back
 * @param seed [2] int32
 * @returns the same shape
 * @throws RangeError when the rate is not in [0, 1), ShapeError when the seed is not [2]
 */
export function dropout<X extends tf.Tensor>(x: X, rate: number, seed: tf.Tensor1D): X {
  sizes('dropout', {seed: '2'}, {seed});
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`dropout: rate is ${rate}, expected a number from 0 to below 1.`);
  }
  if (rate === 0) return x.clone();
  const call = ownKernels();
  if (call !== undefined) return dropByKernel(call, x, rate, seed) as X;
  return tf.tidy(() => {
    const isKept = statelessUniform(x.shape, seed).greaterEqual(rate).cast('float32');
    return x.mul<X>(isKept.mul(1 / (1 - rate)));
  });
}

/** Dropout where there is noise, and x as it is where there is none: when evaluating. */
export function dropoutIf<X extends tf.Tensor>(x: X, noise: DropoutNoise | undefined): X {
  return noise === undefined ? x.clone() : dropout(x, noise.rate, noise.seed);
}

/**
 * Seeds drawn from a seed: independent of each other and of it, so that they can be split again.
 * @param seed  [2] int32; do not draw from it afterwards
 * @param count how many
 * @returns so many seeds, [2] int32 each; caller disposes
 * @throws ShapeError when the seed is not [2], RangeError when count is no positive integer
 */
export function splitSeed(seed: tf.Tensor1D, count: number): tf.Tensor1D[] {
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`splitSeed: count is ${count}, expected a positive integer.`);
  }
  return tf.tidy(() => {
    const uniforms = statelessUniform<tf.Rank.R2>([count, 2], seed); // multiples of 2⁻²³
    return tf.unstack(uniforms.mul(2 ** 23).cast('int32')) as tf.Tensor1D[];
  });
}

/** The same numbers, drawn and compared in one pass of misc/native/dropout.h, again for the gradient. */
function dropByKernel(call: KernelCall, x: tf.Tensor, rate: number, seed: tf.Tensor1D): tf.Tensor {
  const drop = (...given: tf.Tensor[]) => call('LatentDropout', given, 1)[0]!;
  const run = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [x, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const settings = tf.tensor1d([rate, 1 / (1 - rate)]);
    save([seed, settings]);
    return {
      value: drop(x, seed, settings),
      gradFunc: (gradient: tf.Tensor, saved: tf.Tensor[]) => drop(gradient, ...saved),
    };
  });
  return run(x);
}

/** The same noise for several places: as many as asked for, or none where there is none. */
export function splitNoise(
  noise: DropoutNoise | undefined,
  count: number,
): (DropoutNoise | undefined)[] {
  if (noise === undefined || noise.rate === 0) return Array.from({length: count}, () => undefined);
  return splitSeed(noise.seed, count).map(seed => ({rate: noise.rate, seed}));
}
