import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {covarianceSpectrum, predictCollapse} from 'latent-lib/evaluation/covariance-spectrum';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity} from '../helpers/parity';

before(ready);

test('points on a line vary along the line only', () => {
  const {mean, eigenvalues, eigenvectors, totalVariance} = covarianceSpectrum(
    tf.tensor2d([
      [0, 0],
      [3, 4],
      [6, 8],
    ]),
  );
  close('mean', mean, [3, 4], {atol: 1e-6});
  close('eigenvalues', eigenvalues, [50 / 3, 0], {atol: 1e-5});
  close('total', totalVariance, 50 / 3, {atol: 1e-5});
  close('direction', eigenvectors[0]!.map(Math.abs), [0.6, 0.8], {atol: 1e-6});
});

test('the parts of many rows add up: 5000 rows are the same as their moments', () => {
  const x = new Random(2).normals<tf.Rank.R2>([5000, 3]).add<tf.Tensor2D>(10);
  const {totalVariance, mean} = covarianceSpectrum(x);
  const moments = tf.moments(x, 0);
  close('total', totalVariance, moments.variance.sum(), {atol: 1e-3});
  close('mean', mean, moments.mean, {atol: 1e-4});
});

test('directions are orthonormal and eigenvalues fall', () => {
  const x = new Random(2).uniforms<tf.Rank.R2>([50, 6]);
  const {eigenvalues, eigenvectors} = covarianceSpectrum(x);
  const U = tf.tensor2d(eigenvectors.map(vector => Array.from(vector)));
  close('U Uᵀ', U.matMul(U, false, true), tf.eye(6), {atol: 1e-5});
  assert.deepEqual(
    Array.from(eigenvalues),
    Array.from(eigenvalues).sort((a, b) => b - a),
  );
});

test('more pixels than rows: the rest of the spectrum is zero, never below', () => {
  const {eigenvalues} = covarianceSpectrum(new Random(2).uniforms<tf.Rank.R2>([4, 9]));
  assert.ok(eigenvalues.every(value => value >= 0));
  close('rest', eigenvalues.slice(3), new Float64Array(6), {atol: 1e-7});
});

test('latents along which the data vary less than the decoder’s noise collapse', () => {
  const spectrum = [8, 4, 1, 0.5];
  const {active, klPerLatent, kl, squaredError} = predictCollapse(spectrum, {
    variance: 2,
    latents: 3,
  });
  assert.equal(active, 2);
  close('KL', klPerLatent, [0.5 * Math.log(4), 0.5 * Math.log(2), 0], {atol: 1e-6});
  close('sum', kl, 0.5 * Math.log(8), {atol: 1e-6});
  close('squared error', squaredError, 1 + 0.5 + 2 * 2, {atol: 1e-6});
});

test('MNIST under the Keras guide: 5.117 < 12.25, so nothing is left', () => {
  const largest = [5.117, 3.741, 3.253, 2.842, 2.567, 2.274];
  const {active, kl} = predictCollapse(largest, {variance: 12.25, latents: 32});
  assert.deepEqual([active, kl], [0, 0]);
  assert.equal(predictCollapse(largest, {variance: 3, latents: 32}).active, 3);
});

test('the signals of lesson 02: the exact linear optimum’s numbers', () => {
  const spectrum = [8.68, 8.18, 3.05, 2.79, 0.615, 0.592, 0.085, 0.077];
  const rest = 24.12 - spectrum.reduce((sum, value) => sum + value, 0);
  const all = [...spectrum, rest];
  // L2Loss is SSE / (2 · 50), and 0.01 · KL is what its total adds
  for (const [latents, l2, weighedKl] of [
    [1, 0.1594, 0.0143],
    [2, 0.0826, 0.0282],
    [4, 0.0342, 0.0459],
    [6, 0.0321, 0.0478],
  ] as const) {
    const {squaredError, kl} = predictCollapse(all, {variance: 0.5, latents});
    close(`${latents} latents: L2`, squaredError / 100, l2, {atol: 2e-4});
    close(`${latents} latents: KL`, kl / 100, weighedKl, {atol: 1e-4});
  }
});

test('impossible input is refused by name', () => {
  assert.throws(() => covarianceSpectrum(tf.ones([1, 3])), /1 rows, expected two or more/);
  const flat = tf.ones([3]) as unknown as tf.Tensor2D;
  assert.throws(() => covarianceSpectrum(flat), /x has shape \[3\], expected \[N,D\]/);
  assert.throws(() => predictCollapse([1], {variance: 0, latents: 1}), RangeError);
  assert.throws(() => predictCollapse([1], {variance: 1, latents: 0}), RangeError);
});

test('no tensor is left behind', async () => {
  const x = new Random(2).uniforms<tf.Rank.R2>([20, 3]);
  await leavesNoTensor(() => {
    covarianceSpectrum(x);
  });
});

parity('covariance spectrum', loadGolden('evaluation'), ({input, expected}) => {
  const {mean, eigenvalues, eigenvectors} = covarianceSpectrum(input<tf.Tensor2D>('data'));
  close('mean', mean, expected('dataMean'), {atol: 1e-5});
  close('eigenvalues', eigenvalues, expected('eigenvalues'), {atol: 1e-5, rtol: 1e-5});
  const first = eigenvectors[0]!.map(Math.abs);
  close('first direction', first, expected('firstDirection'), {atol: 1e-5});
});
