/**
 * Masks of attention: float32, 1 where a key is hidden from a query, 0 where it is seen.
 * Source: Vaswani et al. 2017, arXiv:1706.03762, sections 3.1 and 3.2.3.   Lesson: notebooks/04.
 *
 * A mask broadcasts to the scores' shape, [B, H, Tq, Tk]. Frameworks differ: PyTorch's key_padding_mask
 * is true where hidden, Hugging Face's attention_mask is 1 where seen.
 */
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/**
 * Hides padding.
 * @param ids   [B, T] int32
 * @param padId the id of padding
 * @returns [B, 1, 1, T]
 * @throws ShapeError when ids is no matrix
 */
export function paddingMask(ids: tf.Tensor2D, padId: number): tf.Tensor4D {
  const {B, T} = sizes('paddingMask', {ids: 'B T'}, {ids});
  return tf.tidy(() => {
    const isPad = tf.equal(ids, tf.scalar(padId, ids.dtype)).cast('float32');
    return isPad.reshape<tf.Tensor4D>([B, 1, 1, T]);
  });
}

/**
 * Hides the future: a query sees its own position and those before it.
 * @param steps T, queries
 * @param past  P, keys before the first query, all of them visible; 0 unless given
 * @returns [1, 1, T, P + T]
 * @throws RangeError when steps is no positive integer, or past is negative
 */
export function causalMask(steps: number, past = 0): tf.Tensor4D {
  if (!Number.isInteger(steps) || steps < 1) {
    throw new RangeError(`causalMask: steps is ${steps}, expected a positive integer.`);
  }
  if (!Number.isInteger(past) || past < 0) {
    throw new RangeError(`causalMask: past is ${past}, expected 0, 1, 2, ….`);
  }
  return tf.tidy(() => {
    const keys = tf.range(0, past + steps, 1, 'int32').reshape([1, past + steps]);
    const queries = tf.range(past, past + steps, 1, 'int32').reshape([steps, 1]);
    const isLater = tf.greater(keys, queries).cast('float32');
    return isLater.reshape<tf.Tensor4D>([1, 1, steps, past + steps]);
  });
}

/**
 * Hides what either of two masks hides.
 * @param a broadcastable with b, as [B, 1, 1, T] is with [1, 1, T, T]
 * @returns the shape to which both broadcast
 */
export function eitherMask(a: tf.Tensor4D, b: tf.Tensor4D): tf.Tensor4D {
  return tf.maximum<tf.Tensor4D>(a, b);
}
