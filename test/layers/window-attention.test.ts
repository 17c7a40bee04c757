import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {T5Stack} from 'latent-lib/layers/t5-stack';
import {
  inWindows,
  skipLeftover,
  windowLengths,
  windowShift,
  windowStart,
  type WindowConfig,
} from 'latent-lib/layers/window-attention';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const tokens = (values: readonly number[]): tf.Tensor3D =>
  tf.tensor3d([...values], [1, values.length, 1]);
/** Each token becomes the sum of its window: which tokens share one is then plain to see. */
const sums = (windows: tf.Tensor3D): tf.Tensor3D =>
  tf.tidy(() => windows.sum(1, true).add(windows.mul(0)));

test('even layers have whole windows from the start, odd ones from the shift', () => {
  const x = tokens([1, 2, 4, 8, 16, 32, 64]);
  const config = {size: 3, shift: 1};
  close('layer 0', inWindows(x, 0, config, sums).flatten(), [7, 7, 7, 56, 56, 56, 64], {atol: 0});
  close('layer 1', inWindows(x, 1, config, sums).flatten(), [1, 14, 14, 14, 112, 112, 112], {
    atol: 0,
  });
  close('layer 2', inWindows(x, 2, config, sums), inWindows(x, 0, config, sums), {atol: 0});
});

test('a window’s start is where its first token stands', () => {
  const config = {size: 4, shift: 1};
  const starts = (layer: number) => [0, 1, 3, 4, 5, 8, 9].map(at => windowStart(at, layer, config));
  assert.deepEqual(starts(0), [0, 0, 0, 4, 4, 8, 8]);
  assert.deepEqual(starts(1), [0, 1, 1, 1, 5, 5, 9]);
});

test('the lengths of all windows are those of both kinds of layers', () => {
  const lengths = (config: WindowConfig) => windowLengths(7, config).sort();
  assert.deepEqual(lengths({size: 3, shift: 1}), [1, 3]); // 3 3 1 and 1 3 3
  assert.deepEqual(lengths({size: 4, shift: 1}), [1, 2, 3, 4]); // 4 3 and 1 4 2
  assert.deepEqual(lengths({size: 9, rule: 'never, as in the seed'}), [7]);
});

test('the seed’s rule never shifts, and half a window is the shift unless another is given', () => {
  const seed: WindowConfig = {size: 6, rule: 'never, as in the seed'};
  assert.deepEqual([0, 1, 2, 3].map(layer => windowShift(layer, seed)), [0, 0, 0, 0]); // prettier-ignore
  assert.deepEqual([0, 1, 2, 3].map(layer => windowShift(layer, {size: 6})), [0, 3, 0, 3]); // prettier-ignore
});

test('a batch stays a batch, and windows longer than the sequence are the sequence', () => {
  const x = new Random(1).normals<tf.Rank.R3>([3, 5, 2]);
  const seen: number[][] = [];
  const identity = (windows: tf.Tensor3D): tf.Tensor3D => {
    seen.push(windows.shape);
    return windows.clone();
  };
  close('as it was', inWindows(x, 1, {size: 2}, identity), x, {atol: 0});
  assert.deepEqual(seen, [[3, 1, 2], [6, 2, 2]]); // prettier-ignore
  close('all', inWindows(x, 0, {size: 9}, sums), sums(x), {atol: 1e-6});
});

test('what is left over is skipped, as in the seed, where that is asked', () => {
  const config = {size: 3, shift: 1};
  const [x, made] = [tokens([1, 2, 3, 4, 5]), tokens([9, 9, 9, 9, 9])];
  close('layer 0', skipLeftover(x, made, 0, config).flatten(), [9, 9, 9, 4, 5], {atol: 0});
  close('layer 1', skipLeftover(x, made, 1, config).flatten(), [1, 9, 9, 9, 5], {atol: 0});
});

/** |∂ output token / ∂ input token|, [T, T], through two layers of self-attention. */
function influence(window: WindowConfig | undefined, isDecoder: boolean): number[][] {
  const sizes = {width: 8, heads: 2, hidden: 8, layers: 2, buckets: 8, furthest: 16};
  const stack = new T5Stack(
    {...sizes, isDecoder, ...(window === undefined ? {} : {window})},
    new Random(3),
  );
  const x = new Random(4).normals<tf.Rank.R3>([1, 8, 8]);
  const memory = isDecoder ? {memory: tf.zeros<tf.Rank.R3>([1, 1, 8])} : {};
  const rows = Array.from({length: 8}, (_, token) =>
    tf.tidy(() => {
      const output = (x: tf.Tensor) =>
        stack.apply(x as tf.Tensor3D, memory).slice([0, token, 0], [1, 1, 8]).pow(3).sum();
      return Array.from(tf.grad(output)(x).abs().sum([0, 2]).dataSync());
    }),
  ); // prettier-ignore
  stack.dispose();
  return rows;
}

test('with the shift information crosses windows; without it, and so in the seed, it does not', () => {
  for (const isDecoder of [true, false]) {
    const seed = influence({size: 4, rule: 'never, as in the seed'}, isDecoder);
    const shifted = influence({size: 4}, isDecoder);
    const whole = influence(undefined, isDecoder);
    // token 4 is the first of the second window, token 3 the last of the first
    assert.equal(seed[4]![3], 0);
    assert.ok(shifted[4]![3]! > 1e-6, `${shifted[4]![3]}`);
    for (const [to, row] of seed.entries()) {
      for (const [from, value] of row.entries()) {
        const isNear = Math.floor(to / 4) === Math.floor(from / 4);
        const mayLook = isNear && (!isDecoder || from <= to);
        assert.equal(value > 0, mayLook, `${from} → ${to}: ${value}`);
        if (shifted[to]![from]! > 0) assert.ok(whole[to]![from]! > 0);
      }
    }
  }
});

test('windows of the whole sequence are no windows', () => {
  const whole = influence(undefined, true);
  close('one window', influence({size: 8, shift: 0}, true), whole, {atol: 1e-5});
});

test('what does not fit is refused by name', () => {
  assert.throws(() => windowShift(0, {size: 0}), /size is 0/);
  assert.throws(() => windowShift(0, {size: 4, shift: 4}), /shift is 4, expected 0 … 3/);
  const flat = tf.zeros([2, 3]) as unknown as tf.Tensor3D;
  assert.throws(() => inWindows(flat, 0, {size: 2}, sums), /x has shape \[2,3\]/);
  assert.throws(() => skipLeftover(tokens([1]), tokens([1, 2]), 0, {size: 2}), /made has shape/);
});

test('a second call leaves no tensor behind', async () => {
  const x = tokens([1, 2, 4, 8, 16]);
  await leavesNoTensor(() => [
    inWindows(x, 1, {size: 2}, sums),
    skipLeftover(x, x, 1, {size: 2}),
    skipLeftover(x, x, 0, {size: 5}),
  ]);
});
