/**
 * Bounds on log p(x) of held-out data: the ELBO, and the tighter importance-weighted bound.
 * Source: Kingma & Welling 2014; Burda, Grosse & Salakhutdinov 2016, eq. 8.   Lesson: notebooks/01-dense-vae.
 */
import {
  gaussianLogDensity,
  klToStandardNormal,
  reparameterize,
  standardNormalLogDensity,
  type Posterior,
} from '../probability/gaussian';
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {breathe} from '../training/fit';
import {estimate, type Estimate} from './estimate';

/** A model with a standard normal prior over its latents. */
export interface LatentModel {
  /** [B, D] → 2 × [B, L] */
  encode(x: tf.Tensor2D): Posterior;
  /** −log p(x|z): [B, D], [B, L] → [B] in nats */
  negativeLogLikelihood(x: tf.Tensor2D, z: tf.Tensor2D): tf.Tensor1D;
}

export interface BoundOptions {
  /** K, samples of z an example; 1 unless given */
  readonly samples?: number;
  /** Examples at once, 100 unless given. */
  readonly batch?: number;
  /** Samples of each at once, 50 unless given: batch · chunk rows pass the decoder together. */
  readonly chunk?: number;
}

/** The ELBO and its two sides: elbo = −reconstruction − kl. */
export interface ElboEstimate {
  readonly elbo: Estimate;
  readonly reconstruction: Estimate;
  readonly kl: Estimate;
}

/**
 * The evidence lower bound, with the KL in closed form and the reconstruction as a mean over K samples.
 *
 * @param x      [N, D] held-out data
 * @param random draws the noise; the result depends on `batch` through its order, not on `chunk`
 * @returns in nats: elbo ≤ log p(x) in expectation
 * @throws RangeError when a count is no positive integer; ShapeError when x has no two axes
 */
export async function elboEstimate(
  model: LatentModel,
  x: tf.Tensor2D,
  random: Random,
  options: BoundOptions = {},
): Promise<ElboEstimate> {
  const {samples} = counts('elboEstimate', options);
  const sums = new Float64Array(x.shape[0]);
  const kls = new Float64Array(x.shape[0]);
  await overSamples('elboEstimate', model, x, random, options, (rows, q, epsilon, first) => {
    const [many, repeated] = [repeat(rows, epsilon), repeatPosterior(q, epsilon)];
    const nll = model.negativeLogLikelihood(many, reparameterize(repeated, flat(epsilon)));
    scatter(nll.reshape(epsilon.shape.slice(0, 2)), (row, value) => (sums[first + row]! += value));
    scatter(klToStandardNormal(q).expandDims(0), (row, value) => (kls[first + row] = value));
  });
  const reconstruction = sums.map(sum => sum / samples);
  return {
    elbo: estimate(reconstruction.map((value, index) => -value - (kls[index] ?? NaN))),
    reconstruction: estimate(reconstruction),
    kl: estimate(kls),
  };
}

/**
 * The importance-weighted bound: the log of a mean of K weights, not a mean of their logs.
 *
 *   log (1/K) Σₖ p(x, zₖ) / q(zₖ|x),   zₖ ~ q(z|x)
 *
 * It is the ELBO for K = 1, rises with K and tends to log p(x). Memory does not grow with K.
 *
 * @param x      [N, D] held-out data
 * @param random draws the noise; the result depends on `batch` through its order, not on `chunk`
 * @returns in nats: at most log p(x) in expectation
 * @throws RangeError when a count is no positive integer; ShapeError when x has no two axes
 * @see Burda et al. (2016), eq. 8 and theorem 1 — https://arxiv.org/abs/1509.00519
 */
