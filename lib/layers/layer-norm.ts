/**
 * Layer normalisation: every vector to mean 0 and variance 1, then a learnt scale and bias.
 * Source: Ba, Kiros & Hinton 2016, arXiv:1607.06450; the biased variance, as in PyTorch and Keras.   Lesson: notebooks/04.
 */
import {ownKernels} from '../tensor/own-kernels';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {normaliseByKernel} from './norm-kernel';
import type {Weights} from './weights';

export interface LayerNormConfig {
  /** D, the length of the vectors */
  readonly width: number;
  /** Added to the variance; 1e-5 unless given, as in PyTorch and BART. Keras's layers often take 1e-6. */
  readonly epsilon?: number;
}

/** (x − mean) / √(variance + ε) ⊙ scale + bias, over the last axis. */
export class LayerNorm {
  /** [D]; Keras's gamma, PyTorch's weight */
  readonly scale: tf.Variable<tf.Rank.R1>;
  /** [D]; Keras's beta */
  readonly bias: tf.Variable<tf.Rank.R1>;
  private readonly epsilon: number;

  /**
   * Starts with scale 1 and bias 0.
   * @throws RangeError when the width is no positive integer, or epsilon is not positive
   */
  constructor({width, epsilon = 1e-5}: LayerNormConfig) {
    if (!Number.isInteger(width) || width < 1) {
      throw new RangeError(`LayerNorm: width is ${width}, expected a positive integer.`);
    }
    if (!(epsilon > 0)) {
      throw new RangeError(`LayerNorm: epsilon is ${epsilon}, expected a number above 0.`);
    }
    this.epsilon = epsilon;
    this.scale = tf.tidy(() => tf.variable(tf.ones<tf.Rank.R1>([width])));
    this.bias = tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R1>([width])));
  }

  /**
   * @param x [B, D] or [B, T, D]
   * @returns the same shape
   * @throws ShapeError when x has another width
   */
  apply<X extends tf.Tensor2D | tf.Tensor3D>(x: X): X {
    const wanted = x.rank === 3 ? 'B T D' : 'B D';
    sizes('LayerNorm.apply', {scale: 'D', x: wanted}, {scale: this.scale, x});
    return tf.tidy(() => normalise(x, this.scale, this.bias, this.epsilon) as X);
  }

  get weights(): Weights {
    return {scale: this.scale, bias: this.bias};
  }

  dispose(): void {
    this.scale.dispose();
    this.bias.dispose();
  }
}

/**
 * With n = (x − mean) / deviation and g the gradient of n, of N numbers a vector:
 *
 *   dx = (g − mean(g) − n mean(g ⊙ n)) / deviation
 */
function normalise(x: tf.Tensor, scale: tf.Tensor, bias: tf.Tensor, epsilon: number): tf.Tensor {
  const call = ownKernels();
  if (call !== undefined) return normaliseByKernel(call, x, {scale, bias, epsilon});
  const run = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [x, scale, bias, save] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const centred = x.sub(x.mean(-1, true));
    const inverse = centred.square().mean(-1, true).add(epsilon).rsqrt(); // 1 / deviation
    const normal = centred.mul(inverse);
    save([normal, inverse, scale]);
    return {
      value: normal.mul(scale).add(bias),
      gradFunc: (gradient: tf.Tensor, saved: tf.Tensor[]) => {
        const [normal, inverse, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        const vectors = Array.from({length: gradient.rank - 1}, (_, axis) => axis);
        const product = gradient.mul(normal);
        const ofNormal = gradient.mul(scale);
        const along = product.mul(scale).mean(-1, true);
        const across = ofNormal.sub(ofNormal.mean(-1, true)).sub(normal.mul(along));
        return [across.mul(inverse), product.sum(vectors), gradient.sum(vectors)];
      },
    };
  });
  return run(x, scale, bias);
}
