/**
 * What an autoencoder of signals does with held-out ones: its errors, frame by frame too, and its doubt.
 * Source: AdamGabrys/WorkshopOnSignalReconstructionWithVAE, notebooks 3 and 4.   Lesson: notebooks/02-gru-sinusoids.
 */
import type {Coins, SinusoidAutoencoder} from '../models/sinusoid-autoencoder';
import type {Posterior} from '../probability/gaussian';
import {klToStandardNormal, reparameterize} from '../probability/gaussian';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {activeUnits, klPerDimension, mutualInformation} from './posterior-collapse';

/** Means over the signals. */
export interface SignalErrors {
  /** Half the mean, over time, of the squared error: gluon's L2Loss. */
  readonly l2: number;
  /** KL(q(z|x) ‖ N(0, I)) in nats. */
  readonly kl: number;
  /** l2 + 0.01 · kl, what the source minimises. */
  readonly total: number;
  /** [N] l2 of each frame; a last frame that is cut is left out. */
  readonly perFrame: Float64Array;
}

/** How the latents and the frames are come by. */
export interface SignalErrorOptions {
  /** [B, L] standard normal noise; without it the mean of the posterior is decoded. */
  readonly epsilon?: tf.Tensor2D;
  /** [N] or [B, N] coins that show true frames; without them the decoder runs freely. */
  readonly coins?: Coins;
}

/**
 * The errors of reconstructions.
 *
 *   signalErrors(model, x, {epsilon}).l2                                // free running, z sampled
 *   signalErrors(model, x, {epsilon, coins: tf.ones([10])}).perFrame    // all frames true
 *
 * @param x [B, T] held-out signals
 * @throws ShapeError when a shape does not fit
 */
export function signalErrors(
  model: SinusoidAutoencoder,
  x: tf.Tensor2D,
  {epsilon, coins}: SignalErrorOptions = {},
): SignalErrors {
  const {B, T} = sizes('signalErrors', {x: 'B T'}, {x});
  const {latents, samplesPerFrame: F} = model.config;
  const frames = Math.floor(T / F);
  const found = tf.tidy(() => {
    const noise = epsilon ?? tf.zeros<tf.Rank.R2>([B, latents]);
    const {decoded, ...q} = model.reconstruct(x, noise, {coins});
    const halves = x.sub(decoded).square().mul(0.5); // [B, T]
    const whole = halves.slice([0, 0], [B, frames * F]).reshape([B, frames, F]);
    return {
      means: tf.stack([halves.mean(), klToStandardNormal(q).mean()]), // [2]
      perFrame: whole.mean<tf.Tensor1D>([0, 2]), // [N]
    };
  });
  const [l2 = NaN, kl = NaN] = found.means.dataSync();
  const perFrame = Float64Array.from(found.perFrame.dataSync());
  tf.dispose(found);
  return {l2, kl, total: l2 + 0.01 * kl, perFrame};
}

/** A band around a signal, [T] each. */
export interface Band {
  /** The median. */
  readonly values: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/**
 * What many samples of one signal's posterior decode to, as quantiles at each time.
 * @param x       [1, T]
 * @param epsilon [K, L] standard normal noise
 * @param share   of the decoded signals that lie within the band at a time
 * @throws ShapeError when a shape does not fit; RangeError when the share is not within 0 and 1
 */
export function posteriorBand(
  model: SinusoidAutoencoder,
  x: tf.Tensor2D,
  epsilon: tf.Tensor2D,
  share = 0.9,
): Band {
  const {T, K} = sizes(
    'posteriorBand',
    {x: '1 T', epsilon: `K ${model.config.latents}`},
    {x, epsilon},
  );
  if (!(share > 0 && share < 1)) {
    throw new RangeError(`posteriorBand: share is ${share}, expected a number within 0 and 1.`);
  }
  const perSample = tf.tidy(() => {
    const {mean, logVar} = model.encode(x); // [1, L]
    const q = {mean: mean.tile<tf.Tensor2D>([K, 1]), logVar: logVar.tile<tf.Tensor2D>([K, 1])};
    const decoded = model.decode(reparameterize(q, epsilon), T); // [K, T]
    return decoded.transpose<tf.Tensor2D>().arraySync();
  });
  const sorted = perSample.map(values => Float64Array.from(values).sort());
  const quantile = (part: number) =>
    Float64Array.from(sorted, values => values[Math.round(part * (K - 1))] ?? NaN);
  return {values: quantile(0.5), low: quantile((1 - share) / 2), high: quantile((1 + share) / 2)};
}

/** What the latents carry, in the columns of a table. */
export interface LatentAccount {
  /** [L] in nats */
  readonly klPerLatent: readonly number[];
  readonly activeUnits: number;
  /** I(x; z) in nats */
  readonly information: number;
  /** KL(q(z) ‖ p(z)) in nats */
  readonly marginalKl: number;
  /** log N, the most information that N examples can show */
  readonly limit: number;
}

/**
 * KL per latent, active units and mutual information of one posterior, together.
 * @param q       [N, L] twice
 * @param epsilon [N, L] standard normal noise
 * @throws ShapeError when the shapes differ
 */
export async function latentAccount(q: Posterior, epsilon: tf.Tensor2D): Promise<LatentAccount> {
  const {mutualInformation: information, marginalKl, limit} = await mutualInformation(q, epsilon);
  const klPerLatent = Array.from(klPerDimension(q));
  return {klPerLatent, activeUnits: activeUnits(q.mean).count, information, marginalKl, limit};
}
