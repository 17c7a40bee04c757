/**
 * Pairs of texts as token ids, and batches of them.
 * Source: ours.   Lesson: notebooks/05-transformer-vae.
 */
import type {Random} from '../tensor/random';
import type {tf} from '../tensor/tf';
import {batches, type BatchOptions} from './batches';
import {inOrder, Rows} from './rows';
import type {TextPair} from './sentence-pairs';
import {PAD, type Vocabulary} from './vocabulary';

export interface PairLengths {
  /** S, tokens of x with [SOS] and [EOS]; the longest x's unless given */
  readonly x?: number;
  /** T, tokens of y with [SOS] and [EOS]; the longest y's unless given */
  readonly y?: number;
}

/** Both halves of some pairs. Caller disposes. */
export interface TokenPairTensors {
  /** [B, S] int32 */
  readonly x: tf.Tensor2D;
  /** [B, T] int32 */
  readonly y: tf.Tensor2D;
}

/** A batch; its tensors are disposed of when the next one is asked for. */
export interface PairBatch extends TokenPairTensors {
  readonly epoch: number;
  /** Counts batches over all epochs, from 0. */
  readonly step: number;
  /** Which pairs these are: [B] */
  readonly indices: Int32Array;
}

/** N pairs as ids: [SOS], words, [EOS], then [PAD]. Nothing to dispose: no tensor is held. */
export class TokenPairs {
  /** N */
  readonly count: number;
  /** S */
  readonly xLength: number;
  /** T */
  readonly yLength: number;
  private readonly rows: Rows;

  /** @throws RangeError when there is no pair, or one is longer than its length */
  constructor(vocabulary: Vocabulary, pairs: readonly TextPair[], lengths: PairLengths = {}) {
    if (pairs.length === 0) throw new RangeError('TokenPairs: there is no pair.');
    const halves = (['x', 'y'] as const).map(half => {
      const ids = pairs.map(pair => vocabulary.encode(pair[half]));
      const longest = ids.reduce((most, {length}) => Math.max(most, length), 0);
      const length = lengths[half] ?? longest;
      if (longest > length) {
        const text = pairs[ids.findIndex(row => row.length > length)]![half];
        throw new RangeError(
          `TokenPairs: "${text}" has ${longest} tokens at ${half} for a length of ${length}.`,
        );
      }
      return {ids, length};
    });
    const [x, y] = halves as [(typeof halves)[number], (typeof halves)[number]];
    [this.count, this.xLength, this.yLength] = [pairs.length, x.length, y.length];
    const width = x.length + y.length;
    const values = new Float32Array(pairs.length * width).fill(PAD); // ids are whole: floats hold them
    for (let row = 0; row < pairs.length; row++) {
      values.set(x.ids[row]!, row * width);
      values.set(y.ids[row]!, row * width + x.length);
    }
    this.rows = new Rows(values, width);
  }

  /** The pairs of these indices, or all. @throws RangeError when there is no such pair */
  tensors(indices: ArrayLike<number> = inOrder(this.count)): TokenPairTensors {
    const joined = this.rows.tensor(indices);
    const halves = this.split(joined);
    joined.dispose();
    return halves;
  }

  /**
   * Goes through the pairs in batches; see `batches`.
   *
   *   for (const {x, y, step} of pairs.batches({size: 32, random, epochs: Infinity})) { … }
   */
  *batches({
    random,
    ...options
  }: Omit<BatchOptions, 'binarize' | 'shuffle'> & {readonly random: Random}): Generator<PairBatch> {
    for (const {x: joined, ...batch} of batches(this.rows, {...options, random, shuffle: 'all'})) {
      const {x, y} = this.split(joined);
      try {
        yield {...batch, x, y};
      } finally {
        x.dispose();
        y.dispose();
      }
    }
  }

  private split(joined: tf.Tensor2D): TokenPairTensors {
    const part = (from: number, length: number) => {
      const floats = joined.slice([0, from], [-1, length]);
      const ids = floats.toInt();
      floats.dispose();
      return ids;
    };
    return {x: part(0, this.xLength), y: part(this.xLength, this.yLength)};
  }
}
