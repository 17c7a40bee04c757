/**
 * An autoencoder of sentences with a BART around its latent: the decoder sees the sentence through z.
 * Source: vae_bart.py of fxnnxc/text_summarization, mended; Bowman et al. 2016.   Lesson: notebooks/04-bart-vae.
 */
import {joinWeights, type Weights} from '../layers/weights';
import {countedTokens, tokenNegativeLogLikelihood} from '../probability/categorical';
import {klPerLatent, reparameterize, type Posterior} from '../probability/gaussian';
import {tf} from '../tensor/tf';
import type {Bart} from './bart';
import type {Bridge, Memory, Pool, PosteriorHead} from './bart-latent';
import {decodeTokens} from './decoding';
import type {ElboTerms} from './dense-vae';

/** What a `BartVae` is put together from. */
export interface BartVaeParts {
  readonly bart: Bart;
  readonly pool: Pool;
  readonly head: PosteriorHead;
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
    const {pool, head} = this.parts;
    return tf.tidy(() => {
      const {memory: states} = encoded ?? this.read(ids);
      return {...head.apply(pool(states, countedTokens(ids, this.padId)))};
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
    return tf.tidy(() => sentenceNats(this.logits(ids, z), ids, this.padId));
  }

  /**
   * The evidence lower bound with one sample of z an example.
   *
   *   loss = mean_b reconstruction_b + beta · Σⱼ max(λ, mean_b KL_bj)
   *
   * @param ids     [B, T] from [SOS] to [EOS], then padding
   * @param epsilon [B, L] standard normal noise
   * @see free bits: Kingma et al. (2016), eq. 15 — https://arxiv.org/abs/1606.04934
   */
  elbo(ids: tf.Tensor2D, epsilon: tf.Tensor2D, options: ElboOptions = {}): ElboTerms {
    const {beta = 1, freeBits = 0} = options;
    return tf.tidy(() => {
      const encoded = this.read(ids);
      const q = this.encode(ids, encoded);
      const logits = this.logits(ids, reparameterize(q, epsilon), encoded);
      const reconstruction = sentenceNats(logits, ids, this.padId); // [B]
      const perLatent = klPerLatent(q); // [B, L]
      const charged = perLatent.mean(0).maximum(freeBits).sum(); // []
      const loss = reconstruction.mean().add<tf.Scalar>(charged.mul(beta));
      return {reconstruction, kl: perLatent.sum<tf.Tensor1D>(1), loss};
    });
  }

  /**
   * The likeliest tokens one after the other, given z alone.
   * @param z      [B, L]
   * @param length the most tokens, [EOS] among them
   * @returns B lists of ids
   */
  write(z: tf.Tensor2D, length: number, encoded?: Memory): number[][] {
    const {bart, bridge} = this.parts;
    const given = bridge.apply(z, encoded);
    try {
      return writeFrom(bart, given, length);
    } finally {
      given.memory.dispose();
    }
  }

  get weights(): Weights {
    const {bart, head, bridge} = this.parts;
    return joinWeights({bart, head, bridge});
  }

  private get padId(): number {
    return this.parts.bart.config.padId;
  }
}

/** −log p of all tokens but the first, padding left out: [B, T − 1, V], [B, T] → [B] nats. */
export function sentenceNats(logits: tf.Tensor3D, ids: tf.Tensor2D, padId = 0): tf.Tensor1D {
  const [B, T] = ids.shape;
  return tf.tidy(() => {
    const wanted = ids.slice([0, 1], [B, T - 1]);
    return tokenNegativeLogLikelihood(logits, wanted, countedTokens(wanted, padId));
  });
}

/**
 * Greedy decoding of a BART from what its decoder looks at: the encoder's states, or a bridge's tokens.
 * @param length the most tokens, [EOS] among them
 * @returns a list of ids for each row of the memory
 */
export function writeFrom(bart: Bart, {memory, memoryMask}: Memory, length: number): number[][] {
  const {startId: start, eosId: end} = bart.config;
  let cache = bart.remember(memory, memoryMask);
  const next = (newest: tf.Tensor1D, place: number) => {
    const ids = newest.expandDims<tf.Tensor2D>(1); // [B, 1]
    const seen = bart.next(ids, cache);
    cache.disposePast();
    cache = seen.cache;
    const logits = tf.tidy(() => bart.logits(seen.states).squeeze<tf.Tensor2D>([1])); // [B, V]
    tf.dispose([ids, seen.states]);
    return {logits, state: place + 1};
  };
  try {
    return decodeTokens({next, state: 0, batch: memory.shape[0], length, start, end});
  } finally {
    cache.dispose();
  }
}
