/**
 * The transformer-VAE: y given x through one latent, with a prior that reads x and a posterior that reads both.
 * Source: VAETransformer of seed 000, and its author's later correction; Sohn et al. 2015.   Lesson: notebooks/05-transformer-vae.
 *
 * It is a conditional VAE. The decoder never attends to x: what it knows of x is in z.
 *
 *   log p(y|x) ≥ E_q(z|x,y)[log p(y|z)] − KL(q(z|x, y) ‖ p(z|x))
 */
import {Dense} from '../layers/dense';
import {splitNoise, type DropoutNoise} from '../layers/dropout';
import {joinWeights, type Weights} from '../layers/weights';
import {countedTokens, tokenNegativeLogLikelihood} from '../probability/categorical';
import {
  gaussianLogDensity,
  klBetweenGaussians,
  reparameterize,
  type Posterior,
} from '../probability/gaussian';
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {VaeDecoder, type VaeDecoderConfig} from './vae-decoder';
import {VaeEncoder, type VaeEncoderConfig} from './vae-encoder';

export type TransformerVaeConfig = VaeEncoderConfig & VaeDecoderConfig;

/** Pairs and noise: what a step is given. */
export type PairInputs = {
  /** [B, S] int32, padded with 0 */
  readonly x: tf.Tensor2D;
  /** [B, T] int32: start token, words, end token, padded with 0 */
  readonly y: tf.Tensor2D;
  /** [B, L] standard normal noise */
  readonly epsilon: tf.Tensor2D;
};

/** The two sides of the bound on log p(y|x), a pair, and what is minimised. */
export interface PairElbo {
  /** [B] −log p(y|z) in nats, summed over tokens, z from the posterior */
  readonly reconstruction: tf.Tensor1D;
  /** [B] KL(q(z|x, y) ‖ p(z|x)) in nats, summed over latents */
  readonly kl: tf.Tensor1D;
  /** [] mean over the batch of reconstruction + beta · kl */
  readonly loss: tf.Scalar;
}

/** What evaluation asks of a pair. */
export interface PairTerms {
  /** [B] −log p(y|z), z from the posterior */
  readonly reconstruction: tf.Tensor1D;
  /** [B] KL(q ‖ p) */
  readonly kl: tf.Tensor1D;
  /** [B] −log p(y|z), z from the prior: what a model pays that has not seen y */
  readonly priorReconstruction: tf.Tensor1D;
  /** [B] log p(y|z) + log p(z|x) − log q(z|x, y), z from the posterior */
  readonly logWeight: tf.Tensor1D;
}

export class TransformerVae {
  readonly encoder: VaeEncoder;
  readonly decoder: VaeDecoder;
  private readonly priorHead: Dense;
  private readonly posteriorHead: Dense;

  /** @throws RangeError when a size is no positive integer, or the heads do not divide the width */
  constructor(
    readonly config: TransformerVaeConfig,
    random: Random,
  ) {
    this.encoder = new VaeEncoder(config, random.stream('encoder'));
    this.decoder = new VaeDecoder(config, random.stream('decoder'));
    const head = {inputs: config.width, units: 2 * config.latents};
    this.priorHead = new Dense(head, random.stream('prior'));
    this.posteriorHead = new Dense(head, random.stream('posterior'));
  }

  /** p(z|x). @param x [B, S] int32 @returns [B, L] twice */
  prior(x: tf.Tensor2D, noise?: DropoutNoise): Posterior {
    return tf.tidy(() => ({...this.priorOf(this.encoder.apply(x, undefined, noise).output)}));
  }

  /** q(z|x, y). @param x [B, S] int32 @param y [B, T] int32 @returns [B, L] twice */
  posterior(x: tf.Tensor2D, y: tf.Tensor2D, noise?: DropoutNoise): Posterior {
    return tf.tidy(() => ({...this.posteriorOf(this.encoder.apply(x, y, noise).output)}));
  }

