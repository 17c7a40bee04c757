/**
 * Batches of rows in a seeded order, as tensors that are disposed of when the next one is asked for.
 * Source: tf.data's shuffle, batch and repeat.   Lesson: notebooks/01-dense-vae.
 */
import type {Random} from '../tensor/random';
import {tf} from '../tensor/tf';
import {bernoulli, inOrder, type Rows} from './rows';

export interface BatchOptions {
  /** B */
  readonly size: number;
  /**
   * 'all' draws a new permutation for each epoch; a number shuffles through a buffer of that many
   * rows, as tf.data does; without it the rows come in order.
   */
  readonly shuffle?: 'all' | number;
  /** Needed to shuffle and to binarize. An epoch's order depends on it and the epoch's number only. */
  readonly random?: Random;
  /** 1 unless given; Infinity goes on until the caller stops. */
  readonly epochs?: number;
  /** The number of the first epoch, to go on with an interrupted training; 0 unless given. */
  readonly firstEpoch?: number;
  /** Leaves out a last batch that is smaller than the others. */
  readonly dropRemainder?: boolean;
  /** Draws each value anew from the Bernoulli distribution whose probability it is. */
  readonly binarize?: boolean;
}

export interface Batch {
  /** [B, D]; the generator's own: disposed of when the next batch is asked for or the loop ends. */
  readonly x: tf.Tensor2D;
  /** Which rows these are: [B], to look up their labels. */
  readonly indices: Int32Array;
  readonly epoch: number;
  /** Counts batches over all epochs, from 0. */
  readonly step: number;
}

/**
 * Goes through the rows in batches.
 *
 *   for (const {x, step} of batches(images, {size: 32, shuffle: 1024, random, epochs: 2})) { … }
 *
 * To hold on to a batch, clone its `x`. Leaving the loop early disposes of the last one too.
 *
 * @throws RangeError when an option is out of range, Error when `random` is missing
 */
export function batches(rows: Rows, options: BatchOptions): Generator<Batch, void, void> {
  const {size, shuffle, random, epochs = 1, firstEpoch = 0, binarize = false} = options;
  positive('size', size);
  if (epochs !== Infinity) positive('epochs', epochs);
  if (typeof shuffle === 'number') positive('shuffle', shuffle);
  if (!Number.isInteger(firstEpoch) || firstEpoch < 0) {
    throw new RangeError(`batches: firstEpoch is ${firstEpoch}, expected an integer from 0.`);
  }
  if (random === undefined && (shuffle !== undefined || binarize)) {
    throw new Error('batches: to shuffle or binarize, give `random`, e.g. new Random(42).');
  }
  if (batchesPerEpoch(rows.count, options) === 0) {
    throw new RangeError(`batches: ${rows.count} rows give no batch of ${size}.`);
  }
  return generate(rows, options);
}

/** How many batches an epoch has. */
export function batchesPerEpoch(
  count: number,
  {size, dropRemainder = false}: Pick<BatchOptions, 'size' | 'dropRemainder'>,
): number {
  return dropRemainder ? Math.floor(count / size) : Math.ceil(count / size);
}

function* generate(rows: Rows, options: BatchOptions): Generator<Batch, void, void> {
  const {size, shuffle, random, epochs = 1, firstEpoch = 0, binarize = false} = options;
  const perEpoch = batchesPerEpoch(rows.count, options);
  for (let epoch = firstEpoch; epoch < firstEpoch + epochs; epoch++) {
    const order = epochOrder(rows.count, shuffle, random?.stream(`order of epoch ${epoch}`));
    const bits = binarize ? random?.stream(`bits of epoch ${epoch}`) : undefined;
    for (let batch = 0; batch < perEpoch; batch++) {
      const indices = order.slice(batch * size, (batch + 1) * size);
      const floats = rows.floats(indices);
      if (bits !== undefined) floats.forEach((p, index) => (floats[index] = bernoulli(p, bits)));
      const x = tf.tensor2d(floats, [indices.length, rows.width]);
      try {
        yield {x, indices, epoch, step: epoch * perEpoch + batch};
      } finally {
        x.dispose();
      }
    }
  }
}

function epochOrder(count: number, shuffle: 'all' | number | undefined, random?: Random) {
  if (random === undefined || shuffle === undefined) return inOrder(count);
  return shuffle === 'all' ? random.permutation(count) : bufferShuffle(count, shuffle, random);
}

/**
 * 0 … count − 1 in the order of tf.data's `shuffle(buffer)`: the buffer holds the next rows, one is
 * drawn from it at random, and the row after takes its place. Row i comes out at place i − buffer + 1
 * at the earliest, so a small buffer does not mix a sorted data set.
 */
export function bufferShuffle(count: number, buffer: number, random: Random): Int32Array {
  positive('shuffle', buffer);
  const waiting = inOrder(Math.min(buffer, count));
  let filled = waiting.length;
  return Int32Array.from({length: count}, (_, place) => {
    const slot = random.integer(filled);
    const drawn = waiting[slot]!;
    const next = place + waiting.length;
    waiting[slot] = next < count ? next : waiting[--filled]!;
    return drawn;
  });
}

function positive(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`batches: ${name} is ${value}, expected a positive integer.`);
  }
}
