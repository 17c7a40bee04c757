/**
 * The diagonal Gaussian: sampling that lets gradients through, log density, KL divergence.
 * Source: Kingma & Welling 2014, sect. 2.4 and App. B.   Lesson: notebooks/01-dense-vae.
 */
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/** A diagonal Gaussian over L latents for each of B examples: what an encoder says about z. */
export interface Posterior {
  /** [B, L] */
  readonly mean: tf.Tensor2D;
  /** [B, L] natural log of the variance */
  readonly logVar: tf.Tensor2D;
}

const LOG_TWO_PI = Math.log(2 * Math.PI);

/**
 * A sample of z, written so that gradients reach the mean and the variance.
 *
 *   z = mean + exp(½ logVar) · epsilon
 *
 * @param epsilon [B, L] standard normal noise
 * @returns [B, L]
 * @throws ShapeError when the three shapes differ
 * @see Kingma & Welling (2014), sect. 2.4 — https://arxiv.org/abs/1312.6114
 */
export function reparameterize({mean, logVar}: Posterior, epsilon: tf.Tensor2D): tf.Tensor2D {
  sizes(
    'reparameterize',
    {mean: 'B L', logVar: 'B L', epsilon: 'B L'},
    {mean, logVar, epsilon},
    'Draw one number of noise for each latent of each example.',
  );
  return tf.tidy(() => mean.add(logVar.mul(0.5).exp().mul(epsilon)));
}

/**
 * Log density of a diagonal Gaussian.
 *
 *   log N(z; mean, diag(exp(logVar))) = −½ Σⱼ (log 2π + logVarⱼ + (zⱼ − meanⱼ)² / exp(logVarⱼ))
 *
 * @param z [B, L]
 * @returns [B] in nats; summed over latents
 * @throws ShapeError when the three shapes differ
 */
export function gaussianLogDensity(z: tf.Tensor2D, {mean, logVar}: Posterior): tf.Tensor1D {
  sizes('gaussianLogDensity', {z: 'B L', mean: 'B L', logVar: 'B L'}, {z, mean, logVar});
  return tf.tidy(() => {
    const distance = z.sub(mean).mul(logVar.mul(-0.5).exp()).square(); // [B, L]
    return distance.add(logVar).add(LOG_TWO_PI).sum<tf.Tensor1D>(1).mul(-0.5); // [B]
  });
}

/**
 * Log density of the standard normal prior.
 *
 *   log N(z; 0, I) = −½ Σⱼ (log 2π + zⱼ²)
 *
 * @param z [B, L]
 * @returns [B] in nats; summed over latents
 */
export function standardNormalLogDensity(z: tf.Tensor2D): tf.Tensor1D {
  sizes('standardNormalLogDensity', {z: 'B L'}, {z});
  return tf.tidy(() => z.square().add(LOG_TWO_PI).sum<tf.Tensor1D>(1).mul(-0.5)); // [B]
}

/**
 * KL divergence from a diagonal Gaussian to the standard normal prior.
 *
 *   KL( N(mean, diag(exp(logVar))) ‖ N(0, I) ) = ½ Σⱼ (meanⱼ² + exp(logVarⱼ) − 1 − logVarⱼ)
 *
 * @returns [B] in nats, ≥ 0; summed over latents, not averaged over the batch
 * @throws ShapeError when the two shapes differ
 * @see Kingma & Welling (2014), App. B — https://arxiv.org/abs/1312.6114
 */
export function klToStandardNormal(posterior: Posterior): tf.Tensor1D {
  return tf.tidy(() => klPerLatent(posterior).sum<tf.Tensor1D>(1)); // [B]
}

/**
 * The terms of `klToStandardNormal`, one a latent: which latents does the encoder use?
 * @returns [B, L] in nats, ≥ 0
 * @throws ShapeError when the two shapes differ
 */
export function klPerLatent({mean, logVar}: Posterior): tf.Tensor2D {
  sizes('klPerLatent', {mean: 'B L', logVar: 'B L'}, {mean, logVar});
  return tf.tidy(() => mean.square().add(logVar.exp()).sub(1).sub(logVar).mul(0.5)); // [B, L]
}

/**
 * KL divergence between two diagonal Gaussians, q ‖ p.
 *
 *   ½ Σⱼ (logVarᵖⱼ − logVarᵠⱼ + exp(logVarᵠⱼ − logVarᵖⱼ) + (meanᵠⱼ − meanᵖⱼ)² / exp(logVarᵖⱼ) − 1)
 *
 * The ratio of the variances is the exponential of a difference, and the distance is divided by the
 * standard deviation before it is squared: a quotient of exponentials would overflow, or give 0 · ∞.
 *
 * @returns [B] in nats, ≥ 0; summed over latents
 * @throws ShapeError when the four shapes differ
 */
export function klBetweenGaussians(q: Posterior, p: Posterior): tf.Tensor1D {
  return tf.tidy(() => klBetweenGaussiansPerLatent(q, p).sum<tf.Tensor1D>(1)); // [B]
}

/**
 * The terms of `klBetweenGaussians`, one a latent: where does q say more than p?
 * @returns [B, L] in nats, ≥ 0
 * @throws ShapeError when the four shapes differ
 */
export function klBetweenGaussiansPerLatent(q: Posterior, p: Posterior): tf.Tensor2D {
  sizes(
    'klBetweenGaussians',
    {'q.mean': 'B L', 'q.logVar': 'B L', 'p.mean': 'B L', 'p.logVar': 'B L'},
    {'q.mean': q.mean, 'q.logVar': q.logVar, 'p.mean': p.mean, 'p.logVar': p.logVar},
  );
  return tf.tidy(() => {
    const logRatio = q.logVar.sub(p.logVar); // [B, L]
    const distance = q.mean.sub(p.mean).mul(p.logVar.mul(-0.5).exp()).square(); // [B, L]
    return logRatio.exp().sub(logRatio).add(distance).sub(1).mul(0.5); // [B, L]
  });
}