  /** The prior's head on the encoder's vector. @param pooled [B, D] @returns [B, L] twice */
  priorOf(pooled: tf.Tensor2D): Posterior {
    return gaussianOf(this.priorHead, pooled);
  }

  /** The posterior's head on the encoder's vector. @param pooled [B, D] @returns [B, L] twice */
  posteriorOf(pooled: tf.Tensor2D): Posterior {
    return gaussianOf(this.posteriorHead, pooled);
  }

  /**
   * −log p(y|z), each token given those before it.
   * @param y [B, T] int32: start token, words, end token, padded with 0
   * @param z [B, L]
   * @returns [B] in nats, summed over the words and the end token
   */
  negativeLogLikelihood(y: tf.Tensor2D, z: tf.Tensor2D, noise?: DropoutNoise): tf.Tensor1D {
    return tf.tidy(() => {
      const {entering, targets} = shifted(y); // 2 × [B, T − 1]
      const {logits} = this.decoder.apply(entering, z, noise); // [B, T − 1, V]
      return tokenNegativeLogLikelihood(logits, targets, countedTokens(targets));
    });
  }

  /**
   * The evidence lower bound on log p(y|x), with one sample of z a pair.
   * @param beta  weight of the KL; only 1 gives a bound. A scalar where a compiled step is to change it
   * @param noise for training: drops a part of the states
   */
  elbo(
    {x, y, epsilon}: PairInputs,
    {beta = 1, noise}: {beta?: number | tf.Scalar; noise?: DropoutNoise | undefined} = {},
  ): PairElbo {
    return tf.tidy(() => {
      const [ofX, ofPair, ofDecoder] = splitNoise(noise, 3);
      const q = this.posterior(x, y, ofPair);
      const kl = klBetweenGaussians(q, this.prior(x, ofX)); // [B]
      const z = reparameterize(q, epsilon); // [B, L]
      const reconstruction = this.negativeLogLikelihood(y, z, ofDecoder); // [B]
      return {reconstruction, kl, loss: reconstruction.add(kl.mul(beta)).mean<tf.Scalar>()};
    });
  }

  /** The terms of all bounds with one sample a pair; the noise serves posterior and prior. */
  terms({x, y, epsilon}: PairInputs): PairTerms {
    return tf.tidy(() => {
      const [p, q] = [this.prior(x), this.posterior(x, y)];
      const [z, fromPrior] = [reparameterize(q, epsilon), reparameterize(p, epsilon)];
      const reconstruction = this.negativeLogLikelihood(y, z);
      const ratio = gaussianLogDensity(z, p).sub<tf.Tensor1D>(gaussianLogDensity(z, q));
      return {
        reconstruction,
        kl: klBetweenGaussians(q, p),
        priorReconstruction: this.negativeLogLikelihood(y, fromPrior),
        logWeight: ratio.sub<tf.Tensor1D>(reconstruction),
      };
    });
  }

  get weights(): Weights {
    return joinWeights({
      encoder: this.encoder,
      decoder: this.decoder,
      prior: this.priorHead,
      posterior: this.posteriorHead,
    });
  }

  dispose(): void {
    tf.dispose(Object.values(this.weights));
  }
}

/**
 * What enters a decoder, and what it is to say: a sentence without its last and without its first token.
 * @param y [B, T] int32
 * @returns [B, T − 1] twice
 * @throws ShapeError when y is no matrix
 */
export function shifted(y: tf.Tensor2D): {entering: tf.Tensor2D; targets: tf.Tensor2D} {
  const {B, T} = sizes('shifted', {y: 'B T'}, {y});
  const [entering, targets] = [y.slice([0, 0], [B, T - 1]), y.slice([0, 1], [B, T - 1])];
  return {entering, targets};
}

function gaussianOf(head: Dense, pooled: tf.Tensor2D): Posterior {
  return tf.tidy(() => {
    const [mean, logVar] = tf.split(head.apply(pooled), 2, 1) as [tf.Tensor2D, tf.Tensor2D];
    return {mean, logVar}; // 2 × [B, L]
  });
}
