/**
 * Codes between two codes: in a straight line, or along an arc; token by token, or all numbers at once.
 * Source: Shoemake 1985; White 2016, arXiv:1609.04468; seed 003's slerp and run_interpolations.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/** Below this angle between two codes, or this far from opposite ones, an arc is not defined well. */
const SMALLEST_ANGLE = 1e-3;

/**
 * In a straight line.
 *
 *   (1 − ratio) · from + ratio · to
 *
 * Half-way between two draws of N(0, I) it is √½ as long as they are: codes that the decoder has not seen.
 *
 * @param from  [B, L]
 * @param to    [B, L]
 * @param ratio 0 gives `from`, 1 gives `to`
 * @returns [B, L]
 * @throws ShapeError when the shapes differ
 */
export function lerp(from: tf.Tensor2D, to: tf.Tensor2D, ratio: number): tf.Tensor2D {
  sizes('lerp', {from: 'B L', to: 'B L'}, {from, to});
  return tf.tidy(() => from.mul(1 - ratio).add(to.mul(ratio)));
}

/**
 * Along an arc, row by row: with ω the angle between the two,
 *
 *   sin((1 − ratio) ω) / sin ω · from + sin(ratio ω) / sin ω · to
 *
 * Between equally long codes the length stays. Where they point the same way, or opposite ways, or one
 * is 0, there is no arc (the seed's formula is 0/0 there): such rows go in a straight line.
 *
 * @param from  [B, L]
 * @param to    [B, L]
 * @param ratio 0 gives `from`, 1 gives `to`
 * @returns [B, L]
 * @throws ShapeError when the shapes differ
 * @see Shoemake (1985), "Animating rotation with quaternion curves"
 */
export function slerp(from: tf.Tensor2D, to: tf.Tensor2D, ratio: number): tf.Tensor2D {
  sizes('slerp', {from: 'B L', to: 'B L'}, {from, to});
  return tf.tidy(() => {
    const angle = angles(from, to); // [B, 1]
    const hasArc = angle.greater(SMALLEST_ANGLE).logicalAnd(angle.less(Math.PI - SMALLEST_ANGLE));
    const safe = tf.where(hasArc, angle, tf.onesLike(angle)); // no row divides by 0
    const share = (part: number): tf.Tensor => safe.mul(part).sin().div(safe.sin());
    const arc = from.mul(share(1 - ratio)).add(to.mul(share(ratio)));
    return tf.where(hasArc.tile([1, from.shape[1]]), arc, lerp(from, to, ratio)) as tf.Tensor2D;
  });
}

/**
 * The angle between two codes, from the lengths of sum and difference of their directions: near 0 and π
 * the arc cosine of a product would lose half of its digits.
 * @returns [B, 1], in 0 … π; 0 where a code is 0
 */
function angles(from: tf.Tensor2D, to: tf.Tensor2D): tf.Tensor2D {
  const direction = (x: tf.Tensor2D): tf.Tensor2D => x.div(x.norm(2, 1, true).maximum(1e-30));
  const [a, b] = [direction(from), direction(to)];
  const half = tf.atan2(a.sub(b).norm(2, 1, true), a.add(b).norm(2, 1, true));
  const isNothing = from.abs().max(1, true).minimum(to.abs().max(1, true)).equal(0);
  return tf.where(isNothing, tf.zerosLike(half), half.mul(2)) as tf.Tensor2D;
}

export interface InterpolationOptions {
  /** How many codes, both ends among them; 11 unless given, as in the seed */
  readonly steps?: number;
  /** 'arc' unless given, as in the seed */
  readonly along?: 'arc' | 'line';
  /**
   * Whether each latent 'token' goes its own way (unless given, as in the seed), or the whole 'code' of
   * n · L numbers goes one: on an arc the two differ, on a line they do not.
   */
  readonly unit?: 'token' | 'code';
}

/**
 * Codes from one to another, at even steps.
 * @param from [n, L]
 * @param to   [n, L]
 * @returns [steps, n, L]
 * @throws ShapeError when the shapes differ, RangeError with fewer than two steps
 */
export function interpolate(
  from: tf.Tensor2D,
  to: tf.Tensor2D,
  {steps = 11, along = 'arc', unit = 'token'}: InterpolationOptions = {},
): tf.Tensor3D {
  const {n, L} = sizes('interpolate', {from: 'n L', to: 'n L'}, {from, to});
  if (!Number.isInteger(steps) || steps < 2) {
    throw new RangeError(`interpolate: steps is ${steps}, expected an integer from 2 on.`);
  }
  return tf.tidy(() => {
    const rows: [number, number] = unit === 'token' ? [n, L] : [1, n * L];
    const [a, b] = [from.reshape<tf.Tensor2D>(rows), to.reshape<tf.Tensor2D>(rows)];
    const way = along === 'arc' ? slerp : lerp;
    const codes = Array.from({length: steps}, (_, step) => way(a, b, step / (steps - 1)));
    return tf.stack(codes).reshape([steps, n, L]);
  });
}

/** How many of the codes between the ends became something valid. */
export interface InterpolationValidity {
  /** The share of valid ones among `inner` */
  readonly rate: number;
  /** How many were asked about */
  readonly inner: number;
}

/**
 * The share of valid texts between the ends: the ends themselves are data and say nothing.
 * @param texts one text a step, the ends first and last
 * @param valid one answer a text
 * @throws RangeError when there is nothing between the ends
 */
export async function interpolationValidity(
  texts: readonly string[],
  valid: (texts: readonly string[]) => Promise<readonly boolean[]>,
): Promise<InterpolationValidity> {
  const inner = texts.slice(1, -1);
  if (inner.length === 0) {
    throw new RangeError(`interpolationValidity: ${texts.length} texts, expected three at least.`);
  }
  const answers = await valid(inner);
  return {rate: answers.filter(Boolean).length / inner.length, inner: inner.length};
}
