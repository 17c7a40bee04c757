import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {
  activeUnits,
  klPerDimension,
  mutualInformation,
} from 'latent-lib/evaluation/posterior-collapse';
import {klToStandardNormal, type Posterior} from 'latent-lib/probability/gaussian';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity} from '../helpers/parity';

before(ready);

/** N examples, two latents: the first carries the example's number, the second nothing. */
function halfCollapsed(count: number, logVar: number): Posterior {
  return tf.tidy(() => {
    const first = tf.linspace(-2, 2, count).expandDims<tf.Tensor2D>(1);
    return {
      mean: tf.concat2d([first, tf.zeros([count, 1])], 1),
      logVar: tf.concat2d([tf.fill([count, 1], logVar), tf.zeros([count, 1])], 1),
    };
  });
}

test('a collapsed latent has no KL and does not count as active', () => {
  const q = halfCollapsed(100, -3);
  const [used, unused] = klPerDimension(q);
  close('collapsed', unused!, 0, {atol: 0});
  assert.ok(used! > 1);
  const {count, variances} = activeUnits(q.mean);
  assert.equal(count, 1);
  // the variance of 100 even steps from −2 to 2
  close('variance', variances, [(16 / 12) * (101 / 99), 0], {atol: 1e-5});
});

test('the threshold of an active unit is a variance of 0.01', () => {
  const spread = (deviation: number): number => {
    const mean = tf.tensor2d([[deviation], [-deviation]]);
    return activeUnits(mean).count;
  };
  assert.deepEqual([spread(0.11), spread(0.09)], [1, 0]);
  assert.equal(activeUnits(tf.tensor2d([[0.11], [-0.11]]), 0.02).count, 0);
});

test('KL per dimension sums to the mean KL', () => {
  const q = halfCollapsed(50, -1);
  const sum = klPerDimension(q).reduce((total, kl) => total + kl, 0);
  close('sum', klToStandardNormal(q).mean(), sum, {atol: 1e-5});
});

test('a collapsed posterior carries no information', async () => {
  const zeros = tf.zeros<tf.Rank.R2>([200, 3]);
  const epsilon = new Random(1).normals<tf.Rank.R2>([200, 3]);
  const result = await mutualInformation({mean: zeros, logVar: zeros}, epsilon);
  close('information', result.mutualInformation, 0, {atol: 1e-4});
  close('mismatch', result.marginalKl, 0, {atol: 1e-4});
});

test('posteriors that never overlap carry log N and no more', async () => {
  const [count, epsilon] = [64, new Random(1).normals<tf.Rank.R2>([64, 2])];
  const {mutualInformation: nats, limit} = await mutualInformation(
    halfCollapsed(count, -16),
    epsilon,
  );
  close('limit', limit, Math.log(count), {atol: 1e-12});
  close('information', nats, limit, {atol: 1e-4});
  const overlapping = await mutualInformation(halfCollapsed(count, -2), epsilon);
  assert.ok(overlapping.mutualInformation < limit - 1);
});

test('information and mismatch sum to the mean KL, up to sampling', async () => {
  const count = 2000;
  const epsilon = new Random(1).normals<tf.Rank.R2>([count, 2]);
  const result = await mutualInformation(halfCollapsed(count, -3), epsilon);
  const sum = result.mutualInformation + result.marginalKl;
  close('sum', sum, result.meanKl, {atol: 0.1});
  assert.ok(result.mutualInformation > 0.5 && result.marginalKl > 0);
});

test('wrong shapes are refused by name', async () => {
  const q = halfCollapsed(4, 0);
  await assert.rejects(mutualInformation(q, tf.zeros([4, 3])), /epsilon has shape \[4,3\]/);
  const flat = tf.zeros([4]) as unknown as tf.Tensor2D;
  assert.throws(() => activeUnits(flat), /activeUnits: mean has shape \[4\], expected \[N,L\]/);
});

test('no tensor is left behind', async () => {
  const [q, epsilon] = [halfCollapsed(30, -1), new Random(1).normals<tf.Rank.R2>([30, 2])];
  await leavesNoTensor(async () => {
    klPerDimension(q);
    activeUnits(q.mean);
    await mutualInformation(q, epsilon);
  });
});

parity('posterior collapse', loadGolden('evaluation'), async ({input, expected}) => {
  const q = {mean: input<tf.Tensor2D>('mean'), logVar: input<tf.Tensor2D>('logVar')};
  const result = await mutualInformation(q, input('noise'));
  const within = {atol: 1e-5, rtol: 1e-5};
  close('information', result.mutualInformation, expected('mutualInformation'), within);
  close('mismatch', result.marginalKl, expected('marginalKl'), within);
  close('KL per dimension', klPerDimension(q), expected('klPerDimension'), within);
  const {variances, count} = activeUnits(q.mean);
  close('variances', variances, expected('variances'), within);
  assert.equal(count, 2);
});
