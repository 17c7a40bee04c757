/**
 * A product with a kernel and nothing else: the dense layer of T5, which has no biases.
 * Source: Raffel et al. 2020, arXiv:1910.10683, section 2.1.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import type {Weights} from './weights';

export interface LinearConfig {
  /** I, the width of what goes in */
  readonly inputs: number;
  /** U, the width of what comes out */
  readonly units: number;
  /** Standard deviation of the kernel at the start; I^−½ unless given */
  readonly deviation?: number;
}

/** x · kernel */
export class Linear {
  /** [I, U] */
  readonly kernel: tf.Variable<tf.Rank.R2>;

  /**
   * Starts with a normal kernel.
   * @throws RangeError when a width is no positive integer
   */
  constructor({inputs, units, deviation = inputs ** -0.5}: LinearConfig, random: Random) {
    for (const [name, width] of Object.entries({inputs, units})) {
      if (!Number.isInteger(width) || width < 1) {
        throw new RangeError(`Linear: ${name} is ${width}, expected a positive integer.`);
      }
    }
    const start = () => random.normals<tf.Rank.R2>([inputs, units]).mul<tf.Tensor2D>(deviation);
    this.kernel = tf.tidy(() => tf.variable(start()));
  }

  /**
   * @param x [B, I] or [B, T, I]
   * @returns [B, U] or [B, T, U]
   * @throws ShapeError when x has another width than the kernel
   */
  apply<X extends tf.Tensor2D | tf.Tensor3D>(x: X): X {
    const wanted = x.rank === 3 ? 'B T I' : 'B I';
    sizes('Linear.apply', {kernel: 'I U', x: wanted}, {kernel: this.kernel, x});
    return tf.tidy(() => {
      const [inputs, units] = this.kernel.shape;
      const rows = x.reshape<tf.Tensor2D>([-1, inputs]);
      return rows.matMul(this.kernel).reshape<X>([...x.shape.slice(0, -1), units]);
    });
  }

  get weights(): Weights {
    return {kernel: this.kernel};
  }

  dispose(): void {
    this.kernel.dispose();
  }
}
