import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {probeFactor, probeFactors} from 'latent-lib/evaluation/probe';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const N = 2000;
const random = new Random(11);
const names = ['past', 'present', 'future'];
const indices = Int32Array.from({length: N}, () => random.integer(3));

/** [N, 4] latents of very unlike scales; `signal` says what the second one holds. */
function latents(signal: (row: number) => number): tf.Tensor2D {
  const noise = random.stream('noise');
  const values = Array.from({length: N}, (_, row) => {
    const [a, b, c] = [noise.normal(), noise.normal(), noise.normal()];
    return [100 * a, signal(row) + 0.2 * b, 0.001 * c, 7];
  });
  return tf.tensor2d(values);
}

test('classes in a row along one latent are told apart, the middle one too', () => {
  const probe = probeFactor(latents(row => indices[row]!), {names, indices}); // prettier-ignore
  assert.ok(probe.accuracy > 0.96, `${probe.accuracy}`);
  assert.ok(probe.crossEntropy < 0.25, `${probe.crossEntropy}`);
  assert.ok(Math.abs(probe.majority - 1 / 3) < 0.05);
  close('baseline', probe.baseline, Math.log(3), {atol: 0.01});
});

test('latents that know nothing give no more than the majority', () => {
  const rare = indices.map(index => (index === 0 ? 0 : 1));
  const probe = probeFactor(latents(() => 0), {names, indices: rare}); // prettier-ignore
  assert.ok(Math.abs(probe.accuracy - probe.majority) < 0.03, `${probe.accuracy}`);
  assert.ok(probe.majority > 0.6 && probe.majority < 0.73);
  assert.ok(probe.crossEntropy > probe.baseline - 0.01);
});

test('the probe comes near the posterior of two Gaussians', () => {
  // Two classes at ±1 with deviation 1: the best accuracy is Φ(1), and log p(1|z)/p(0|z) = 2z.
  const noise = random.stream('two classes');
  const labels = Int32Array.from({length: 20_000}, () => random.integer(2));
  const values = Array.from(labels, label => 2 * label - 1 + noise.normal());
  const z = tf.tensor2d(values, [20_000, 1]);
  const probe = probeFactor(z, {names: ['a', 'b'], indices: labels});
  const best = values.slice(10_000).map((value, row) => {
    return Math.log1p(Math.exp(-2 * value * (2 * labels[10_000 + row]! - 1)));
  });
  const mean = best.reduce((sum, value) => sum + value, 0) / best.length;
  assert.ok(Math.abs(probe.accuracy - 0.8413) < 3 * probe.standardError, `${probe.accuracy}`);
  close('cross-entropy', probe.crossEntropy, mean, {atol: 0.003});
});

test('what holds only in the half that is fitted to is not found', () => {
  const signal = (row: number) => (row < N / 2 ? indices[row]! : indices[(row * 7) % N]!);
  const {accuracy} = probeFactor(latents(signal), {names, indices});
  assert.ok(accuracy < 0.45, `${accuracy}`);
});

test('a factor with one class, and latents that do not vary, are no error', () => {
  const one = probeFactor(latents(() => 0), {names: ['only'], indices: indices.map(() => 0)}); // prettier-ignore
  assert.deepEqual([one.accuracy, one.majority, one.classes], [1, 1, 1]);
  const blind = probeFactor(tf.ones([N, 2]), {names, indices});
  assert.ok(Math.abs(blind.accuracy - blind.majority) < 1e-9);
});

test('several factors make one record each', () => {
  const z = latents(row => indices[row]!);
  const other = Int32Array.from({length: N}, () => random.integer(2));
  const rows = probeFactors(z, {
    tense: {names, indices},
    other: {names: ['a', 'b'], indices: other},
  });
  assert.deepEqual(rows.map(({factor, classes}) => [factor, classes]), [['tense', 3], ['other', 2]]); // prettier-ignore
  assert.ok(rows[0]!.accuracy > 0.96 && rows[1]!.accuracy < 0.56);
});

test('no tensor is left', async () => {
  const z = latents(row => indices[row]!);
  await leavesNoTensor(() => void probeFactor(z, {names, indices}, {steps: 5}));
});

test('what does not fit is refused', () => {
  const z = tf.zeros<tf.Rank.R2>([4, 2]);
  assert.throws(() => probeFactor(z, {names, indices: [0, 1]}), /2 classes for 4 examples/);
  assert.throws(() => probeFactor(z, {names, indices: [0, 1, 2, 3]}), /no class 3 among 3/);
  assert.throws(() => probeFactor(tf.zeros([2, 2]), {names, indices: [0, 1]}), /2 examples/);
  assert.throws(
    () => probeFactor(tf.zeros<tf.Rank>([4]) as tf.Tensor2D, {names, indices: [0, 1, 2, 0]}),
    /z has shape/,
  );
});
