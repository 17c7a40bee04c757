/**
 * Pseudo-self-attention: a latent is one more key and value, in front of the sequence's own; and its masks.
 * Source: Ziegler et al. 2019, arXiv:1908.06938, eq. 5; the class of that name in seed 000.   Lesson: notebooks/05-transformer-vae.
 */
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {joinKeysAndValues, MultiHeadAttention} from './attention';
import type {Attended, KeysAndValues} from './attention';
import {Dense} from './dense';
import {causalMask} from './masks';
import {joinWeights, type Weights} from './weights';

export interface LatentPrefixConfig {
  /** L */
  readonly latents: number;
  /** D, the width of the attention that it serves */
  readonly width: number;
  /** H; divides the width */
  readonly heads: number;
}

/** The key and the value that a latent has for one attention layer. */
export class LatentPrefix {
  readonly both: Dense;

  /** @throws RangeError when a size is no positive integer, or the heads do not divide the width */
  constructor(
    readonly config: LatentPrefixConfig,
    random: Random,
  ) {
    const {latents, width, heads} = config;
    if (!Number.isInteger(heads) || heads < 1 || width % heads !== 0) {
      throw new RangeError(
        `LatentPrefix: heads is ${heads}, expected a divisor of the width ${width}.`,
      );
    }
    this.both = new Dense({inputs: latents, units: 2 * width}, random);
  }

  /**
   * @param z [B, L]
   * @returns [B, H, 1, Dh] each; what a decoder layer takes as its `past`; caller disposes
   * @throws ShapeError when z has another width
   */
  apply(z: tf.Tensor2D): KeysAndValues {
    const {latents, heads} = this.config;
    const {B} = sizes('LatentPrefix.apply', {z: `B ${latents}`}, {z});
    return tf.tidy(() => {
      const inHeads = this.both.apply(z).reshape([B, 2 * heads, 1, -1]); // keys, then values
      const [key, value] = tf.split(inHeads, 2, 1) as [tf.Tensor4D, tf.Tensor4D];
      return {key, value}; // 2 × [B, H, 1, Dh]
    });
  }

  get weights(): Weights {
    return this.both.weights;
  }

  dispose(): void {
    this.both.dispose();
  }
}

/** softmax(Q [k(z); K]ᵀ / √Dh − 10⁹ · mask) [v(z); V], in heads, with projections before and after. */
export class PseudoSelfAttention {
  readonly attention: MultiHeadAttention;
  readonly latent: LatentPrefix;

  /** @throws RangeError when a size is no positive integer, or the heads do not divide the width */
  constructor({latents, width, heads}: LatentPrefixConfig, random: Random) {
    this.attention = new MultiHeadAttention({width, heads}, random.stream('attention'));
    this.latent = new LatentPrefix({latents, width, heads}, random.stream('latent'));
  }

  /**
   * @param x    [B, T, D]
   * @param z    [B, L]
   * @param mask 1 where a key is hidden; broadcastable to [B, H, T, 1 + T]: see `latentCausalMask`
   * @returns output [B, T, D] and weights [B, H, T, 1 + T], the latent's column first
   * @throws ShapeError when a width is another, the batches differ, or the mask does not broadcast
   */
  apply(x: tf.Tensor3D, z: tf.Tensor2D, mask?: tf.Tensor4D): Attended<tf.Tensor3D> {
    return tf.tidy(() => {
      const own = this.attention.project({key: x, value: x}); // 2 × [B, H, T, Dh]
      const to = joinKeysAndValues(this.latent.apply(z), own); // 2 × [B, H, 1 + T, Dh]
      const {output, weights} = this.attention.attend({query: x, to, mask});
      return {output, weights};
    });
  }

  get weights(): Weights {
    return joinWeights({attention: this.attention, latent: this.latent});
  }

  dispose(): void {
    this.attention.dispose();
    this.latent.dispose();
  }
}

/**
 * Hides the future and nothing else: a token sees the latent, those before it, and itself.
 *
 *   maskᵢⱼ = 1 iff j > i + 1,   column 0 is the latent
 *
 * @param steps T
 * @returns [1, 1, T, 1 + T]
 * @throws RangeError when steps is no positive integer
 */
export function latentCausalMask(steps: number): tf.Tensor4D {
  return causalMask(steps, 1);
}

/**
 * The mask of seed 000, off by one: it also hides each token from itself.
 *
 *   maskᵢⱼ = 1 iff j > i
 *
 * The seed takes the lower triangle of a table of T × (1 + T), whose diagonal is one column too far
 * left for a latent in front.
 *
 * @param steps T
 * @returns [1, 1, T, 1 + T]
 * @throws RangeError when steps is no positive integer
 */
export function sourceLatentMask(steps: number): tf.Tensor4D {
  return tf.tidy(() => {
    const table = causalMask(steps + 1); // [1, 1, 1 + T, 1 + T]
    return table.slice<tf.Tensor4D>([0, 0, 0, 0], [1, 1, steps, steps + 1]);
  });
}

/**
 * A mask of keys with a column in front for the latent, which is never hidden.
 * @param mask [B, H, Tq, T]
 * @returns [B, H, Tq, 1 + T]
 */
export function withLatentColumn(mask: tf.Tensor4D): tf.Tensor4D {
  return tf.pad4d(mask, [
    [0, 0],
    [0, 0],
    [0, 0],
    [1, 0],
  ]);
}
