/**
 * Attention whose scores get a bias for where query and key stand, and rows that slide to make one.
 * Source: Shaw et al. 2018, arXiv:1803.02155; the shift of Dai et al. 2019 (Transformer-XL), App. B.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import {ShapeError, sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import type {Attended, KeysAndValues} from './attention';

export interface BiasedAttentionInputs extends KeysAndValues {
  /** [B, H, Tq, Dh]; scaled already, where it is to be */
  readonly query: tf.Tensor4D;
  /** Added to the scores; broadcastable to [B, H, Tq, Tk] */
  readonly bias?: tf.Tensor4D | undefined;
  /** 1 where a key is hidden; broadcastable to [B, H, Tq, Tk] */
  readonly mask?: tf.Tensor4D | undefined;
}

/**
 * Attention without a scale of its own.
 *
 *   weights = softmax(query · keyᵀ + bias − 10⁹ · mask)      output = weights · value
 *
 * @returns output [B, H, Tq, Dv], weights [B, H, Tq, Tk]
 * @throws ShapeError when sizes differ, or bias or mask does not broadcast
 */
export function biasedAttention(inputs: BiasedAttentionInputs): Attended<tf.Tensor4D> {
  const {query, key, value, bias, mask} = inputs;
  const shapes = {query: 'B H Tq Dh', key: 'B H Tk Dh', value: 'B H Tk Dv'} as const;
  const {B, H, Tq, Tk} = sizes('biasedAttention', shapes, {query, key, value});
  for (const [name, added] of Object.entries({bias, mask})) {
    if (added !== undefined) demandBroadcast(name, added, [B, H, Tq, Tk]);
  }
  return tf.tidy(() => {
    let scores: tf.Tensor4D = tf.matMul(query, key, false, true); // [B, H, Tq, Tk]
    if (bias !== undefined) scores = scores.add(bias);
    if (mask !== undefined) scores = scores.add(mask.mul(-1e9));
    const weights = tf.softmax(scores);
    const output: tf.Tensor4D = tf.matMul(weights, value); // [B, H, Tq, Dv]
    return {output, weights};
  });
}

/**
 * Row i moves left by S − 1 − i columns: from a column a distance to a column a key.
 *
 *   result[…, i, j] = x[…, i, S − 1 − i + j],   j < C
 *
 * Two slices and two reshapes, where a gather would look each number up.
 *
 * @param x [B, H, S, S − 1 + C]
 * @returns [B, H, S, C]
 */
export function slideRows(x: tf.Tensor4D): tf.Tensor4D {
  const [B, H, S, L] = x.shape;
  const columns = L - S + 1;
  if (columns < 1) {
    throw new ShapeError(
      `slideRows: x has shape [${x.shape.join(',')}], expected at least ${S} columns.`,
    );
  }
  if (S === 1) return x.clone();
  return tf.tidy(() => {
    // after each row of L numbers the next begins one earlier than a row of L − 1 would
    const flat = x.reshape<tf.Tensor3D>([B, H, S * L]);
    const used = flat.slice([0, 0, S - 1], [B, H, S * (L - 1)]);
    return used.reshape<tf.Tensor4D>([B, H, S, L - 1]).slice([0, 0, 0, 0], [B, H, S, columns]);
  });
}

/** [B, T, H · Dh] → [B, H, T, Dh] */
export function splitHeads(x: tf.Tensor3D, heads: number): tf.Tensor4D {
  const [B, T, width] = x.shape;
  return tf.tidy(() =>
    x.reshape([B, T, heads, width / heads]).transpose<tf.Tensor4D>([0, 2, 1, 3]),
  );
}

/** [B, H, T, Dh] → [B, T, H · Dh] */
export function mergeHeads(x: tf.Tensor4D): tf.Tensor3D {
  const [B, H, T, Dh] = x.shape;
  return tf.tidy(() => x.transpose([0, 2, 1, 3]).reshape<tf.Tensor3D>([B, T, H * Dh]));
}

function demandBroadcast(name: string, added: tf.Tensor4D, shape: readonly number[]): void {
  const fits =
    added.shape.length === 4 && added.shape.every((n, axis) => n === 1 || n === shape[axis]);
  if (!fits) {
    throw new ShapeError(
      `biasedAttention: ${name} has shape [${added.shape.join(',')}], expected one that broadcasts to [${shape.join(',')}].`,
    );
  }
}
