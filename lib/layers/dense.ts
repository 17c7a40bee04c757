/**
 * The dense layer: a product with a kernel, a bias, an activation.
 * Source: Keras's Dense and its defaults; Glorot & Bengio 2010.   Lesson: notebooks/01-dense-vae.
 */
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {activationNamed, type Activation} from './activations';
import type {Weights} from './weights';

export type {Activation};

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
  private readonly activation: ReturnType<typeof activationNamed>;

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
    this.activation = activationNamed('Dense', activation);
    this.kernel = tf.tidy(() => tf.variable(glorotUniform(inputs, units, random)));
    this.bias = tf.tidy(() => tf.variable(tf.zeros([units])));
  }

  /**
   * @param x [B, I] or [B, T, I]
   * @returns [B, U] or [B, T, U]
   * @throws ShapeError when x has another width than the kernel
   */
  apply(x: tf.Tensor2D): tf.Tensor2D;
  apply<X extends tf.Tensor2D | tf.Tensor3D>(x: X): X;
  apply<X extends tf.Tensor2D | tf.Tensor3D>(x: X): X {
    const wanted = x.rank === 3 ? 'B T I' : 'B I';
    sizes('Dense.apply', {kernel: 'I U', x: wanted}, {kernel: this.kernel, x});
    return tf.tidy(() => {
      const [inputs, units] = this.kernel.shape;
      const rows = x.reshape<tf.Tensor2D>([-1, inputs]); // one product, whatever the rank
      const sums = rows.matMul<tf.Tensor2D>(this.kernel).add<tf.Tensor2D>(this.bias);
      return this.activation(sums).reshape<X>([...x.shape.slice(0, -1), units]);
    });
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
