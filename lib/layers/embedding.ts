/**
 * Embeddings: a vector for each entry of a vocabulary, and the same table read backwards for logits.
 * Source: Press & Wolf 2017, arXiv:1608.05859, for the tied output.   Lesson: notebooks/04.
 */
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import type {Weights} from './weights';

export interface EmbeddingConfig {
  /** V, how many ids there are: 0 … V − 1 */
  readonly entries: number;
  /** D, the length of the vectors */
  readonly width: number;
  /** Standard deviation of the vectors at the start; 0.02 unless given, as in BART */
  readonly deviation?: number;
}

/** A table of vectors. */
export class Embedding {
  /** [V, D] */
  readonly table: tf.Variable<tf.Rank.R2>;

  /**
   * Starts with normal vectors.
   * @throws RangeError when a size is no positive integer
   */
  constructor({entries, width, deviation = 0.02}: EmbeddingConfig, random: Random) {
    for (const [name, size] of Object.entries({entries, width})) {
      if (!Number.isInteger(size) || size < 1) {
        throw new RangeError(`Embedding: ${name} is ${size}, expected a positive integer.`);
      }
    }
    const start = () => random.normals<tf.Rank.R2>([entries, width]).mul<tf.Tensor2D>(deviation);
    this.table = tf.tidy(() => tf.variable(start()));
  }

  /**
   * The vectors of ids.
   * @param ids [B, T] int32, each 0 … V − 1; others give an error or zeros, as the backend does
   * @returns [B, T, D]
   * @throws ShapeError when ids is no matrix, TypeError when it is not int32
   */
  apply(ids: tf.Tensor2D): tf.Tensor3D {
    const {B, T} = sizes('Embedding.apply', {ids: 'B T'}, {ids});
    if (ids.dtype !== 'int32') {
      throw new TypeError(`Embedding.apply: ids is ${ids.dtype}, expected int32.`);
    }
    const [, D] = this.table.shape;
    return tf.tidy(() => rows(this.table, ids.reshape([B * T])).reshape([B, T, D]));
  }

  /**
   * Logits over the vocabulary from the same table: the product of each state with each vector.
   * @param states [B, T, D]
   * @returns [B, T, V]
   * @throws ShapeError when the states have another width
   */
  logits(states: tf.Tensor3D): tf.Tensor3D {
    const {table} = this;
    const {B, T, D, V} = sizes(
      'Embedding.logits',
      {table: 'V D', states: 'B T D'},
      {table, states},
    );
    return tf.tidy(() => {
      const products = tf.matMul(states.reshape<tf.Tensor2D>([B * T, D]), table, false, true);
      return products.reshape([B, T, V]);
    });
  }

  get weights(): Weights {
    return {table: this.table};
  }

  dispose(): void {
    this.table.dispose();
  }
}

/** [V, D], [N] → [N, D]. Gradients of equal ids meet in one row. */
function rows(table: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor {
  const run = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [table, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    save([ids]);
    return {
      value: tf.gather(table, ids),
      gradFunc: (gradient: tf.Tensor, saved: tf.Tensor[]) =>
        tf.unsortedSegmentSum(gradient, saved[0] as tf.Tensor1D, table.shape[0]),
    };
  });
  return run(table);
}
