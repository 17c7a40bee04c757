/**
 * Root mean square normalisation: every vector to mean square 1, then a learnt scale; no mean, no bias.
 * Source: Zhang & Sennrich 2019, arXiv:1910.07467; T5's layer norm (Raffel et al. 2020).   Lesson: notebooks/06-mmd-transformer-vae.
 */
import {ownKernels} from '../tensor/own-kernels';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {normaliseByKernel} from './norm-kernel';
import type {Weights} from './weights';

export interface RmsNormConfig {
  /** D, the length of the vectors */
  readonly width: number;
  /** Added to the mean square; 1e-6 unless given, as in T5 */
  readonly epsilon?: number;
}

/** x / √(mean(x²) + ε) ⊙ scale, over the last axis. */
export class RmsNorm {
  /** [D] */
  readonly scale: tf.Variable<tf.Rank.R1>;
  private readonly epsilon: number;

  /**
   * Starts with scale 1.
   * @throws RangeError when the width is no positive integer, or epsilon is not positive
   */
  constructor({width, epsilon = 1e-6}: RmsNormConfig) {
    if (!Number.isInteger(width) || width < 1) {
      throw new RangeError(`RmsNorm: width is ${width}, expected a positive integer.`);
    }
    if (!(epsilon > 0)) {
      throw new RangeError(`RmsNorm: epsilon is ${epsilon}, expected a number above 0.`);
    }
    this.epsilon = epsilon;
    this.scale = tf.tidy(() => tf.variable(tf.ones<tf.Rank.R1>([width])));
  }

  /**
   * @param x [B, D] or [B, T, D]
   * @returns the same shape
   * @throws ShapeError when x has another width
   */
  apply<X extends tf.Tensor2D | tf.Tensor3D>(x: X): X {
    const wanted = x.rank === 3 ? 'B T D' : 'B D';
    sizes('RmsNorm.apply', {scale: 'D', x: wanted}, {scale: this.scale, x});
    return tf.tidy(() => normalise(x, this.scale, this.epsilon) as X);
  }

  get weights(): Weights {
    return {scale: this.scale};
  }

  dispose(): void {
    this.scale.dispose();
  }
}

/**
 * With n = x / r, where r is the root, and g the gradient of n:
 *
 *   dx = (g − n mean(g ⊙ n)) / r
 */
function normalise(x: tf.Tensor, scale: tf.Tensor, epsilon: number): tf.Tensor {
  const call = ownKernels();
  if (call !== undefined) return normaliseByKernel(call, x, {scale, epsilon});
  const run = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [x, scale, save] = args as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const inverse = x.square().mean(-1, true).add(epsilon).rsqrt(); // 1 / r
    const normal = x.mul(inverse);
    save([normal, inverse, scale]);
    return {
      value: normal.mul(scale),
      gradFunc: (gradient: tf.Tensor, saved: tf.Tensor[]) => {
        const [normal, inverse, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        const vectors = Array.from({length: gradient.rank - 1}, (_, axis) => axis);
        const product = gradient.mul(normal);
        const along = product.mul(scale).mean(-1, true);
        const across = gradient.mul(scale).sub(normal.mul(along));
        return [across.mul(inverse), product.sum(vectors)];
      },
    };
  });
  return run(x, scale);
}
