/**
 * The Gaussian likelihood of pixels: squared error with its variance said, or with the best variance.
 * Source: Rybkin, Daniilidis & Levine 2021 (the optimal variance).   Lesson: notebooks/01-dense-vae.
 */
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/**
 * Sum of squared errors, an example.
 * @param x    [B, D]
 * @param xHat [B, D]
 * @returns [B]; summed over pixels
 * @throws ShapeError when the two shapes differ
 */
export function squaredError(x: tf.Tensor2D, xHat: tf.Tensor2D): tf.Tensor1D {
  sizes('squaredError', {x: 'B D', xHat: 'B D'}, {x, xHat});
  return tf.tidy(() => x.sub(xHat).square().sum<tf.Tensor1D>(1)); // [B]
}

/**
 * Negative log likelihood under N(xHat, variance · I).
 *
 *   −log p(x | xHat) = ‖x − xHat‖² / (2 σ²) + (D / 2) log(2π σ²)
 *
 * It is a density: with a small variance it falls below zero.
 *
 * @param x        [B, D]
 * @param xHat     [B, D] the mean
 * @param variance σ², the same for every pixel
 * @returns [B] in nats; summed over pixels
 * @throws ShapeError when the two shapes differ; RangeError when the variance is not positive
 */
export function gaussianNegativeLogLikelihood(
  x: tf.Tensor2D,
  xHat: tf.Tensor2D,
  variance: number,
): tf.Tensor1D {
  const {D} = sizes('gaussianNegativeLogLikelihood', {x: 'B D', xHat: 'B D'}, {x, xHat});
  if (!(variance > 0 && variance < Infinity)) {
    throw new RangeError(
      `gaussianNegativeLogLikelihood: variance is ${variance}, expected a positive number.`,
    );
  }
  const constant = (D / 2) * Math.log(2 * Math.PI * variance);
  return tf.tidy(() =>
    squaredError(x, xHat)
      .div(2 * variance)
      .add(constant),
  ); // [B]
}

/** What `optimalGaussianNegativeLogLikelihood` returns. */
export interface OptimalGaussian {
  /** [B] in nats; summed over pixels */
  readonly negativeLogLikelihood: tf.Tensor1D;
  /** σ² = the mean squared error of this batch, or the floor */
  readonly variance: tf.Scalar;
}

/**
 * Negative log likelihood under the one variance that makes this batch most likely, σ² = MSE.
 *
 * Nothing is left to weigh: squared error and KL meet in nats. The batch's mean is
 * (D/2) (1 + log(2π σ²)), whose gradient with respect to xHat is that of the fixed-variance loss at σ².
 *
 * @param x     [B, D]
 * @param xHat  [B, D] the mean
 * @param floor least variance; grey levels are steps of 1/255, so errors below (1/255)²/12 ≈ 1e-6 say nothing
 * @throws ShapeError when the two shapes differ; RangeError when the floor is not positive
 * @see Rybkin et al. (2021), sect. 3 — https://arxiv.org/abs/2006.13202
 */
export function optimalGaussianNegativeLogLikelihood(
  x: tf.Tensor2D,
  xHat: tf.Tensor2D,
  floor = 1e-6,
): OptimalGaussian {
  const {D} = sizes('optimalGaussianNegativeLogLikelihood', {x: 'B D', xHat: 'B D'}, {x, xHat});
  if (!(floor > 0)) {
    throw new RangeError(
      `optimalGaussianNegativeLogLikelihood: floor is ${floor}, expected a positive number.`,
    );
  }
  return tf.tidy(() => {
    const error = squaredError(x, xHat); // [B]
    const variance = error.mean<tf.Scalar>().div<tf.Scalar>(D).maximum<tf.Scalar>(floor); // []
    const logTerm = variance
      .mul(2 * Math.PI)
      .log()
      .mul(D / 2); // []
    return {negativeLogLikelihood: error.div(variance.mul(2)).add<tf.Tensor1D>(logTerm), variance};
  });
}
