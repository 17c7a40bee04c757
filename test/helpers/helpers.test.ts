import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close, scope} from './close';
import {checkGradient} from './gradient';
import {leavesNoTensor} from './memory';
import {goldenTensors, type Golden} from './parity';

before(ready);

test('close says the shape, the largest difference, where it is and the tolerance', () => {
  const got = tf.tensor2d([
    [1, 2],
    [3, 0.412],
  ]);
  const want = [
    [1, 2.001],
    [3, 0.443],
  ];
  assert.throws(
    () => scope.run('dense-vae', () => close('mean', got, want, {atol: 1e-5})),
    /^AssertionError.*: dense-vae › mean: \[2,2\] max \|Δ\| 3\.1e-2 at \[1,1\] \(got 0\.41\d*, want 0\.44\d*\), atol 1e-5$/,
  );
  close('mean', got, want, {atol: 0.032});
  close('mean', got, want, {atol: 0, rtol: 0.1});
});

test('close refuses another shape, NaN, and an infinity of the other sign', () => {
  assert.throws(() => close('x', [[1, 2]], [1, 2], {atol: 1}), /got shape \[1,2\], want \[2\]/);
  assert.throws(() => close('x', [1, NaN], [1, 2], {atol: 9}), /at \[1\] \(got NaN, want 2\)/);
  assert.throws(() => close('x', [NaN], [NaN], {atol: 9}), /got NaN/);
  assert.throws(() => close('x', [Infinity], [-Infinity], {atol: 9}), /got Infinity/);
  assert.throws(() => close('x', [1], [Infinity], {atol: 9, rtol: 0.1}), /want Infinity/);
  close('x', [-Infinity], [-Infinity], {atol: 0});
});

test('close rounds numbers beside a float32 tensor and compares lists in double precision', () => {
  close('x', tf.scalar(0.1), 0.1, {atol: 0});
  close('x', [[0.1], [0.2]], [[0.1], [0.2]], {atol: 0});
  close('x', Float64Array.of(0.1, 2), [0.1, 2], {atol: 0});
  assert.throws(
    () => close('x', Float64Array.of(0.1), [0.1 + 1e-9], {atol: 1e-10}),
    /1e-9 at \[0\]/,
  );
  assert.throws(() => close('x', [[1, 2], [3]], [[1, 2], [3]], {atol: 0}), /ragged/);
});

test('checkGradient accepts the right gradient and refuses a wrong one', () => {
  const inputs = {a: tf.tensor1d([0.3, -0.7]), b: tf.scalar(1.5)};
  checkGradient(({a, b}) => a.square().mul(b).add(b.exp()), inputs);
  const wrong = tf.customGrad((x: tf.Tensor | tf.GradSaveFunc) => ({
    value: (x as tf.Tensor).square(),
    gradFunc: (dy: tf.Tensor) => dy.mul(3),
  }));
  assert.throws(
    () => checkGradient(({a}) => wrong(a), {a: inputs.a}),
    /gradient with respect to a: \[2\]/,
  );
});

test('leavesNoTensor disposes what is returned and sees what is not', async () => {
  await leavesNoTensor(() => ({sum: tf.tidy(() => tf.ones([2]).add(1))}));
  await leavesNoTensor(async () => {
    await Promise.resolve();
    return [tf.scalar(1)];
  });
  await assert.rejects(
    leavesNoTensor(() => tf.ones([2]).add(1)),
    /left 1 tensors behind/,
  );
});

test('a golden tensor that is not there is named with those that are', () => {
  const golden: Golden = {
    name: 'try',
    provenance: {script: '', scriptSha256: '', seed: 1, versions: {}},
    settings: {},
    inputs: {x: {shape: [1, 2], dtype: 'float32', values: [1, 2]}},
    weights: {},
    expected: {},
  };
  const {input} = goldenTensors(golden);
  assert.deepEqual(input('x').arraySync(), [[1, 2]]);
  assert.throws(() => input('y'), /golden try: no "y" under inputs; it has x\./);
});
