/**
 * The feed-forward part of a transformer layer: wider, an activation, and back; at each position alone.
 * Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.3.   Lesson: notebooks/04.
 */
import type {Random} from '../tensor/random';
import {tf} from '../tensor/tf';
import type {Activation} from './activations';
import {Dense} from './dense';
import {joinWeights, type Weights} from './weights';

export interface FeedForwardConfig {
  /** D, the width of what goes in and comes out */
  readonly width: number;
  /** F, the width between */
  readonly hidden: number;
  /** 'gelu' unless given, as in BART; the first transformers had 'relu' */
  readonly activation?: Activation;
}

/** activation(x · W₁ + b₁) · W₂ + b₂ */
export class FeedForward {
  readonly hidden: Dense;
  readonly output: Dense;

  /** @throws RangeError when a width is no positive integer, or the activation is not known */
  constructor({width, hidden, activation = 'gelu'}: FeedForwardConfig, random: Random) {
    const wide = {inputs: width, units: hidden, activation};
    this.hidden = new Dense(wide, random.stream('hidden'));
    this.output = new Dense({inputs: hidden, units: width}, random.stream('output'));
  }

  /**
   * @param x [B, D] or [B, T, D]
   * @returns the same shape
   * @throws ShapeError when x has another width
   */
  apply<X extends tf.Tensor2D | tf.Tensor3D>(x: X): X {
    return tf.tidy(() => this.output.apply(this.hidden.apply(x)));
  }

  get weights(): Weights {
    return joinWeights({hidden: this.hidden, output: this.output});
  }

  dispose(): void {
    this.hidden.dispose();
    this.output.dispose();
  }
}
