/**
 * A variational autoencoder of dense layers: one hidden layer each way, Bernoulli pixels.
 * Source: Kingma & Welling 2014; the Keras guide for researchers (guideLoss).   Lesson: notebooks/01-dense-vae.
 */
import {Dense} from '../layers/dense';
import {joinWeights, type Weights} from '../layers/weights';
import {bernoulliNegativeLogLikelihood} from '../probability/bernoulli';
import {
  klPerLatent,
  klToStandardNormal,
  reparameterize,
  type Posterior,
} from '../probability/gaussian';
import type {Random} from '../tensor/random';
import {tf} from '../tensor/tf';

export interface DenseVaeConfig {
  /** D, e.g. 784 */
  readonly pixels: number;
  /** H, the width of both hidden layers */
  readonly hidden: number;
  /** L */
  readonly latents: number;
}

/** The two sides of the evidence lower bound, an example, and what is minimised. */
export interface ElboTerms {
  /** [B] −log p(x|z) in nats, summed over pixels */
  readonly reconstruction: tf.Tensor1D;
  /** [B] KL(q(z|x) ‖ p(z)) in nats, summed over latents */
  readonly kl: tf.Tensor1D;
  /** [] mean over the batch of reconstruction + beta · kl; with beta 1, the negative ELBO */
  readonly loss: tf.Scalar;
}

/** The terms of `guideLoss`: means, not nats. */
export interface GuideTerms {
  /** [] squared error, mean over pixels and batch */
  readonly meanSquaredError: tf.Scalar;
  /** [] KL, mean over latents and batch */
  readonly meanKl: tf.Scalar;
  /** [] their sum */
  readonly loss: tf.Scalar;
}

/** The boxes of the figure: D → H → 2 × L down, L → H → D up. */
export function denseVaeLayers({pixels, hidden, latents}: DenseVaeConfig, random: Random) {
  const dense = (name: string, inputs: number, units: number, activation: 'relu' | 'linear') =>
    new Dense({inputs, units, activation}, random.stream(name));
  return {
    'encoder.hidden': dense('encoder.hidden', pixels, hidden, 'relu'),
    'encoder.mean': dense('encoder.mean', hidden, latents, 'linear'),
    'encoder.logVar': dense('encoder.logVar', hidden, latents, 'linear'),
    'decoder.hidden': dense('decoder.hidden', latents, hidden, 'relu'),
    'decoder.pixels': dense('decoder.pixels', hidden, pixels, 'linear'),
  };
}

export class DenseVae {
  private readonly layers: ReturnType<typeof denseVaeLayers>;

  /** @throws RangeError when a size is no positive integer */
  constructor(config: DenseVaeConfig, random: Random) {
    this.layers = denseVaeLayers(config, random);
  }

  /** q(z|x). @param x [B, D] in 0 … 1 @returns [B, L] twice */
  encode(x: tf.Tensor2D): Posterior {
    return tf.tidy(() => {
      const h = this.layers['encoder.hidden'].apply(x); // [B, H]
      const mean = this.layers['encoder.mean'].apply(h); // [B, L]
      return {mean, logVar: this.layers['encoder.logVar'].apply(h)}; // 2 × [B, L]
    });
  }

  /** Log odds of each pixel; their sigmoid is the image. @param z [B, L] @returns [B, D] */
  decode(z: tf.Tensor2D): tf.Tensor2D {
    return tf.tidy(() =>
      this.layers['decoder.pixels'].apply(this.layers['decoder.hidden'].apply(z)),
    ); // [B, D]
  }

  /** −log p(x|z). @param x [B, D] @param z [B, L] @returns [B] in nats, summed over pixels */
  negativeLogLikelihood(x: tf.Tensor2D, z: tf.Tensor2D): tf.Tensor1D {
    return tf.tidy(() => bernoulliNegativeLogLikelihood(x, this.decode(z)));
  }

  /**
   * The evidence lower bound with one sample of z an example.
   *
   *   −ELBO = −log p(x|z) + KL(q(z|x) ‖ N(0, I)),   z = mean + exp(½ logVar) · epsilon
   *
   * @param x       [B, D] in 0 … 1
   * @param epsilon [B, L] standard normal noise
   * @param beta    weight of the KL; only 1 gives a bound on log p(x)
   */
  elbo(x: tf.Tensor2D, epsilon: tf.Tensor2D, beta = 1): ElboTerms {
    return tf.tidy(() => {
      const q = this.encode(x);
      const reconstruction = this.negativeLogLikelihood(x, reparameterize(q, epsilon)); // [B]
      const kl = klToStandardNormal(q); // [B]
      return {reconstruction, kl, loss: reconstruction.add(kl.mul(beta)).mean<tf.Scalar>()};
    });
  }

  /** For 784-64-32: 107,472 numbers in ten tensors. */
  get weights(): Weights {
    return joinWeights(this.layers);
  }

  dispose(): void {
    for (const layer of Object.values(this.layers)) layer.dispose();
  }
}

/**
 * The loss of the Keras guide as it stands: both terms are means.
 *
 *   mean over B and D of (x − sigmoid(logits))²  +  mean over B and L of the KL's terms
 *
 * Times L it is a negative ELBO, up to a constant, of a Gaussian decoder with variance D / (2 L):
 * 12.25 for 784 pixels and 32 latents. MNIST varies less than that in every direction (5.117 at
 * most), so every latent collapses: see lib/evaluation/implied-beta and covariance-spectrum.
 *
 * @param x       [B, D] in 0 … 1
 * @param epsilon [B, L] standard normal noise
 * @see Source: keras-io guides/intro_to_keras_for_researchers.py, "Variational AutoEncoder"
 */
export function guideLoss(vae: DenseVae, x: tf.Tensor2D, epsilon: tf.Tensor2D): GuideTerms {
  return tf.tidy(() => {
    const q = vae.encode(x);
    const xHat = vae.decode(reparameterize(q, epsilon)).sigmoid(); // [B, D]
    const meanSquaredError = x.sub(xHat).square().mean<tf.Scalar>(); // []
    const meanKl = klPerLatent(q).mean<tf.Scalar>(); // []
    return {meanSquaredError, meanKl, loss: meanSquaredError.add<tf.Scalar>(meanKl)};
  });
}
