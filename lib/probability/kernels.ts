/**
 * Kernels that compare two points by their squared distance: Gaussian, and inverse multiquadratic.
 * Source: Gretton et al. 2012; Tolstikhin et al. 2018 (WAE); seed 003's compute_kernel.   Lesson: notebooks/06-mmd-transformer-vae.
 *
 * A kernel is given by how far it falls from its value at distance 0. Estimators of the maximum mean
 * discrepancy add kernel values with weights whose sum is 0, so they need no more, and where a wide
 * kernel is 0.997 everywhere, its falls keep the digits that differences of its values would lose.
 */
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/** k(x, y) as a function of ‖x − y‖² alone. */
export interface Kernel {
  /** k(0): 1, or the number of scales in a sum of several. */
  readonly atZero: number;
  /** k(0) − k(‖x − y‖²), elementwise and ≥ 0. @param squared [M, N] squared distances */
  fall(squared: tf.Tensor2D): tf.Tensor2D;
}

/**
 * The Gaussian kernel.
 *
 *   k(x, y) = exp(−‖x − y‖² / twoVariance)
 *
 * @param twoVariance 2σ², a number above 0; a scalar where it is an input of a compiled step
 * @throws RangeError when it is a number and not positive
 */
export function gaussianKernel(twoVariance: number | tf.Scalar): Kernel {
  if (typeof twoVariance === 'number') positive('gaussianKernel', 'twoVariance', twoVariance);
  return {
    atZero: 1,
    fall: squared => tf.tidy(() => squared.div<tf.Tensor2D>(twoVariance).neg().expm1().neg()),
  };
}

/**
 * The seed's kernel: a mean over the D coordinates, divided by D once more.
 *
 *   k(x, y) = exp(−(1/D) Σⱼ (xⱼ − yⱼ)² / D) = exp(−‖x − y‖² / D²)
 *
 * Two draws of N(0, I) lie at a squared distance of about 2D, so it tends to 1 everywhere as D grows:
 * 0.974 on average at the seed's D of 77. It can then hardly tell a code from a constant.
 *
 * @param width D
 */
export function seedKernel(width: number): Kernel {
  positive('seedKernel', 'width', width);
  return gaussianKernel(width ** 2);
}

/**
 * The Gaussian kernel as wide as the prior: 2σ² = 2D, the mean squared distance of two of its draws.
 * @param width D
 */
export function priorKernel(width: number): Kernel {
  positive('priorKernel', 'width', width);
  return gaussianKernel(2 * width);
}

/** The scales of `imqKernel` unless others are given. */
export const IMQ_SCALES: readonly number[] = [0.1, 0.2, 0.5, 1, 2, 5, 10];

/**
 * The inverse multiquadratic kernel, summed over scales: its tails still see codes far away.
 *
 *   k(x, y) = Σₛ s·C / (s·C + ‖x − y‖²),   C = 2D
 *
 * @param width  D
 * @param scales s, `IMQ_SCALES` unless given
 * @see Tolstikhin et al. (2018), sect. 4 — https://arxiv.org/abs/1711.01558
 */
export function imqKernel(width: number, scales: readonly number[] = IMQ_SCALES): Kernel {
  positive('imqKernel', 'width', width);
  if (scales.length === 0) throw new RangeError('imqKernel: scales is empty.');
  for (const scale of scales) positive('imqKernel', 'a scale', scale);
  return {
    atZero: scales.length,
    fall: squared =>
      tf.tidy(() => {
        const falls = scales.map(scale => squared.div<tf.Tensor2D>(squared.add(2 * width * scale)));
        return falls.reduce((sum, next) => sum.add(next)); // r² / (sC + r²) = 1 − sC / (sC + r²)
      }),
  };
}

/**
 * ‖xᵢ − xⱼ‖² for all pairs, from one product of the centred rows with themselves.
 * @param x [P, D]
 * @returns [P, P], ≥ 0, symmetric
 */
export function squaredDistances(x: tf.Tensor2D): tf.Tensor2D {
  sizes('squaredDistances', {x: 'P D'}, {x});
  return tf.tidy(() => {
    const centred = x.sub<tf.Tensor2D>(x.mean(0, true)); // distances stay, digits are saved
    const norms = centred.square().sum<tf.Tensor2D>(1, true); // [P, 1]
    const products = centred.matMul<tf.Tensor2D>(centred, false, true); // [P, P]
    return norms.add(norms.transpose()).sub(products.mul(2)).relu();
  });
}

/**
 * The median of ‖xᵢ − xⱼ‖² over the pairs i < j: a `twoVariance` that fits the data (the median
 * heuristic). It reads the values, so inside a compiled step it must arrive as an input.
 *
 * @param x [P, D], two rows at least
 * @returns the lower median, a number
 * @see Gretton et al. (2012), sect. 8 — https://jmlr.org/papers/v13/gretton12a.html
 */
export function medianSquaredDistance(x: tf.Tensor2D): number {
  const {P} = sizes('medianSquaredDistance', {x: 'P D'}, {x});
  if (P < 2) throw new RangeError(`medianSquaredDistance: ${P} row, expected two at least.`);
  const distances = squaredDistances(x);
  const values = distances.dataSync();
  distances.dispose();
  const pairs = Float32Array.from({length: (P * (P - 1)) / 2});
  let next = 0;
  for (let row = 0; row < P; row++) {
    for (let column = row + 1; column < P; column++)
      pairs[next++] = values[row * P + column] ?? NaN;
  }
  pairs.sort();
  return pairs[(pairs.length - 1) >> 1] ?? NaN;
}

function positive(where: string, name: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new RangeError(`${where}: ${name} is ${value}, expected a number above 0.`);
}
