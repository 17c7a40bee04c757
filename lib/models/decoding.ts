/**
 * Sequences token by token from a model: greedily, or sampled with temperature, top-k and top-p.
 * Source: Fan et al. 2018 (top-k, arXiv:1805.04833); Holtzman et al. 2020 (nucleus, arXiv:1904.09751).   Lesson: notebooks/05-transformer-vae.
 */
import {compile} from '../tensor/compile';
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/**
 * A model's next step: from the newest tokens, [B] int32, and what it remembers of the earlier ones,
 * the logits of the tokens that follow, [B, V], and what to remember. Both are new; the state that
 * was given stays as it is.
 */
export type NextToken<S> = (newest: tf.Tensor1D, state: S) => {logits: tf.Tensor2D; state: S};

/** How a token is taken from logits. */
export interface TokenChoice {
  /**
   * @param logits   [B, V]
   * @param uniforms [B] in [0, 1): one number decides on each token
   * @returns [B] int32; caller disposes
   */
  choose(logits: tf.Tensor2D, uniforms: tf.Tensor1D): tf.Tensor1D;
  /** Whether `uniforms` matter. */
  readonly isRandom: boolean;
  dispose(): void;
}

export interface SamplingOptions {
  /** Divides the logits; 1 unless given, below 1 prefers what is likely already. */
  readonly temperature?: number;
  /** Only the k most likely tokens; all unless given. */
  readonly topK?: number;
  /** Only the most likely tokens that together have this probability, one at least; 1 unless given. */
  readonly topP?: number;
}

/** Takes the most likely token; of equal ones the first. */
export function greedy(): TokenChoice {
  const choose = (logits: tf.Tensor2D) => {
    sizes('greedy', {logits: 'B V'}, {logits});
    return logits.argMax<tf.Tensor1D>(1);
  };
  return {choose, isRandom: false, dispose: () => undefined};
}

/**
 * Draws tokens from softmax(logits / temperature), cut to the k most likely ones and of these to the
 * nucleus of probability p. Compiled: one native call a token.
 *
 * @throws RangeError when an option is out of range
 */
export function sampling({temperature = 1, topK, topP = 1}: SamplingOptions = {}): TokenChoice {
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new RangeError(`sampling: temperature is ${temperature}, expected above 0, or greedy().`);
  }
  if (topK !== undefined && (!Number.isInteger(topK) || topK < 1)) {
    throw new RangeError(`sampling: topK is ${topK}, expected a positive integer.`);
  }
  if (!(topP > 0 && topP <= 1)) {
    throw new RangeError(`sampling: topP is ${topP}, expected above 0 and up to 1.`);
  }
  const pick = compile(({logits, uniforms}: {logits: tf.Tensor2D; uniforms: tf.Tensor1D}) => {
    const scaled = logits.div<tf.Tensor2D>(temperature); // [B, V]
    if (topK === undefined && topP === 1) return {ids: drawn(scaled.softmax(1), uniforms)};
    const most = Math.min(topK ?? Infinity, logits.shape[1]);
    const {values, indices} = tf.topk(scaled, most); // [B, K], likely ones first
    const shares = values.softmax<tf.Tensor2D>(1);
    const places = drawn(nucleus(shares, topP), uniforms); // [B] in 0 … K − 1
    const isPlace = places
      .expandDims(1)
      .equal(tf.range(0, most, 1, 'int32'))
      .toInt(); // [B, K]
    return {ids: indices.mul(isPlace).sum<tf.Tensor1D>(1)};
  });
  const choose = (logits: tf.Tensor2D, uniforms: tf.Tensor1D) => {
    sizes('sampling', {logits: 'B V', uniforms: 'B'}, {logits, uniforms});
    return pick({logits, uniforms}).ids;
  };
  return {choose, isRandom: true, dispose: () => pick.dispose()};
}

export interface DecodeOptions<S> {
  readonly next: NextToken<S>;
  /** What the model remembers before the first token; stays the caller's. */
  readonly state: S;
  /** B: how many sequences */
  readonly batch: number;
  /** The most tokens of a sequence, the one that ends it among them. */
  readonly length: number;
  /** `greedy()` unless given; stays the caller's. */
  readonly choice?: TokenChoice;
  /** Needed where the choice is random. */
  readonly random?: Random;
  /** The token to begin with, 1 unless given, and the one to end at, 2 unless given. */
  readonly start?: number;
  readonly end?: number;
  /** Frees what `next` remembered; `tf.dispose` unless given. */
  readonly release?: (state: S) => void;
}

