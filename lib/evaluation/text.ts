/**
 * Judging a model of texts: nats a sequence and a token, perplexity, shares of samples that are right.
 * Source: Bowman et al. 2016, arXiv:1511.06349 (perplexity of a VAE as a bound).   Lesson: notebooks/04-bart-vae.
 */
import {sizes} from '../tensor/shapes';
import type {tf} from '../tensor/tf';
import {estimate, type Estimate} from './estimate';

/** What a text costs. */
export interface TextCost {
  /** −log p(text) in nats: a mean over texts with its standard error */
  readonly perSequence: Estimate;
  /** In nats, all tokens of all texts together. */
  readonly perToken: number;
  /** exp(perToken): as uncertain as a choice of so many equally likely tokens */
  readonly perplexity: number;
}

/**
 * Nats a sequence, a token, and perplexity, from −log p of each text.
 *
 * From a bound on log p(x), negated, all three are bounds from above; the tightest at hand is `iwaeBound`
 * with many samples:
 *
 *   const {perExample} = await iwaeBound(model, ids, random, {samples: 100});
 *   textCost(perExample.map(bound => -bound), tokenCounts(ids));
 *
 * @param nats   [N] −log p of each text
 * @param tokens [N] how many tokens each has, its end among them where the model predicts it
 * @throws RangeError when the lengths differ, or a text has no token
 */
export function textCost(nats: ArrayLike<number>, tokens: ArrayLike<number>): TextCost {
  const bare = Array.from(tokens).findIndex(count => !(count > 0));
  if (nats.length === 0 || nats.length !== tokens.length || bare >= 0) {
    const why = bare >= 0 ? `text ${bare} has no token` : `${tokens.length} counts of tokens`;
    throw new RangeError(`textCost: ${nats.length} texts, ${why}.`);
  }
  const total = (values: ArrayLike<number>) =>
    Array.from(values).reduce((sum, value) => sum + value, 0);
  const perToken = total(nats) / total(tokens);
  const perSequence = estimate(Float64Array.from(nats));
  return {perSequence, perToken, perplexity: Math.exp(perToken)};
}

/**
 * How many tokens of each row a model predicts: all but padding and, where there is one, the start.
 * @param ids   [N, T] int32
 * @param start its id, 1 unless given
 * @param pad   its id, 0 unless given
 * @returns [N]
 */
export function tokenCounts(ids: tf.Tensor2D, start = 1, pad = 0): Int32Array {
  const {N, T} = sizes('tokenCounts', {ids: 'N T'}, {ids});
  const values = ids.dataSync();
  return Int32Array.from({length: N}, (_, row) => {
    const own = values.subarray(row * T, (row + 1) * T);
    return own.filter((id, place) => id !== pad && !(place === 0 && id === start)).length;
  });
}

/** How many of some texts have a property. */
export interface Share {
  /** 0 … 1 */
  readonly share: number;
  /** Of the share, were the texts independent draws. */
  readonly standardError: number;
  /** Texts that do not have it, in order: to look at. */
  readonly others: readonly string[];
}

/**
 * The share of texts with a property, such as being grammatical: `shareOf(samples, isGrammatical)`.
 * @throws RangeError when there is no text
 */
export function shareOf(
  texts: readonly string[],
  has: (text: string, index: number) => boolean,
): Share {
  if (texts.length === 0) throw new RangeError('shareOf: no texts.');
  const others = texts.filter((text, index) => !has(text, index));
  const share = 1 - others.length / texts.length;
  return {share, standardError: Math.sqrt((share * (1 - share)) / texts.length), others};
}

/**
 * The share of texts that are reproduced word for word.
 * @param got  [N]
 * @param want [N]
 * @throws RangeError when the lengths differ, or there is no text
 */
export function exactMatch(got: readonly string[], want: readonly string[]): Share {
  if (got.length !== want.length) {
    throw new RangeError(`exactMatch: ${got.length} texts for ${want.length}.`);
  }
  return shareOf(got, (text, index) => text === want[index]);
}

/**
 * The share of tokens that are the right ones where the right ones count, all rows together.
 * @param got     [B, T] int32, e.g. the argmax of logits
 * @param want    [B, T] int32
 * @param counted [B, T] 1 where a token counts, see `countedTokens`
 * @returns 0 … 1; NaN where none counts
 * @throws ShapeError when the shapes differ
 */
export function tokenAccuracy(got: tf.Tensor2D, want: tf.Tensor2D, counted: tf.Tensor2D): number {
  sizes('tokenAccuracy', {got: 'B T', want: 'B T', counted: 'B T'}, {got, want, counted});
  const [left, right, weights] = [got.dataSync(), want.dataSync(), counted.dataSync()];
  let [matches, all] = [0, 0];
  weights.forEach((weight, index) => {
    all += weight;
    if (left[index] === right[index]) matches += weight;
  });
  return matches / all;
}
