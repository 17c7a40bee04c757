/**
 * An autoencoder of sentences with a BART around its latent: the decoder sees the sentence through z.
 * Source: vae_bart.py of fxnnxc/text_summarization, mended; Bowman et al. 2016.   Lesson: notebooks/04-bart-vae.
 */
import {joinWeights, type Weights} from '../layers/weights';
import {countedTokens, tokenNegativeLogLikelihood} from '../probability/categorical';
import {klPerLatent, reparameterize, type Posterior} from '../probability/gaussian';
import {tf} from '../tensor/tf';
import type {Bart} from './bart';
import type {Bridge, Head, Memory, Pool} from './bart-latent';
import type {ElboTerms} from './dense-vae';

/** What a `BartVae` is put together from. */
export interface BartVaeParts {
  readonly bart: Bart;
  readonly pool: Pool;
  readonly head: Head;
  readonly bridge: Bridge;
}

export interface ElboOptions {
  /** Weight of the KL, 1 unless given; a tensor in a compiled step, where it changes */
  readonly beta?: number | tf.Scalar;
  /** λ nats of each latent that are not charged, 0 unless given */
  readonly freeBits?: number;
}

/** An autoencoder of sentences: encoder, pool, posterior, z, bridge, decoder. */
export class BartVae {
  constructor(readonly parts: BartVaeParts) {}

  /** The encoder's states, and which of them are padding. @param ids [B, T] */
  read(ids: tf.Tensor2D): Memory {
    const {bart} = this.parts;
    return tf.tidy(() => {
      const memoryMask = bart.paddingMask(ids);
      return {memory: bart.encode(ids, {mask: memoryMask}), memoryMask};
    });
  }

  /** q(z|x). @param ids [B, T] @returns [B, L] twice */
  encode(ids: tf.Tensor2D, encoded?: Memory): Posterior {
    const {bart, pool, head} = this.parts;
    return tf.tidy(() => {
      const {memory: states} = encoded ?? this.read(ids);
      return {...head.apply(pool(states, countedTokens(ids, bart.config.padId)))};
    });
  }

  /** Logits of all tokens but the first, each given z and those before it. @returns [B, T − 1, V] */
  logits(ids: tf.Tensor2D, z: tf.Tensor2D, encoded?: Memory): tf.Tensor3D {
    const [B, T] = ids.shape;
    const {bart, bridge} = this.parts;
    return tf.tidy(() => {
      const memory = bridge.apply(z, encoded ?? this.read(ids));
      return bart.logits(bart.decode({ids: ids.slice([0, 0], [B, T - 1]), ...memory}));
    });
  }

  /** −log p(x|z). @param ids [B, T] @param z [B, L] @returns [B] nats a sentence */
  negativeLogLikelihood(ids: tf.Tensor2D, z: tf.Tensor2D): tf.Tensor1D {
    const {padId} = this.parts.bart.config;
    return tf.tidy(() => sentenceNats(this.logits(ids, z), ids, padId));
  }

  get weights(): Weights {
    const {bart, head, bridge} = this.parts;
    return joinWeights({bart, head, bridge});
  }

  /** Frees the parts, BART among them. */
  dispose(): void {
    const {bart, head, bridge} = this.parts;
    bart.dispose();
    tf.dispose(Object.values(joinWeights({head, bridge})));
  }
}

/**
 * The evidence lower bound with one sample of z a sentence.
 *
 *   loss = mean_b reconstruction_b + beta · Σⱼ max(λ, mean_b KL_bj)
 *
 * With λ = 0 and beta = 1 it is the negative ELBO.
 *
 * @param ids     [B, T] from [SOS] to [EOS], then padding
 * @param epsilon [B, L] standard normal noise
 * @see free bits: Kingma et al. (2016), eq. 15 — https://arxiv.org/abs/1606.04934
 */
export function sentenceElbo(
  vae: BartVae,
  ids: tf.Tensor2D,
  epsilon: tf.Tensor2D,
  {beta = 1, freeBits = 0}: ElboOptions = {},
): ElboTerms {
  const {padId} = vae.parts.bart.config;
  return tf.tidy(() => {
    const encoded = vae.read(ids);
    const q = vae.encode(ids, encoded);
    const logits = vae.logits(ids, reparameterize(q, epsilon), encoded);
    const reconstruction = sentenceNats(logits, ids, padId); // [B]
    const perLatent = klPerLatent(q); // [B, L]
    const charged = perLatent.mean(0).maximum(freeBits).sum(); // []
    const loss = reconstruction.mean().add<tf.Scalar>(charged.mul(beta));
    return {reconstruction, kl: perLatent.sum<tf.Tensor1D>(1), loss};
  });
}

/** −log p of all tokens but the first, padding left out: [B, T − 1, V], [B, T] → [B] nats. */
export function sentenceNats(logits: tf.Tensor3D, ids: tf.Tensor2D, padId = 0): tf.Tensor1D {
  const [B, T] = ids.shape;
  return tf.tidy(() => {
    const wanted = ids.slice([0, 1], [B, T - 1]);
    return tokenNegativeLogLikelihood(logits, wanted, countedTokens(wanted, padId));
  });
}
