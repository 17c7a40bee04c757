import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {interpolate, interpolationValidity, lerp, slerp} from 'latent-lib/evaluation/interpolation';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const normals = (name: string, rows: number, width: number): tf.Tensor2D =>
  new Random(81).stream(name).normals([rows, width]);
const lengths = (x: tf.Tensor2D): tf.Tensor => x.norm(2, 1);

test('by hand: a quarter circle, and lengths that differ', () => {
  const half = Math.SQRT1_2;
  const x = tf.tensor2d([[1, 0], [2, 0]]); // prettier-ignore
  const y = tf.tensor2d([[0, 1], [0, 4]]); // prettier-ignore
  close('half-way', slerp(x, y, 0.5), [[half, half], [2 * half, 4 * half]], {atol: 1e-6}); // prettier-ignore
  const third = [Math.sin(Math.PI / 3), Math.sin(Math.PI / 6)];
  close('a third', slerp(x, y, 1 / 3).slice([0, 0], [1, 2]), [third], {atol: 1e-6});
  close('line', lerp(x, y, 0.25), [[0.75, 0.25], [1.5, 1]], {atol: 0}); // prettier-ignore
});

test('it begins at one code and ends at the other', () => {
  const [x, y] = [normals('x', 6, 5), normals('y', 6, 5)];
  for (const way of [lerp, slerp]) {
    close('from', way(x, y, 0), x, {atol: 1e-6});
    close('to', way(x, y, 1), y, {atol: 1e-6});
    close('both ways', way(x, y, 0.3), way(y, x, 0.7), {atol: 1e-5});
  }
});

test('on an arc equally long codes keep their length, and angles grow evenly', () => {
  const unit = (x: tf.Tensor2D): tf.Tensor2D => x.div(x.norm(2, 1, true));
  const [x, y] = [unit(normals('x', 8, 6)), unit(normals('y', 8, 6))];
  const whole = x.mul(y).sum(1).acos();
  for (const ratio of [0.1, 0.5, 0.8]) {
    const between = slerp(x, y, ratio);
    close(`length at ${ratio}`, lengths(between), tf.ones([8]), {atol: 1e-5});
    close(`angle at ${ratio}`, between.mul(x).sum(1).acos(), whole.mul(ratio), {atol: 1e-4});
  }
});

test('half-way on a line a draw of the prior is 0.71 as long at every width, on an arc about as long', () => {
  const ratio = (width: number, way: typeof lerp): number => {
    const [x, y] = [normals(`x ${width}`, 20_000, width), normals(`y ${width}`, 20_000, width)];
    const ends = lengths(x).add(lengths(y)).div(2).mean().dataSync()[0] ?? NaN;
    return (
      (lengths(way(x, y, 0.5))
        .mean()
        .dataSync()[0] ?? NaN) / ends
    );
  };
  // a midpoint is N(0, ½ I): its mean length is √½ of an end's at every width
  assert.ok(Math.abs(ratio(2, lerp) - Math.SQRT1_2) < 0.01);
  const wide = tf.tidy(() => ratio(256, lerp));
  assert.ok(Math.abs(wide - Math.SQRT1_2) < 0.002, `${wide}`);
  const arc = tf.tidy(() => ratio(256, slerp));
  assert.ok(Math.abs(arc - 1) < 0.01, `${arc}`);
});

test('codes that coincide, oppose each other or are 0 go in a straight line, without NaN', () => {
  const x = tf.tensor2d([[1, 2], [1, 2], [1, 2], [0, 0], [1, 2]]); // prettier-ignore
  const y = tf.tensor2d([[1, 2], [2, 4], [-1, -2], [1, 2], [0, 0]]); // prettier-ignore
  for (const ratio of [0, 0.25, 0.5, 1]) {
    close(`at ${ratio}`, slerp(x, y, ratio), lerp(x, y, ratio), {atol: 1e-6});
  }
});

test('near a coincidence arc and line agree, from both sides of the guard', () => {
  const x = tf.tensor2d([[1, 0, 0]]);
  for (const angle of [2e-4, 9e-4, 1.1e-3, 1e-2]) {
    const y = tf.tensor2d([[Math.cos(angle), Math.sin(angle), 0]]);
    const want = [[Math.cos(angle * 0.3), Math.sin(angle * 0.3), 0]];
    close(`angle ${angle}`, slerp(x, y, 0.3), want, {atol: 2e-6});
  }
});

test('token by token and all at once differ on an arc, not on a line', () => {
  const [x, y] = [normals('x', 3, 4), normals('y', 3, 4)];
  const path = (along: 'arc' | 'line', unit: 'token' | 'code') =>
    interpolate(x, y, {along, unit, steps: 5});
  close('line', path('line', 'token'), path('line', 'code'), {atol: 1e-6});
  assert.ok((path('arc', 'token').sub(path('arc', 'code')).abs().max().dataSync()[0] ?? 0) > 0.05);
  const tokens = path('arc', 'token');
  close('one token', tokens.slice([2, 1, 0], [1, 1, 4]).reshape([1, 4]),
    slerp(x.slice([1, 0], [1, 4]), y.slice([1, 0], [1, 4]), 0.5), {atol: 1e-6}); // prettier-ignore
  assert.deepEqual(interpolate(x, y).shape, [11, 3, 4]);
  close('ends', tf.stack([x, y]), tf.gather(tokens, [0, 4]), {atol: 1e-6});
});

test('the ends do not count as valid', async () => {
  const isLong = (texts: readonly string[]) => Promise.resolve(texts.map(text => text.length > 1));
  const {rate, inner} = await interpolationValidity(['aa', 'b', 'cc', 'dd', 'ee'], isLong);
  assert.deepEqual([rate, inner], [2 / 3, 3]);
  await assert.rejects(interpolationValidity(['a', 'b'], isLong), /2 texts, expected three/);
});

test('what does not fit is refused by name', () => {
  const x = tf.zeros<tf.Rank.R2>([2, 3]);
  assert.throws(() => lerp(x, tf.zeros([2, 4]), 0), /lerp: to has shape \[2,4\]/);
  assert.throws(() => slerp(x, tf.zeros([3, 3]), 0), /slerp: to has shape \[3,3\]/);
  assert.throws(() => interpolate(x, x, {steps: 1}), /steps is 1/);
});

test('a second call leaves no tensor behind', async () => {
  const [x, y] = [normals('x', 3, 4), normals('y', 3, 4)];
  await leavesNoTensor(() => [lerp(x, y, 0.2), slerp(x, y, 0.2), interpolate(x, y)]);
});
