import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {dropout, dropoutIf, splitNoise, splitSeed} from 'latent-lib/layers/dropout';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const seed = (a: number, b = 0): tf.Tensor1D => tf.tensor1d([a, b], 'int32');

test('each number is dropped, or divided by the share that is kept', () => {
  const x = new Random(1).normals([50, 60]).add(4);
  const factors = dropout(x, 0.25, seed(1)).div(x).dataSync();
  for (const factor of factors) {
    assert.ok(factor === 0 || Math.abs(factor - 4 / 3) < 1e-6, `${factor}`);
  }
});

test('the share dropped is the rate, and the mean stays', () => {
  const ones = tf.ones([400, 500]);
  for (const rate of [0.1, 0.5]) {
    const dropped = dropout(ones, rate, seed(2));
    close(`mean at ${rate}`, dropped.mean(), 1, {atol: 0.01});
    close(`dropped at ${rate}`, dropped.equal(0).cast('float32').mean(), rate, {atol: 0.004});
  }
});

test('the same seed drops the same, another seed something else', () => {
  const x = tf.ones([10, 20]);
  close('again', dropout(x, 0.5, seed(3, 4)), dropout(x, 0.5, seed(3, 4)), {atol: 0});
  const differing = dropout(x, 0.5, seed(3, 4)).notEqual(dropout(x, 0.5, seed(3, 5)));
  assert.ok(differing.cast('float32').mean().dataSync()[0]! > 0.3);
});

test('rate 0 and no noise leave x as it is', () => {
  const x = new Random(2).normals([3, 4]);
  close('rate 0', dropout(x, 0, seed(1)), x, {atol: 0});
  close('no noise', dropoutIf(x, undefined), x, {atol: 0});
});

test('the gradient passes where the number passed', () => {
  const x = new Random(2).normals([30, 4]);
  const dropped = dropout(x, 0.5, seed(9));
  const gradient = tf.grad(at => dropout(at, 0.5, seed(9)))(x);
  close('gradient', gradient, dropped.div(x), {atol: 1e-6});
});

test('seeds split from one seed differ from each other and can be split again', () => {
  const seeds = splitSeed(seed(7), 3);
  const again = seeds.flatMap(part => splitSeed(part, 3));
  const texts = [...seeds, ...again].map(part => part.dataSync().join());
  assert.equal(new Set(texts).size, 12);
  assert.ok(seeds.every(({dtype, shape}) => dtype === 'int32' && shape.join() === '2'));
  assert.deepEqual(
    splitSeed(seed(7), 3).map(part => part.dataSync().join()),
    texts.slice(0, 3),
  );
});

test('the noise of two places is independent', () => {
  const [first, second] = splitNoise({rate: 0.5, seed: seed(7)}, 2);
  const x = tf.ones([200, 200]);
  const both = dropoutIf(dropoutIf(x, first), second);
  close('kept by both', both.greater(0).cast('float32').mean(), 0.25, {atol: 0.01});
  assert.deepEqual(splitNoise(undefined, 2), [undefined, undefined]);
});

test('a second call leaves no tensor behind', async () => {
  const [x, s] = [tf.ones([3, 4]), seed(1)];
  await leavesNoTensor(() => dropout(x, 0.5, s));
  await leavesNoTensor(() => splitSeed(s, 3));
});

test('a rate of one and a seed of another shape are refused', () => {
  assert.throws(() => dropout(tf.ones([2]), 1, seed(1)), /rate is 1, expected a number from 0 to/);
  assert.throws(
    () => dropout(tf.ones([2]), 0.5, tf.tensor1d([1], 'int32')),
    /dropout: seed has shape \[1\], expected \[2\]/,
  );
  assert.throws(() => splitSeed(seed(1), 0), /count is 0/);
});