/**
 * Decodes B sequences side by side until each has ended or is as long as allowed. A sequence that has
 * ended is fed the end again, and what follows it is dropped.
 *
 * @returns B lists of ids without the start, the end included where it was reached
 * @throws RangeError when a count is no positive integer, Error when `random` is missing
 */
export function decodeTokens<S extends tf.TensorContainer>(options: DecodeOptions<S>): number[][] {
  const {next, batch, length, random, start = 1, end = 2, release = tf.dispose} = options;
  for (const [name, count] of Object.entries({batch, length})) {
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(`decodeTokens: ${name} is ${count}, expected a positive integer.`);
    }
  }
  const choice = options.choice ?? greedy();
  if (choice.isRandom && random === undefined) {
    throw new Error('decodeTokens: to sample, give random, e.g. new Random(42).');
  }
  const sequences = Array.from({length: batch}, (): number[] => []);
  const hasEnded = (ids: number[]) => ids.at(-1) === end;
  let state = options.state;
  let newest: number[] = Array<number>(batch).fill(start);
  try {
    for (let step = 0; step < length && !sequences.every(hasEnded); step++) {
      const ids = tf.tensor1d(newest, 'int32');
      const made = next(ids, state);
      if (state !== options.state) release(state);
      state = made.state;
      newest = chosen(choice, made.logits, random);
      tf.dispose([ids, made.logits]);
      sequences.forEach((sequence, row) => {
        if (hasEnded(sequence)) newest[row] = end;
        else sequence.push(newest[row]!);
      });
    }
  } finally {
    if (state !== options.state) release(state);
  }
  return sequences;
}

/**
 * `next` for a model that keeps no cache: it reads all tokens anew at every step.
 *
 *   decodeTokens({...rereading(4, ids => decoder.apply({ids, z}).logits), batch: 4, length: 16})
 *
 * @param logits [B, t] int32 → [B, t, V], for any t
 * @returns with an empty state, [B, 0]; caller disposes
 */
export function rereading(
  batch: number,
  logits: (ids: tf.Tensor2D) => tf.Tensor3D,
): {next: NextToken<tf.Tensor2D>; state: tf.Tensor2D} {
  const next: NextToken<tf.Tensor2D> = (newest, before) => {
    return tf.tidy(() => {
      const state = tf.concat2d([before, newest.expandDims<tf.Tensor2D>(1)], 1); // [B, t]
      const all = logits(state); // [B, t, V]
      const [, steps, vocabulary] = all.shape;
      const last = all.slice([0, steps - 1, 0], [-1, 1, -1]);
      return {logits: last.reshape<tf.Tensor2D>([batch, vocabulary]), state};
    });
  };
  return {next, state: tf.tensor2d([], [batch, 0], 'int32')};
}

function chosen(choice: TokenChoice, logits: tf.Tensor2D, random: Random | undefined): number[] {
  const [rows] = logits.shape;
  const uniforms = Float32Array.from({length: rows}, () => {
    return choice.isRandom ? (random?.uniform() ?? 0) : 0;
  });
  return tf.tidy(() => Array.from(choice.choose(logits, tf.tensor1d(uniforms)).dataSync()));
}

/** Shares in falling order, [B, K]: those beyond the first that together have p become 0. */
function nucleus(shares: tf.Tensor2D, p: number): tf.Tensor2D {
  if (p === 1) return shares;
  const before = shares.cumsum(1, true); // [B, K] probability of the more likely ones
  return shares.mul(before.less(p).toFloat());
}

/**
 * Draws a place in each row, as often as its weight says: the first whose running total exceeds the
 * row's part u of the total.
 * @param weights  [B, K] not negative
 * @param uniforms [B] in [0, 1)
 * @returns [B] int32
 */
function drawn(weights: tf.Tensor2D, uniforms: tf.Tensor1D): tf.Tensor1D {
  const [, places] = weights.shape;
  const totals = weights.cumsum(1); // [B, K]
  const all = totals.slice([0, places - 1], [-1, 1]); // [B, 1]
  // As float32 a number just below 1 would be 1, and no total exceeds the last.
  const part = uniforms.minimum(1 - 2 ** -22).expandDims(1); // [B, 1]
  return totals.lessEqual(all.mul(part)).toInt().sum<tf.Tensor1D>(1);
}
