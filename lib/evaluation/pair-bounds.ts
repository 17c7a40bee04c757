/**
 * Bounds on log p(y|x) of held-out pairs, for a model whose prior reads x; and what happens to y when z is tampered with.
 * Source: Sohn, Lee & Yan 2015, eq. 4 and 5; Burda, Grosse & Salakhutdinov 2016, eq. 8.   Lesson: notebooks/05-transformer-vae.
 */
import type {PairInputs, PairTerms} from '../models/transformer-vae';
import {reparameterize, type Posterior} from '../probability/gaussian';
import {compile} from '../tensor/compile';
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {breathe} from '../training/fit';
import {estimate, type Estimate} from './estimate';

/** A model of y given x through a latent whose prior reads x. */
export interface PairModel {
  readonly config: {readonly latents: number};
  prior(x: tf.Tensor2D): Posterior;
  posterior(x: tf.Tensor2D, y: tf.Tensor2D): Posterior;
  /** −log p(y|z), [B] in nats */
  negativeLogLikelihood(y: tf.Tensor2D, z: tf.Tensor2D): tf.Tensor1D;
  terms(inputs: PairInputs): PairTerms;
}

/** Held-out pairs. */
export interface Pairs {
  /** [N, S] int32 */
  readonly x: tf.Tensor2D;
  /** [N, T] int32 */
  readonly y: tf.Tensor2D;
}

/** In nats a pair; three bounds on log p(y|x), from loose to tight. */
export interface PairBounds {
  /** E_p(z|x)[log p(y|z)]: z is drawn without a look at y */
  readonly prior: Estimate;
  /** −reconstruction − kl */
  readonly elbo: Estimate;
  /** log (1/K) Σₖ p(y|zₖ) p(zₖ|x) / q(zₖ|x, y): the ELBO for K = 1, rising to log p(y|x) */
  readonly importance: Estimate;
  /** E_q(z|x,y)[−log p(y|z)] */
  readonly reconstruction: Estimate;
  /** KL(q(z|x, y) ‖ p(z|x)) */
  readonly kl: Estimate;
}

export interface PairBoundOptions {
  /** K, draws of z a pair; 1 unless given */
  readonly samples?: number;
  /** Pairs at once, 128 unless given; N should be a multiple of it */
  readonly batch?: number;
}

/**
 * The three bounds and the two sides of the ELBO, from the same K draws of z a pair.
 *
 * The first is a bound by Jensen's inequality; it is loose, since few z of the prior fit this y. Added
 * to a KL it is no bound of anything.
 *
 * @throws RangeError when a count is no positive integer, ShapeError when x and y differ in number
 */
export async function pairBounds(
  model: PairModel,
  {x, y}: Pairs,
  random: Random,
  {samples = 1, batch = 128}: PairBoundOptions = {},
): Promise<PairBounds> {
  const {N} = demand('pairBounds', {x, y}, {samples, batch});
  const terms = compile((inputs: PairInputs) => ({...model.terms(inputs)}));
  const columns = () => new Float64Array(N);
  const sums = {reconstruction: columns(), kl: columns(), priorReconstruction: columns()};
  const [largest, weights] = [columns().fill(-Infinity), columns()];
  try {
    for (let first = 0; first < N; first += batch) {
      const size = Math.min(batch, N - first);
      const noise = random.stream(`noise of pairs from ${first}`);
      for (let sample = 0; sample < samples; sample++) {
        tf.tidy(() => {
          const epsilon = noise.normals<tf.Rank.R2>([size, model.config.latents]);
          const made = terms({...part({x, y}, first, size), epsilon});
          for (const key of Object.keys(sums) as (keyof typeof sums)[]) {
            made[key].dataSync().forEach((value, row) => (sums[key][first + row]! += value));
          }
          made.logWeight.dataSync().forEach((weight, row) => {
            const at = first + row;
            const top = Math.max(largest[at]!, weight);
            weights[at] = weights[at]! * Math.exp(largest[at]! - top) + Math.exp(weight - top);
            largest[at] = top;
          });
        });
        await breathe();
      }
    }
  } finally {
    terms.dispose();
  }
  const mean = (column: Float64Array) => column.map(value => value / samples);
  const [reconstruction, kl] = [mean(sums.reconstruction), mean(sums.kl)];
  return {
    prior: estimate(mean(sums.priorReconstruction).map(value => -value)),
    elbo: estimate(reconstruction.map((value, row) => -value - kl[row]!)),
    importance: estimate(largest.map((top, row) => top + Math.log(weights[row]! / samples))),
    reconstruction: estimate(reconstruction),
    kl: estimate(kl),
  };
}

/** Mean −log p(y|z) in nats a pair, for z from four sources. */
export interface Ablation {
  /** z of this pair's posterior */
  readonly posterior: number;
  /** z of this x's prior */
  readonly prior: number;
  /** z of another pair's posterior */
  readonly shuffled: number;
  /** z = 0 */
  readonly zero: number;
}

/**
 * What a sentence costs when its latent is replaced. Where all four are alike, the decoder does not
 * listen to z.
 *
 * @throws RangeError when a count is no positive integer, ShapeError when x and y differ in number
 */
export async function latentAblation(
  model: PairModel,
  {x, y}: Pairs,
  random: Random,
  {batch = 128}: {readonly batch?: number} = {},
): Promise<Ablation> {
  const {N} = demand('latentAblation', {x, y}, {batch});
  const nats = compile(({x, y, epsilon}: PairInputs) => {
    const z = reparameterize(model.posterior(x, y), epsilon);
    const others = tf.concat2d([z.slice([1, 0], [-1, -1]), z.slice([0, 0], [1, -1])], 0);
    const all = {
      posterior: z,
      prior: reparameterize(model.prior(x), epsilon),
      shuffled: others, // each pair gets its neighbour's
      zero: tf.zerosLike(z),
    };
    const sums = Object.values(all).map(z => model.negativeLogLikelihood(y, z).sum());
    return {sums: tf.stack(sums)};
  });
  const totals = [0, 0, 0, 0];
  try {
    for (let first = 0; first < N; first += batch) {
      const size = Math.min(batch, N - first);
      tf.tidy(() => {
        const noise = random.stream(`noise of pairs from ${first}`);
        const epsilon = noise.normals<tf.Rank.R2>([size, model.config.latents]);
        const {sums} = nats({...part({x, y}, first, size), epsilon});
        sums.dataSync().forEach((value, which) => (totals[which]! += value / N));
      });
      await breathe();
    }
  } finally {
    nats.dispose();
  }
  const [posterior = NaN, prior = NaN, shuffled = NaN, zero = NaN] = totals;
  return {posterior, prior, shuffled, zero};
}

function part({x, y}: Pairs, first: number, size: number): Pairs {
  return {x: x.slice([first, 0], [size, -1]), y: y.slice([first, 0], [size, -1])};
}

function demand(where: string, {x, y}: Pairs, counts: Readonly<Record<string, number>>) {
  for (const [name, count] of Object.entries(counts)) {
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(`${where}: ${name} is ${count}, expected a positive integer.`);
    }
  }
  return sizes(where, {x: 'N S', y: 'N T'}, {x, y});
}
