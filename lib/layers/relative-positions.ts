/**
 * T5's relative positions: a learnt bias for each head and each bucket of distances.
 * Source: Raffel et al. 2020, arXiv:1910.10683, section 2.1; Mesh TensorFlow's buckets.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import type {Random} from '../tensor/random';
import {tf} from '../tensor/tf';
import {slideRows} from './biased-attention';
import type {Weights} from './weights';

/** How distances fall into buckets. */
export interface Buckets {
  /** How many there are; 32 unless given, as in T5 */
  readonly buckets?: number;
  /** From this distance on all share the last bucket; 128 unless given, as in T5 */
  readonly furthest?: number;
  /** Whether keys after the query have buckets of their own: half of them. Else they share bucket 0. */
  readonly isBidirectional: boolean;
}

/**
 * The bucket of a distance. With n buckets a direction, distances below n/2 have one each; further
 * ones share buckets whose widths grow in a geometric series, up to `furthest`.
 *
 * @param distance the key's position minus the query's
 * @returns 0 … buckets − 1
 */
export function relativeBucket(
  distance: number,
  {buckets = 32, furthest = 128, isBidirectional}: Buckets,
): number {
  const count = isBidirectional ? buckets >> 1 : buckets;
  const offset = isBidirectional && distance > 0 ? count : 0;
  const far = isBidirectional ? Math.abs(distance) : Math.max(0, -distance);
  const exact = count >> 1;
  if (far < exact) return offset + far;
  // Porting note: rounded to float32 at each step, as PyTorch does, for distances at a border
  const single = Math.fround;
  const share = single(single(Math.log(single(far / exact))) / Math.log(furthest / exact));
  const bucket = exact + Math.floor(single(share * (count - exact)));
  return offset + Math.min(bucket, count - 1);
}

export interface RelativePositionsConfig extends Buckets {
  /** H */
  readonly heads: number;
  /** Standard deviation at the start; T5 takes D^−½ */
  readonly deviation: number;
}

/** The biases of a stack; all its layers share them. */
export class RelativePositions {
  /** [N, H] for N buckets */
  readonly table: tf.Variable<tf.Rank.R2>;

  /** @throws RangeError when a size is no positive integer, or `furthest` leaves no distance to share */
  constructor(
    readonly config: RelativePositionsConfig,
    random: Random,
  ) {
    const {buckets = 32, furthest = 128, isBidirectional, heads, deviation} = config;
    for (const [name, size] of Object.entries({buckets, furthest, heads})) {
      if (!Number.isInteger(size) || size < 1) {
        throw new RangeError(`RelativePositions: ${name} is ${size}, expected a positive integer.`);
      }
    }
    const exact = (isBidirectional ? buckets >> 1 : buckets) >> 1;
    if (exact < 1 || furthest <= exact) {
      throw new RangeError(
        `RelativePositions: ${buckets} buckets, furthest ${furthest}: expected ` +
          `${isBidirectional ? 4 : 2} buckets or more, and furthest above ${exact}.`,
      );
    }
    const start = () => random.normals<tf.Rank.R2>([buckets, heads]).mul<tf.Tensor2D>(deviation);
    this.table = tf.tidy(() => tf.variable(start()));
  }

  /**
   * @param queries Tq, how many queries
   * @param keys    Tk, how many keys, from position 0 on
   * @param first   the position of the first query; Tk − Tq unless given, so that the last ones meet
   * @returns [1, H, Tq, Tk] to add to the scores
   */
  apply(queries: number, keys: number, first = keys - queries): tf.Tensor4D {
    const {buckets = 32, heads} = this.config;
    const length = queries - 1 + keys;
    const ids = Int32Array.from({length}, (_, column) =>
      relativeBucket(column - (queries - 1) - first, this.config),
    );
    return tf.tidy(() => {
      // a product where a gather would do: its gradient is one too, and a distance is looked up once
      const chosen = tf.oneHot(tf.tensor1d(ids, 'int32'), buckets).cast<tf.Tensor2D>('float32');
      const perDistance = this.table.matMul<tf.Tensor2D>(chosen, true, true); // [H, L]
      const rows = perDistance.reshape([1, heads, 1, length]).tile([1, 1, queries, 1]);
      return slideRows(rows as tf.Tensor4D);
    });
  }

  get weights(): Weights {
    return {table: this.table};
  }

  dispose(): void {
    this.table.dispose();
  }
}
