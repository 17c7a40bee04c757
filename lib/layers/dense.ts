/**
 * The dense layer: a product with a kernel, a bias, an activation.
 * Source: Keras's Dense and its defaults; Glorot & Bengio 2010.   Lesson: notebooks/01-dense-vae.
 */
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import type {Weights} from './weights';

const ACTIVATIONS = {
  linear: (x: tf.Tensor2D): tf.Tensor2D => x,
  relu: (x: tf.Tensor2D): tf.Tensor2D => x.relu(),
  tanh: (x: tf.Tensor2D): tf.Tensor2D => x.tanh(),
  sigmoid: (x: tf.Tensor2D): tf.Tensor2D => x.sigmoid(),
} as const;

/** What a layer does to its sums. */
export type Activation = keyof typeof ACTIVATIONS;

export interface DenseConfig {
  /** I, the width of what goes in */
  readonly inputs: number;
  /** U, the width of what comes out */
  readonly units: number;
  /** 'linear' unless given, as in Keras */
  readonly activation?: Activation;
}

/** activation(x · kernel + bias) */
export class Dense {
  /** [I, U] */
  readonly kernel: tf.Variable<tf.Rank.R2>;
  /** [U] */
  readonly bias: tf.Variable<tf.Rank.R1>;
  private readonly activation: Activation;

  /**
   * Starts as Keras does: a Glorot uniform kernel and a bias of zero.
   * @throws RangeError when a width is no positive integer, or the activation is not known
   */
  constructor({inputs, units, activation = 'linear'}: DenseConfig, random: Random) {
    for (const [name, width] of Object.entries({inputs, units})) {
      if (!Number.isInteger(width) || width < 1) {
        throw new RangeError(`Dense: ${name} is ${width}, expected a positive integer.`);
      }
    }
    if (!Object.hasOwn(ACTIVATIONS, activation)) {
      const known = Object.keys(ACTIVATIONS).join(', ');
      throw new RangeError(`Dense: activation is "${activation}", expected one of ${known}.`);
    }
    this.activation = activation;
    this.kernel = tf.tidy(() => tf.variable(glorotUniform(inputs, units, random)));
    this.bias = tf.tidy(() => tf.variable(tf.zeros([units])));
  }

  /**
   * @param x [B, I]
   * @returns [B, U]
   * @throws ShapeError when x has another width than the kernel
   */
  apply(x: tf.Tensor2D): tf.Tensor2D {
    sizes('Dense.apply', {kernel: 'I U', x: 'B I'}, {kernel: this.kernel, x});
    return tf.tidy(() =>
      ACTIVATIONS[this.activation](x.matMul<tf.Tensor2D>(this.kernel).add(this.bias)),
    );
  }

  get weights(): Weights {
    return {kernel: this.kernel, bias: this.bias};
  }

  dispose(): void {
    this.kernel.dispose();
    this.bias.dispose();
  }
}

/**
 * Uniform in ±√(6 / (inputs + units)): the variance of the sums stays about the same, layer after
 * layer, forwards and backwards.
 * @returns [I, U]; caller disposes
 * @see Glorot & Bengio (2010), eq. 16 — https://proceedings.mlr.press/v9/glorot10a.html
 */
export function glorotUniform(inputs: number, units: number, random: Random): tf.Tensor2D {
  const limit = Math.sqrt(6 / (inputs + units));
  return random.uniforms([inputs, units], -limit, limit);
}
