/**
 * Examples of equal length, kept as bytes or floats outside TensorFlow; tensors are made of a few on demand.
 * Source: binarisation after Salakhutdinov & Murray 2008.   Lesson: notebooks/01-dense-vae.
 */
import type {Random} from '../tensor/random';
import {tf} from '../tensor/tf';

/**
 * N rows of D numbers. Bytes stand for values in [0, 1], 255 for 1: MNIST's 60,000 images take 47 MB
 * so, and 188 MB as float32. Nothing to dispose: no tensor is held.
 */
export class Rows {
  /** N */
  readonly count: number;

  /**
   * @param values N · D numbers, row by row; kept, not copied
   * @param width  D
   * @throws RangeError when the values are no whole number of rows
   */
  constructor(
    readonly values: Uint8Array | Float32Array,
    readonly width: number,
  ) {
    if (!Number.isInteger(width) || width < 1) {
      throw new RangeError(`Rows: width is ${width}, expected a positive integer.`);
    }
    if (values.length % width !== 0) {
      throw new RangeError(`Rows: ${values.length} values are no whole rows of ${width}.`);
    }
    this.count = values.length / width;
  }

  /** Rows start … end − 1, as a view. @throws RangeError when they are not all there */
  slice(start: number, end: number): Rows {
    const whole = Number.isInteger(start) && Number.isInteger(end);
    if (!whole || start < 0 || end < start || end > this.count) {
      throw new RangeError(`Rows.slice: ${start} to ${end} is not within 0 to ${this.count}.`);
    }
    return new Rows(this.values.subarray(start * this.width, end * this.width), this.width);
  }

  /**
   * The rows of these indices, bytes scaled to [0, 1].
   * @returns B · D floats, a new array
   * @throws RangeError when there is no such row
   */
  floats(indices: ArrayLike<number>): Float32Array {
    const {values, width, count} = this;
    const scale = values instanceof Uint8Array ? 255 : 1;
    const floats = new Float32Array(indices.length * width);
    for (let row = 0; row < indices.length; row++) {
      const index = indices[row]!;
      if (!Number.isInteger(index) || index < 0 || index >= count) {
        throw new RangeError(`Rows: there is no row ${index}, only 0 to ${count - 1}.`);
      }
      for (let column = 0; column < width; column++) {
        floats[row * width + column] = values[index * width + column]! / scale;
      }
    }
    return floats;
  }

  /** The rows of these indices, or all: float32 [B, D], bytes scaled to [0, 1]. Caller disposes. */
  tensor(indices: ArrayLike<number> = inOrder(this.count)): tf.Tensor2D {
    return tf.tensor2d(this.floats(indices), [indices.length, this.width]);
  }
}

/** 0 … length − 1. */
export function inOrder(length: number): Int32Array {
  return Int32Array.from({length}, (_, index) => index);
}

/**
 * Draws each value once from the Bernoulli distribution whose probability it is (static binarisation).
 * For a fresh draw at every use (dynamic binarisation) see `binarize` of `batches`.
 * @returns rows of bytes 0 and 255
 * @throws RangeError when a value is no probability
 */
export function binarized(rows: Rows, random: Random): Rows {
  const scale = rows.values instanceof Uint8Array ? 255 : 1;
  const bits = Uint8Array.from(rows.values, value => 255 * bernoulli(value / scale, random));
  return new Rows(bits, rows.width);
}

/** 1 with this probability, else 0. @throws RangeError when it is no probability */
export function bernoulli(probability: number, random: Random): 0 | 1 {
  if (!(probability >= 0 && probability <= 1)) {
    throw new RangeError(`bernoulli: ${probability} is no probability, expected 0 to 1.`);
  }
  return random.uniform() < probability ? 1 : 0;
}
