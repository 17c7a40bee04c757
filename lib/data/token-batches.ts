/**
 * Batches of token sequences of about the same length, padded to one of few lengths.
 * Source: tf.data's bucket_by_sequence_length.   Lesson: notebooks/04-bart-vae.
 *
 * A compiled step is recorded once for each shape that it meets: few lengths, and `dropRemainder`, keep
 * the recordings few; more lengths leave less padding to compute.
 */
import type {Random} from '../tensor/random';
import {tf} from '../tensor/tf';
import {inOrder} from './rows';
import {tokenTensor} from './vocabulary';

/** Rows of ids under names, [N] each: one column for sentences, two for pairs. */
export type TokenColumns<Name extends string> = Readonly<
  Record<Name, readonly (readonly number[])[]>
>;

export interface TokenBatchOptions {
  /** B */
  readonly size: number;
  /**
   * The lengths T to pad to, each the smallest that fits the longest of a row's columns; the longest
   * row's alone unless given. See `bucketLengths`.
   */
  readonly lengths?: readonly number[];
  /** Shuffles each epoch anew; without it rows come in order. An epoch's order depends on it and the epoch's number only. */
  readonly random?: Random;
  /** 1 unless given; Infinity goes on until the caller stops. */
  readonly epochs?: number;
  /** The number of the first epoch, to go on with an interrupted training; 0 unless given. */
  readonly firstEpoch?: number;
  /** Leaves out each bucket's last batch where it is smaller than the others; false unless given. */
  readonly dropRemainder?: boolean;
}

export interface TokenBatch<Name extends string> {
  /** int32 [B, T] each; the generator's own: disposed of when the next batch is asked for or the loop ends */
  readonly ids: Readonly<Record<Name, tf.Tensor2D>>;
  /** [B] which rows these are */
  readonly indices: Int32Array;
  /** T */
  readonly length: number;
  readonly epoch: number;
  /** Counts batches over all epochs, from 0. */
  readonly step: number;
}

/**
 * Goes through the rows in batches of one length each. Rows wait until their length has a batch full.
 *
 *   for (const {ids: {x, y}, step} of tokenBatches({x: sources, y: targets}, {size: 32, random})) { … }
 *
 * @throws RangeError when an option is out of range, columns differ in length, or a row fits no length
 */
export function tokenBatches<Name extends string>(
  columns: TokenColumns<Name>,
  options: TokenBatchOptions,
): Generator<TokenBatch<Name>, void, void> {
  const {size, epochs = 1, firstEpoch = 0, dropRemainder = false} = options;
  positive('size', size);
  if (epochs !== Infinity) positive('epochs', epochs);
  if (!Number.isInteger(firstEpoch) || firstEpoch < 0) {
    throw new RangeError(`tokenBatches: firstEpoch is ${firstEpoch}, expected an integer from 0.`);
  }
  const longest = longestOfRows(columns);
  const lengths = options.lengths ?? [longest.reduce((most, length) => Math.max(most, length), 1)];
  lengths.forEach(length => positive('each of lengths', length));
  const bucketOf = longest.map((length, row) => bucket(length, row, lengths));
  const counts = lengths.map(length => bucketOf.filter(at => at === length).length);
  const full = counts.map(count => (dropRemainder ? Math.floor : Math.ceil)(count / size));
  const perEpoch = full.reduce((sum, count) => sum + count, 0);
  if (perEpoch === 0) {
    throw new RangeError(`tokenBatches: ${longest.length} rows give no batch of ${size}.`);
  }
  return generate(columns, bucketOf, perEpoch, options);
}

/**
 * Lengths that as many rows fit closely as there are buckets, the longest row's among them: the
 * quantiles of the rows' lengths.
 * @param rows    ids, or the longest of each row's columns
 * @param buckets how many lengths, at most
 */
export function bucketLengths(
  rows: readonly {readonly length: number}[],
  buckets: number,
): number[] {
  positive('buckets', buckets);
  const sorted = rows.map(({length}) => length).sort((a, b) => a - b);
  if (sorted.length === 0) throw new RangeError('bucketLengths: no rows.');
  const quantiles = Array.from({length: buckets}, (_, index) => {
    return sorted[Math.ceil(((index + 1) * sorted.length) / buckets) - 1]!;
  });
  return [...new Set(quantiles)];
}

function* generate<Name extends string>(
  columns: TokenColumns<Name>,
  bucketOf: readonly number[],
  perEpoch: number,
  {size, random, epochs = 1, firstEpoch = 0, dropRemainder = false}: TokenBatchOptions,
): Generator<TokenBatch<Name>, void, void> {
  const names = Object.keys(columns) as Name[];
  for (let epoch = firstEpoch; epoch < firstEpoch + epochs; epoch++) {
    const order = random?.stream(`order of epoch ${epoch}`).permutation(bucketOf.length);
    const groups = grouped(order ?? inOrder(bucketOf.length), bucketOf, size, dropRemainder);
    let step = epoch * perEpoch;
    for (const {indices, length} of groups) {
      const tensors = names.map(name => {
        const rows = indices.map(index => columns[name][index]!);
        return [name, tokenTensor(rows, {length})] as const;
      });
      const ids = Object.fromEntries(tensors) as Record<Name, tf.Tensor2D>;
      try {
        yield {ids, indices: Int32Array.from(indices), length, epoch, step: step++};
      } finally {
        tf.dispose(ids);
      }
    }
  }
}

interface Group {
  readonly indices: number[];
  readonly length: number;
}

/** Rows of one length together, in the order in which their batches are full; the smaller ones last. */
function grouped(
  order: Int32Array,
  bucketOf: readonly number[],
  size: number,
  dropRemainder: boolean,
): Group[] {
  const waiting = new Map<number, number[]>();
  const groups: Group[] = [];
  for (const index of order) {
    const length = bucketOf[index]!;
    const indices = [...(waiting.get(length) ?? []), index];
    const isFull = indices.length === size;
    if (isFull) groups.push({indices, length});
    waiting.set(length, isFull ? [] : indices);
  }
  const rest = [...waiting].map(([length, indices]) => ({indices, length}));
  return dropRemainder ? groups : [...groups, ...rest.filter(({indices}) => indices.length > 0)];
}

function longestOfRows<Name extends string>(columns: TokenColumns<Name>): number[] {
  const all = Object.entries<readonly (readonly number[])[]>(columns);
  const [first] = all;
  const other = all.find(([, rows]) => rows.length !== first?.[1].length);
  if (first === undefined || first[1].length === 0 || other !== undefined) {
    const sizes = all.map(([name, rows]) => `${name} ${rows.length}`).join(', ');
    throw new RangeError(`tokenBatches: expected equally many rows, one at least; got ${sizes}.`);
  }
  return first[1].map((_, row) => Math.max(...all.map(([, rows]) => rows[row]!.length)));
}

function bucket(longest: number, row: number, lengths: readonly number[]): number {
  const fitting = lengths.filter(length => length >= longest);
  if (fitting.length === 0) {
    throw new RangeError(
      `tokenBatches: row ${row} has ${longest} tokens, more than the lengths ${lengths.join(', ')}. ` +
        'Add a length, or leave long rows out.',
    );
  }
  return Math.min(...fitting);
}

function positive(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`tokenBatches: ${name} is ${value}, expected a positive integer.`);
  }
}
