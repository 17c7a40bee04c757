/**
 * The maximum mean discrepancy: how far apart two distributions are, from a sample of each.
 * Source: Gretton et al. 2012, lemma 6; Zhao et al. 2019 (InfoVAE), eq. 6; seed 003's reg_loss.   Lesson: notebooks/06-mmd-transformer-vae.
 *
 * It is a number about a batch and has no unit: it is not in nats, and no term of a bound on log p(x).
 */
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {squaredDistances, type Kernel} from './kernels';

/**
 * The unbiased estimate, without the kernel of a point with itself.
 *
 *   1/(M(M−1)) Σᵢ≠ⱼ k(xᵢ, xⱼ) + 1/(N(N−1)) Σᵢ≠ⱼ k(yᵢ, yⱼ) − 2/(MN) Σᵢⱼ k(xᵢ, yⱼ)
 *
 * Its mean over samples is the squared MMD, which is 0 only where the distributions are equal (for the
 * kernels here); so between equal distributions it is negative about half the time.
 *
 * @param x [M, D], at least two rows
 * @param y [N, D], at least two rows
 * @returns [] for the whole batch
 * @throws ShapeError when the widths differ, RangeError when a sample has one row
 * @see Gretton et al. (2012), eq. 3 — https://jmlr.org/papers/v13/gretton12a.html
 */
export function unbiasedMmd(x: tf.Tensor2D, y: tf.Tensor2D, kernel: Kernel): tf.Scalar {
  const {M, N} = sizes('unbiasedMmd', {x: 'M D', y: 'N D'}, {x, y});
  if (M < 2 || N < 2) {
    throw new RangeError(`unbiasedMmd: samples of ${M} and ${N}, expected two rows at least.`);
  }
  return blockMeans(x, y, kernel, M * (M - 1), N * (N - 1));
}

/**
 * The biased estimate, as in the seed: each point is compared with itself too.
 *
 *   1/M² Σᵢⱼ k(xᵢ, xⱼ) + 1/N² Σᵢⱼ k(yᵢ, yⱼ) − 2/(MN) Σᵢⱼ k(xᵢ, yⱼ)
 *
 * Never negative, and between equal distributions (k(0) − mean k) (1/M + 1/N) in the mean.
 *
 * @param x [M, D]
 * @param y [N, D]
 * @returns [] for the whole batch
 * @throws ShapeError when the widths differ
 */
export function biasedMmd(x: tf.Tensor2D, y: tf.Tensor2D, kernel: Kernel): tf.Scalar {
  const {M, N} = sizes('biasedMmd', {x: 'M D', y: 'N D'}, {x, y});
  return blockMeans(x, y, kernel, M * M, N * N);
}

/**
 * Sums of falls over the four blocks of pairs, each divided by how many values of k its mean has. A
 * point falls by 0 to itself, so the two estimates differ in their divisors only.
 */
function blockMeans(
  x: tf.Tensor2D,
  y: tf.Tensor2D,
  kernel: Kernel,
  pairsOfX: number,
  pairsOfY: number,
): tf.Scalar {
  const [M, N] = [x.shape[0], y.shape[0]];
  return tf.tidy(() => {
    const falls = kernel.fall(squaredDistances(tf.concat2d([x, y], 0))); // [M+N, M+N]
    const column = (ofX: 0 | 1, ofY: 0 | 1): tf.Tensor2D =>
      tf.concat2d([tf.fill([M, 1], ofX), tf.fill([N, 1], ofY)], 0);
    const membership = tf.concat2d([column(1, 0), column(0, 1)], 1); // [M+N, 2]
    const sums = membership.matMul(falls.matMul(membership), true); // [2, 2]
    const across = 1 / (M * N);
    const weights = tf.tensor2d([-1 / pairsOfX, across, across, -1 / pairsOfY], [2, 2]);
    return sums.mul(weights).sum<tf.Scalar>();
  });
}

/**
 * The mean of k over the pairs i ≠ j of one sample. Near k(0) the kernel is so wide that all points look
 * alike to it; near 0 it is so narrow that none do.
 * @param x [M, D], at least two rows
 * @returns []
 */
export function meanKernel(x: tf.Tensor2D, kernel: Kernel): tf.Scalar {
  const {M} = sizes('meanKernel', {x: 'M D'}, {x});
  if (M < 2) throw new RangeError(`meanKernel: ${M} row, expected two at least.`);
  return tf.tidy(() => {
    const falls = kernel.fall(squaredDistances(x)); // [M, M]
    return tf.sub(kernel.atZero, falls.sum().div(M * (M - 1)));
  });
}

/**
 * What the seed adds to its loss: `MMD / B * n`, read from left to right. It grows with the tokens of a
 * code and shrinks with the batch, so the same configured weight means another one at each batch size.
 *
 * @param mmd    [] the seed's: `biasedMmd` of all tokens, as if they were B·n examples
 * @param batch  B
 * @param tokens n
 * @returns []
 * @see Source: transformer_vae/autoencoders.py of Fraser-Greenlee/transformer-vae, reg_loss
 */
export function seedRegulariser(mmd: tf.Scalar, batch: number, tokens: number): tf.Scalar {
  return tf.tidy(() => mmd.div(batch).mul<tf.Scalar>(tokens));
}

/** How InfoVAE weighs its two regularisers. */
export interface InfoVaeWeights {
  /** 0 with `lambda` 1 gives the VAE, 1 the MMD alone */
  readonly alpha: number;
  /** what the aggregate posterior's distance to the prior costs */
  readonly lambda: number;
}

/**
 * The regulariser of InfoVAE.
 *
 *   (1 − alpha) · KL(q(z|x) ‖ p(z)) + (alpha + lambda − 1) · MMD(q(z), p(z))
 *
 * @param kl  [B] in nats
 * @param mmd [] of the batch's codes against the prior, the same for each example
 * @returns [B]
 * @throws RangeError when the weight of the MMD is negative: the objective would have no minimum
 * @see Zhao, Song & Ermon (2019), eq. 6 — https://arxiv.org/abs/1706.02262
 */
export function infoVaeRegulariser(
  {kl, mmd}: {readonly kl: tf.Tensor1D; readonly mmd: tf.Scalar},
  {alpha, lambda}: InfoVaeWeights,
): tf.Tensor1D {
  sizes('infoVaeRegulariser', {kl: 'B', mmd: ''}, {kl, mmd});
  if (!(alpha + lambda >= 1)) {
    throw new RangeError(
      `infoVaeRegulariser: alpha ${alpha} + lambda ${lambda} is below 1, so the MMD would be rewarded.`,
    );
  }
  return tf.tidy(() => kl.mul(1 - alpha).add(mmd.mul(alpha + lambda - 1)));
}
