/**
 * What a loss really minimises: the beta, and the decoder variance, that its reductions imply.
 * Source: derived here; Lucas et al. 2019 (arXiv:1911.02469) for the variance.   Lesson: notebooks/01-dense-vae.
 */

/** How one term of a loss is formed, before it is averaged over the batch. */
export interface Term {
  /** Over pixels, or over latents. */
  readonly reduction: 'sum' | 'mean';
  /** A factor on top; 1 unless given. */
  readonly weight?: number;
}

/** A VAE's loss as a program writes it. */
export interface LossAccount {
  readonly reconstruction: Term & {readonly error: 'squared' | 'cross-entropy'};
  readonly kl: Term;
  /** D: pixels, or the tokens of a sequence */
  readonly pixels: number;
  /** L */
  readonly latents: number;
}

/** What the loss is, once it is written as a likelihood in nats plus beta times the KL in nats. */
export interface Implied {
  /** The KL's weight where the squared error is a Gaussian's with unit variance. */
  readonly beta: number;
  /** σ² of the Gaussian decoder under which the same loss has beta 1; a cross-entropy has none. */
  readonly decoderVariance?: number;
}

/**
 * The beta that a loss implies, from its reductions.
 *
 *   loss = a · error + b · KL,  both summed:  β = b / a for cross-entropy, b / (2a) for squared error
 *   a · SSE + b · KL ∝ SSE / (2σ²) + KL:      σ² = b / (2a)
 *
 *   impliedBeta({
 *     reconstruction: {error: 'squared', reduction: 'mean'}, kl: {reduction: 'mean'},
 *     pixels: 784, latents: 32,
 *   })   // {beta: 12.25, decoderVariance: 12.25}
 *
 * @throws RangeError when a size is no positive integer, or a weight makes no sense
 */
export function impliedBeta({reconstruction, kl, pixels, latents}: LossAccount): Implied {
  for (const [name, size] of Object.entries({pixels, latents})) {
    if (Number.isInteger(size) && size > 0) continue;
    throw new RangeError(`impliedBeta: ${name} is ${size}, expected a positive integer.`);
  }
  const a = factor(reconstruction, pixels);
  const b = factor(kl, latents);
  if (!(a > 0 && a < Infinity && b >= 0 && b < Infinity)) {
    throw new RangeError(
      'impliedBeta: expected a positive weight of the reconstruction and one of the KL from 0 on.',
    );
  }
  if (reconstruction.error === 'cross-entropy') return {beta: b / a};
  return {beta: b / (2 * a), decoderVariance: b / (2 * a)};
}

function factor({reduction, weight = 1}: Term, elements: number): number {
  return reduction === 'mean' ? weight / elements : weight;
}
