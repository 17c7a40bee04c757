/**
 * Attention inside windows: a long sequence becomes a batch of short ones, so cost grows with length only.
 * Source: Beltagy et al. 2020 (Longformer); Liu et al. 2021 (shifted windows); seed 003's custom_t5.py.   Lesson: notebooks/06-mmd-transformer-vae.
 *
 * A token never sees beyond its window, however many layers there are, unless the windows of some
 * layers are shifted. The seed meant to shift every odd layer, but asks `layer_id % 1 == 1`, which is
 * never true.
 */
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/** Which layers have shifted windows: every odd one, or, as in the seed, none. */
export type ShiftRule = 'odd layers' | 'never, as in the seed';

export interface WindowConfig {
  /** W, tokens a window */
  readonly size: number;
  /** How far; half a window unless given. The seed takes the remainder T mod W. */
  readonly shift?: number;
  /** 'odd layers' unless given */
  readonly rule?: ShiftRule;
  /**
   * What becomes of tokens before the first and after the last whole window: they are 'attended' as a
   * shorter window (unless given), or 'skipped' and left as they are, as in the seed.
   */
  readonly leftover?: 'attended' | 'skipped';
}

/**
 * Where the first whole window of a layer begins.
 * @param layer counted from 0
 * @returns 0 … size − 1
 * @throws RangeError when the size is no positive integer, or the shift not in 0 … size − 1
 */
export function windowShift(layer: number, config: WindowConfig): number {
  const {size, shift = size >> 1, rule = 'odd layers'} = config;
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(`windowShift: size is ${size}, expected a positive integer.`);
  }
  if (!Number.isInteger(shift) || shift < 0 || shift >= size) {
    throw new RangeError(`windowShift: shift is ${shift}, expected 0 … ${size - 1}.`);
  }
  return rule === 'odd layers' && layer % 2 === 1 ? shift : 0;
}

/**
 * The position at which the window of a token begins.
 * @param position of the token, from 0
 */
export function windowStart(position: number, layer: number, config: WindowConfig): number {
  const shift = windowShift(layer, config);
  if (position < shift) return 0;
  return position - ((position - shift) % config.size);
}

/** Every length that a window of some layer has in a sequence of so many tokens. */
export function windowLengths(steps: number, config: WindowConfig): number[] {
  const lengths = new Set<number>();
  for (const layer of [0, 1]) {
    let from = 0;
    for (let position = 1; position <= steps; position++) {
      if (position < steps && windowStart(position, layer, config) === from) continue;
      lengths.add(position - from);
      from = position;
    }
  }
  return [...lengths];
}

/** Tokens before the first whole window of a layer, and after the last. */
function outside(steps: number, layer: number, config: WindowConfig) {
  const before = Math.min(windowShift(layer, config), steps);
  return {before, after: (steps - before) % config.size};
}

/**
 * Applies a function to each window of a layer, all whole windows as one batch.
 *
 * @param x      [B, T, D]
 * @param layer  counted from 0: odd ones are shifted, as the rule says
 * @param attend from [N, w, D] to [N, w, D]: a batch of windows of w tokens; w is W, or less for those
 *   before the first and after the last whole window, which are a shorter window each
 * @returns [B, T, D]
 */
export function inWindows(
  x: tf.Tensor3D,
  layer: number,
  config: WindowConfig,
  attend: (windows: tf.Tensor3D) => tf.Tensor3D,
): tf.Tensor3D {
  const {B, T, D} = sizes('inWindows', {x: 'B T D'}, {x});
  const {size: W} = config;
  const {before, after} = outside(T, layer, config);
  return tf.tidy(() => {
    const part = (from: number, length: number, window: number): tf.Tensor3D[] => {
      if (length === 0) return [];
      const tokens = x.slice<tf.Tensor3D>([0, from, 0], [B, length, D]);
      const windows = tokens.reshape<tf.Tensor3D>([(B * length) / window, window, D]);
      return [attend(windows).reshape<tf.Tensor3D>([B, length, D])];
    };
    const parts = [
      ...part(0, before, before),
      ...part(before, T - before - after, W),
      ...part(T - after, after, after),
    ];
    return parts.length === 1 ? parts[0]!.clone() : tf.concat3d(parts, 1);
  });
}

/**
 * What a layer made of x, where it has whole windows, and x itself elsewhere: the seed's layers pass over
 * the tokens that are left.
 *
 * @param x    [B, T, D] before the layer
 * @param made [B, T, D] after it
 * @returns [B, T, D]
 */
export function skipLeftover(
  x: tf.Tensor3D,
  made: tf.Tensor3D,
  layer: number,
  config: WindowConfig,
): tf.Tensor3D {
  const {B, T, D} = sizes('skipLeftover', {x: 'B T D', made: 'B T D'}, {x, made});
  const {before, after} = outside(T, layer, config);
  if (before + after === 0) return made.clone();
  return tf.tidy(() => {
    const part = (of: tf.Tensor3D, from: number, length: number): tf.Tensor3D[] =>
      length === 0 ? [] : [of.slice([0, from, 0], [B, length, D])];
    const whole = part(made, before, T - before - after);
    return tf.concat3d([...part(x, 0, before), ...whole, ...part(x, T - after, after)], 1);
  });
}
