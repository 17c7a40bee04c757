/**
 * Comparison of tensors with a message that says where they differ and by how much.
 * Source: the failure reports of numpy.testing and tfjs-layers.   Lesson: none; used by every test.
 */
import assert from 'node:assert/strict';
import {AsyncLocalStorage} from 'node:async_hooks';
import {tf} from 'latent-lib/tensor/tf';

/** How far two numbers may lie apart: |got − want| ≤ atol + rtol · |want|. */
export interface Tolerance {
  readonly atol: number;
  readonly rtol?: number;
}

/** A number, a list of numbers (nested or typed), or a tensor. */
export type Values = tf.Tensor | tf.TensorLike | Float64Array;

/** What is being tested, put before the name in a message: 'dense-vae › mean: …'. */
export const scope = new AsyncLocalStorage<string>();

/**
 * Asserts that two tensors have the same shape and nearly the same values.
 *
 *   close('mean', model.encode(x).mean, expected('mean'), {atol: 1e-5});
 *   // dense-vae › mean: [32,2] max |Δ| 3.1e-2 at [4,1] (got 0.412, want 0.443), atol 1e-5
 *
 * Beside a float32 tensor numbers are rounded as it would hold them; two lists are compared in
 * double precision. Equal infinities are close; NaN is close to nothing.
 *
 * @throws AssertionError naming the shape, the largest difference, where it is and the tolerance
 */
export function close(name: string, got: Values, want: Values, tolerance: Tolerance): void {
  const {atol, rtol = 0} = tolerance;
  const title = [scope.getStore(), name].filter(Boolean).join(' › ');
  const single = [got, want].some(side => side instanceof tf.Tensor && side.dtype === 'float32');
  const [left, right] = [read(got, single), read(want, single)];
  const shape = `[${left.shape.join(',')}]`;
  assert.ok(
    left.shape.length === right.shape.length &&
      left.shape.every((size, axis) => size === right.shape[axis]),
    `${title}: got shape ${shape}, want [${right.shape.join(',')}]`,
  );
  let worst = {index: -1, excess: 0, difference: 0};
  for (const [index, value] of left.values.entries()) {
    const wanted = right.values[index] ?? NaN;
    if (value === wanted) continue;
    const difference = Math.abs(value - wanted);
    const excess = difference - atol - rtol * Math.abs(wanted);
    if (Number.isNaN(excess)) {
      worst = {index, excess: Infinity, difference};
      break;
    }
    if (excess > worst.excess) worst = {index, excess, difference};
  }
  if (worst.index < 0) return;
  const limits = `atol ${brief(atol)}${rtol > 0 ? `, rtol ${brief(rtol)}` : ''}`;
  assert.fail(
    `${title}: ${shape} max |Δ| ${brief(worst.difference)} at ` +
      `[${place(worst.index, left.shape).join(',')}] (got ${left.values[worst.index]}, ` +
      `want ${right.values[worst.index]}), ${limits}`,
  );
}

interface Content {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

function read(values: Values, single: boolean): Content {
  if (values instanceof tf.Tensor) {
    return {shape: values.shape, values: Array.from(values.dataSync())};
  }
  const nested = ArrayBuffer.isView(values) ? Array.from(values as Float64Array) : values;
  const shape = shapeOf(nested);
  const numbers = [nested].flat(Infinity).map(Number);
  const size = shape.reduce((product, length) => product * length, 1);
  assert.equal(numbers.length, size, `a list of shape [${shape.join(',')}] is ragged`);
  return {shape, values: single ? numbers.map(Math.fround) : numbers};
}

function shapeOf(nested: unknown): number[] {
  return Array.isArray(nested) ? [nested.length, ...shapeOf(nested[0])] : [];
}

function place(index: number, shape: readonly number[]): number[] {
  return shape
    .map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1))
    .map((stride, axis) => Math.floor(index / stride) % (shape[axis] ?? 1));
}

/** 3.1e-2: two digits are enough to judge a difference. */
function brief(value: number): string {
  return value === 0 ? '0' : value.toExponential(1).replace('.0e', 'e');
}
