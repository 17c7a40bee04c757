/**
 * The latent of vae_bart.py as it stands: a mean that mixes the batch, attention over one key, two losses.
 * Source: fxnnxc/text_summarization@b8c8a5f, experiments/experiment3.   Lesson: notebooks/04-bart-vae.
 */
import {MultiHeadAttention} from '../layers/attention';
import type {Weights} from '../layers/weights';
import {countedTokens, smoothedTokenCrossEntropy} from '../probability/categorical';
import {klToStandardNormal, reparameterize} from '../probability/gaussian';
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import type {Bridge, Memory} from './bart-latent';
import type {BartVae} from './bart-vae';

/**
 * The source's mean over tokens: `x.view(B, T, C).mean(1)` of states that lie time first. A view does
 * not transpose, so that row b is the mean of T neighbours in memory: of other sentences, in a batch.
 *
 * @param states [B, T, C] batch first, as everywhere here
 * @returns [B, C]; the mean of each sentence only where B is 1
 */
export function viewMean(states: tf.Tensor3D): tf.Tensor2D {
  const {B, T, C} = sizes('viewMean', {states: 'B T C'}, {states});
  return tf.tidy(() => {
    const timeFirst = states.transpose([1, 0, 2]); // [T, B, C], as fairseq has it
    return timeFirst.reshape([B, T, C]).mean<tf.Tensor2D>(1);
  });
}

/** The source's mult_attn(x, z, z): every state of the encoder asks, and z is the only answer. */
export class OneKeyAttention implements Bridge {
  readonly attention: MultiHeadAttention;

  /** @param width C, also the number of latents */
  constructor({width, heads = 2}: {width: number; heads?: number}, random: Random) {
    this.attention = new MultiHeadAttention({width, heads}, random);
  }

  /**
   * [B, C], [B, T, C] → [B, T, C]: T times the same vector, whatever the states are. Where nothing was
   * encoded, z asks itself, and it is there once.
   */
  apply(z: tf.Tensor2D, encoded?: Memory): Memory {
    return tf.tidy(() => {
      const key = z.expandDims<tf.Tensor3D>(1); // [B, 1, C]
      const query = encoded?.memory ?? key;
      const {output: memory} = this.attention.apply({query, key, value: key});
      return {memory, memoryMask: encoded?.memoryMask};
    });
  }

  get weights(): Weights {
    return this.attention.weights;
  }
}

/** The source's weight of the KL at an update, counted from 0: up to 0.1, and 0.5 once in 200. */
export function sourceBeta(update: number): number {
  const [period, rising] = [200, 0.99]; // FREQ and R
  const tau = (update % period) / period;
  return tau <= rising ? (tau / rising) ** 5 / 10 : 1 / 2;
}

/** The terms of the source's criterion. */
export interface SourceTerms {
  /** [B] label-smoothed cross-entropy, summed over tokens */
  readonly smoothed: tf.Tensor1D;
  /** [B] nats */
  readonly kl: tf.Tensor1D;
  /** [] what is differentiated */
  readonly loss: tf.Scalar;
}

/**
 * The source's loss: a sum over all tokens of the batch, plus a mean of the KL; fairseq then divides
 * the gradient by the number of tokens N.
 *
 *   (Σ_b smoothed_b + beta · mean_b KL_b) / N
 *
 * Times N / B it is smoothed + (beta / B) · KL a sentence: the weight of the KL falls with the batch.
 *
 * @param ids     [B, T]
 * @param epsilon [B, L] standard normal noise
 */
export function sourceLoss(
  vae: BartVae,
  ids: tf.Tensor2D,
  epsilon: tf.Tensor2D,
  beta: number | tf.Scalar,
): SourceTerms {
  const [B, T] = ids.shape;
  return tf.tidy(() => {
    const encoded = vae.read(ids);
    const q = vae.encode(ids, encoded);
    const logits = vae.logits(ids, reparameterize(q, epsilon), encoded);
    const wanted = ids.slice([0, 1], [B, T - 1]);
    const counted = countedTokens(wanted, vae.parts.bart.config.padId);
    const smoothed = smoothedTokenCrossEntropy(logits, wanted, 0.1, counted);
    const kl = klToStandardNormal(q); // [B]
    const total = smoothed.sum().add(kl.mean().mul(beta));
    return {smoothed, kl, loss: total.div<tf.Scalar>(counted.sum())};
  });
}
