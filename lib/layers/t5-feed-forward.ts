/**
 * T5's feed-forward part by itself: normalised before, added to what it was given, without biases.
 * Source: Raffel et al. 2020, arXiv:1910.10683; Transformers' T5LayerFF, seed 003's t5_norm.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {Linear} from './linear';
import {RmsNorm} from './rms-norm';
import {joinWeights, type Weights} from './weights';

export interface T5FeedForwardConfig {
  /** D */
  readonly width: number;
  /** F, the width inside */
  readonly hidden: number;
}

/** x + narrow(relu(wide(norm(x)))) */
export class T5FeedForward {
  private readonly norm: RmsNorm;
  private readonly wide: Linear;
  private readonly narrow: Linear;

  /** @throws RangeError when a width is no positive integer */
  constructor({width, hidden}: T5FeedForwardConfig, random: Random) {
    this.norm = new RmsNorm({width});
    this.wide = new Linear({inputs: width, units: hidden}, random.stream('wide'));
    this.narrow = new Linear({inputs: hidden, units: width}, random.stream('narrow'));
  }

  /**
   * @param x [B, T, D]
   * @returns [B, T, D]
   * @throws ShapeError when x has another width
   */
  apply(x: tf.Tensor3D): tf.Tensor3D {
    sizes('T5FeedForward.apply', {kernel: 'D F', x: 'B T D'}, {kernel: this.wide.kernel, x});
    return tf.tidy(() => x.add(this.narrow.apply(this.wide.apply(this.norm.apply(x)).relu())));
  }

  get weights(): Weights {
    const {norm, wide, narrow} = this;
    return joinWeights({norm, wide, narrow});
  }

  dispose(): void {
    for (const part of [this.norm, this.wide, this.narrow]) part.dispose();
  }
}