export async function iwaeBound(
  model: LatentModel,
  x: tf.Tensor2D,
  random: Random,
  options: BoundOptions = {},
): Promise<Estimate> {
  const {samples} = counts('iwaeBound', options);
  const largest = new Float64Array(x.shape[0]).fill(-Infinity);
  const sums = new Float64Array(x.shape[0]); // of exp(weight − largest)
  await overSamples('iwaeBound', model, x, random, options, (rows, q, epsilon, first) => {
    scatter(logImportanceWeights(model, rows, q, epsilon), (row, weight) => {
      const [at, top] = [first + row, largest[first + row]!];
      const next = Math.max(top, weight);
      if (next === -Infinity) return;
      sums[at] = sums[at]! * Math.exp(top - next) + Math.exp(weight - next);
      largest[at] = next;
    });
  });
  return estimate(largest.map((top, at) => top + Math.log((sums[at] ?? NaN) / samples)));
}

/**
 * log p(x, z) − log q(z|x) for samples z of the posterior.
 *
 * @param x       [B, D]
 * @param q       the model's posterior at x, [B, L] twice
 * @param epsilon [K, B, L] standard normal noise
 * @returns [K, B] in nats
 */
export function logImportanceWeights(
  model: LatentModel,
  x: tf.Tensor2D,
  q: Posterior,
  epsilon: tf.Tensor3D,
): tf.Tensor2D {
  const {K, B} = sizes(
    'logImportanceWeights',
    {x: 'B D', mean: 'B L', epsilon: 'K B L'},
    {x, mean: q.mean, epsilon},
  );
  return tf.tidy(() => {
    const posterior = repeatPosterior(q, epsilon); // 2 × [K·B, L]
    const z = reparameterize(posterior, flat(epsilon)); // [K·B, L]
    const joint = standardNormalLogDensity(z).sub(
      model.negativeLogLikelihood(repeat(x, epsilon), z),
    ); // [K·B]
    return joint.sub(gaussianLogDensity(z, posterior)).reshape([K, B]);
  });
}

type Visit = (rows: tf.Tensor2D, q: Posterior, epsilon: tf.Tensor3D, first: number) => void;

/** Calls `visit` for each batch of rows and chunk of noise; noise is drawn sample by sample. */
async function overSamples(
  where: string,
  model: LatentModel,
  x: tf.Tensor2D,
  random: Random,
  options: BoundOptions,
  visit: Visit,
): Promise<void> {
  const {N, D} = sizes(where, {x: 'N D'}, {x});
  const {samples, batch, chunk} = counts(where, options);
  for (let first = 0; first < N; first += batch) {
    const size = Math.min(batch, N - first);
    const noise = random.stream(`noise of examples from ${first}`);
    for (let done = 0; done < samples; done += chunk) {
      tf.tidy(() => {
        const rows = x.slice([first, 0], [size, D]);
        const q = model.encode(rows);
        const latents = q.mean.shape[1];
        visit(rows, q, noise.normals([Math.min(chunk, samples - done), size, latents]), first);
      });
      await breathe();
    }
  }
}

function counts(where: string, {samples = 1, batch = 100, chunk = 50}: BoundOptions) {
  for (const [name, count] of Object.entries({samples, batch, chunk})) {
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(`${where}: ${name} is ${count}, expected a positive integer.`);
    }
  }
  return {samples, batch, chunk};
}

/** [B, D] → [K·B, D], whole batches one after the other. */
function repeat(rows: tf.Tensor2D, epsilon: tf.Tensor3D): tf.Tensor2D {
  return rows.tile([epsilon.shape[0], 1]);
}

function repeatPosterior({mean, logVar}: Posterior, epsilon: tf.Tensor3D): Posterior {
  return {mean: repeat(mean, epsilon), logVar: repeat(logVar, epsilon)};
}

/** [K, B, L] → [K·B, L] */
function flat(epsilon: tf.Tensor3D): tf.Tensor2D {
  const [samples, batch, latents] = epsilon.shape;
  return epsilon.reshape([samples * batch, latents]);
}

/** Hands each number of [K, B] to `take`, with its example. */
function scatter(values: tf.Tensor, take: (row: number, value: number) => void): void {
  const batch = values.shape[1] ?? 1;
  values.dataSync().forEach((value, index) => take(index % batch, value));
}
