/**
 * Is the latent used? KL per dimension, active units, and the information that z carries on x.
 * Source: Burda et al. 2016, sect. 5; Hoffman & Johnson 2016 (ELBO surgery).   Lesson: notebooks/01-dense-vae.
 */
import {
  gaussianLogDensity,
  klPerLatent,
  klToStandardNormal,
  reparameterize,
  standardNormalLogDensity,
  type Posterior,
} from '../probability/gaussian';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {breathe} from '../training/fit';

/**
 * The KL of each latent, averaged over the data: a collapsed latent has 0.
 * @param q [N, L] twice: the posterior of N examples
 * @returns [L] in nats
 */
export function klPerDimension(q: Posterior): Float64Array {
  return taken(tf.tidy(() => klPerLatent(q).mean(0)));
}

/** Which latents respond to x, and how much. */
export interface ActiveUnits {
  readonly count: number;
  /** [L] the variance of the posterior mean over the data */
  readonly variances: Float64Array;
}

/**
 * Counts the latents whose posterior mean varies with x.
 *
 *   latent j is active iff Var_x( E_q(z|x)[zⱼ] ) > threshold
 *
 * @param mean [N, L] the posterior means of N examples
 * @throws ShapeError when `mean` has no two axes
 * @see Burda et al. (2016), sect. 5 — https://arxiv.org/abs/1509.00519
 */
export function activeUnits(mean: tf.Tensor2D, threshold = 0.01): ActiveUnits {
  sizes('activeUnits', {mean: 'N L'}, {mean});
  const variances = taken(tf.tidy(() => tf.moments(mean, 0).variance));
  return {count: variances.filter(variance => variance > threshold).length, variances};
}

/** The two parts of the mean KL, estimated from one sample of z an example. */
export interface Information {
  /** I_q(x; z) in nats: what z tells about which example it comes from; at most log N */
  readonly mutualInformation: number;
  /** KL(q(z) ‖ p(z)) in nats: how far the posteriors together lie from the prior */
  readonly marginalKl: number;
  /** The mean of KL(q(z|x) ‖ p(z)), in closed form; the sum of the two but for sampling */
  readonly meanKl: number;
  /** log N, the most that N examples can show */
  readonly limit: number;
}

/**
 * Splits the mean KL into information and mismatch, with the aggregate posterior of these N examples.
 *
 *   I = E_x E_q(z|x) [ log q(z|x) − log q(z) ],   q(z) = (1/N) Σₙ q(z|xₙ)
 *
 * Where I comes near log N, N is too small to tell. Costs N² densities: two thousand examples take
 * seconds.
 *
 * @param q       [N, L] twice: the posterior of N examples
 * @param epsilon [N, L] standard normal noise
 * @throws ShapeError when the shapes differ
 * @see Hoffman & Johnson (2016), "ELBO surgery"
 */
export async function mutualInformation(q: Posterior, epsilon: tf.Tensor2D): Promise<Information> {
  const {N, L} = sizes('mutualInformation', {mean: 'N L', epsilon: 'N L'}, {mean: q.mean, epsilon});
  const rows = Math.max(1, Math.floor(2 ** 21 / (N * L)));
  let [conditional, aggregate, prior] = [0, 0, 0];
  for (let first = 0; first < N; first += rows) {
    const size = [Math.min(rows, N - first), L] as const;
    tf.tidy(() => {
      const part = (tensor: tf.Tensor2D) => tensor.slice([first, 0], [...size]);
      const own = {mean: part(q.mean), logVar: part(q.logVar)};
      const z = reparameterize(own, part(epsilon)); // [C, L]
      const among = allDensities(z, q).logSumExp(1).sub(Math.log(N)); // [C]
      const sums = tf.stack([
        gaussianLogDensity(z, own).sum(),
        among.sum(),
        standardNormalLogDensity(z).sum(),
      ]);
      const [ofOwn = NaN, ofAll = NaN, ofPrior = NaN] = sums.dataSync();
      conditional += ofOwn / N;
      aggregate += ofAll / N;
      prior += ofPrior / N;
    });
    await breathe();
  }
  return {
    mutualInformation: conditional - aggregate,
    marginalKl: aggregate - prior,
    meanKl: taken(tf.tidy(() => klToStandardNormal(q).mean()))[0] ?? NaN,
    limit: Math.log(N),
  };
}

/** log q(z_c|xₙ) for every pair. @param z [C, L] @returns [C, N] */
function allDensities(z: tf.Tensor2D, {mean, logVar}: Posterior): tf.Tensor2D {
  const distance = z.expandDims(1).sub(mean).mul(logVar.mul(-0.5).exp()).square().sum(2); // [C, N]
  const constant = logVar.add(Math.log(2 * Math.PI)).sum(1); // [N]
  return distance.add(constant).mul<tf.Tensor2D>(-0.5);
}

/** A tensor's numbers; the tensor is disposed of. */
function taken(tensor: tf.Tensor): Float64Array {
  const numbers = Float64Array.from(tensor.dataSync());
  tensor.dispose();
  return numbers;
}
