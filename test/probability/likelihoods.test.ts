import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {bernoulliNegativeLogLikelihood} from 'latent-lib/probability/bernoulli';
import {
  gaussianNegativeLogLikelihood,
  optimalGaussianNegativeLogLikelihood,
  squaredError,
} from 'latent-lib/probability/gaussian-likelihood';
import {close} from '../helpers/close';
import {checkGradient} from '../helpers/gradient';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity} from '../helpers/parity';

const random = new Random(21);
let x: tf.Tensor2D;
let xHat: tf.Tensor2D;

before(async () => {
  await ready();
  x = random.stream('x').uniforms([3, 4]);
  xHat = random.stream('xHat').normals([3, 4]);
});

const as2d = (tensor: tf.Tensor): tf.Tensor2D => tensor as tf.Tensor2D;

test('a fair coin costs log 2 a pixel, whatever the pixel', () => {
  const logits = tf.zeros<tf.Rank.R2>([1, 3]);
  const nll = bernoulliNegativeLogLikelihood(tf.tensor2d([[0, 1, 0.5]]), logits);
  close('nll', nll, [3 * Math.log(2)], {atol: 1e-6});
});

test('a Bernoulli row by hand: −log of the probability given to each pixel', () => {
  const logits = tf.tensor2d([[Math.log(3), Math.log(3)]]); // probability ¾
  const nll = bernoulliNegativeLogLikelihood(tf.tensor2d([[1, 0]]), logits);
  close('nll', nll, [-Math.log(0.75) - Math.log(0.25)], {atol: 1e-6});
});

test('huge logits give large finite numbers, and zero where they are right', () => {
  const logits = tf.tensor2d([[1000, -1000]]);
  close('wrong', bernoulliNegativeLogLikelihood(tf.tensor2d([[0, 1]]), logits), [2000], {atol: 0});
  close('right', bernoulliNegativeLogLikelihood(tf.tensor2d([[1, 0]]), logits), [0], {atol: 0});
});

test('small probabilities keep their digits: softplus(−12) is not rounded away', () => {
  const nll = bernoulliNegativeLogLikelihood(tf.zeros([1, 1]), tf.tensor2d([[-12]]));
  close('nll', nll, [Math.log1p(Math.exp(-12))], {atol: 0, rtol: 2e-3});
});

test('the Bernoulli likelihood sums to one over all black and white images', () => {
  const images = Array.from({length: 8}, (_, code) => [0, 1, 2].map(bit => (code >> bit) & 1));
  const logits = random.stream('logits').normals<tf.Rank.R2>([1, 3]).tile<tf.Tensor2D>([8, 1]);
  const nll = bernoulliNegativeLogLikelihood(tf.tensor2d(images), logits);
  close('total probability', nll.neg().exp().sum(), 1, {atol: 1e-6});
});

test('the Gaussian likelihood by hand, and as a density below zero', () => {
  const [a, b] = [tf.tensor2d([[1, 2]]), tf.tensor2d([[0, 4]])];
  close('squared error', squaredError(a, b), [5], {atol: 1e-6});
  const want = 5 / (2 * 0.5) + Math.log(2 * Math.PI * 0.5);
  close('nll', gaussianNegativeLogLikelihood(a, b, 0.5), [want], {atol: 1e-5});
  assert.ok((gaussianNegativeLogLikelihood(a, a, 0.01).dataSync()[0] ?? NaN) < 0);
});

test('the optimal variance is the mean squared error, and no other is likelier', () => {
  const {negativeLogLikelihood, variance} = optimalGaussianNegativeLogLikelihood(x, xHat);
  close('variance', variance, tf.losses.meanSquaredError(x, xHat), {atol: 1e-6});
  const best = variance.dataSync()[0] ?? NaN;
  const same = gaussianNegativeLogLikelihood(x, xHat, best);
  close('nll', negativeLogLikelihood, same, {atol: 1e-5});
  const mean = (tensor: tf.Tensor1D): number => tensor.mean().dataSync()[0] ?? NaN;
  for (const factor of [0.5, 0.9, 1.1, 2]) {
    const other = mean(gaussianNegativeLogLikelihood(x, xHat, best * factor));
    assert.ok(mean(negativeLogLikelihood) < other, `variance × ${factor}`);
  }
  const perPixel = 0.5 * (1 + Math.log(2 * Math.PI * best));
  close('its mean in closed form', mean(negativeLogLikelihood), 4 * perPixel, {atol: 1e-5});
});

test('a perfect reconstruction stops at the floor', () => {
  const {negativeLogLikelihood, variance} = optimalGaussianNegativeLogLikelihood(x, x, 1e-4);
  close('variance', variance, 1e-4, {atol: 1e-10});
  const want = 2 * Math.log(2 * Math.PI * 1e-4);
  close('nll', negativeLogLikelihood, [want, want, want], {atol: 1e-4});
});

test('gradients agree with finite differences', () => {
  checkGradient(({logits}) => bernoulliNegativeLogLikelihood(x, as2d(logits)), {logits: xHat});
  checkGradient(({mean}) => gaussianNegativeLogLikelihood(x, as2d(mean), 0.3), {mean: xHat});
  checkGradient(
    ({mean}) => optimalGaussianNegativeLogLikelihood(x, as2d(mean)).negativeLogLikelihood,
    {mean: xHat},
  );
});

test('at logits of exactly zero the Bernoulli gradient is ½ − x', () => {
  const gradient = tf.grad(logits => bernoulliNegativeLogLikelihood(x, as2d(logits)).sum());
  close('gradient', gradient(tf.zeros([3, 4])), tf.sub(0.5, x), {atol: 1e-6});
});

test('shapes and variances that make no sense are refused by name', () => {
  const narrow = tf.zeros<tf.Rank.R2>([3, 2]);
  assert.throws(() => bernoulliNegativeLogLikelihood(x, narrow), /logits has shape \[3,2\]/);
  assert.throws(() => squaredError(x, narrow), /squaredError: xHat has shape \[3,2\]/);
  assert.throws(() => gaussianNegativeLogLikelihood(x, narrow, 1), /expected \[B,D\]/);
  for (const variance of [0, -1, NaN, Infinity]) {
    assert.throws(() => gaussianNegativeLogLikelihood(x, x, variance), RangeError);
  }
  assert.throws(() => optimalGaussianNegativeLogLikelihood(x, x, 0), /floor is 0/);
});

test('a second call leaves no tensor behind', async () => {
  await leavesNoTensor(() => [
    bernoulliNegativeLogLikelihood(x, xHat),
    squaredError(x, xHat),
    gaussianNegativeLogLikelihood(x, xHat, 0.3),
    optimalGaussianNegativeLogLikelihood(x, xHat),
  ]);
});

parity('likelihoods', loadGolden('probability'), ({input, expected, setting}) => {
  const within = {atol: 2e-6, rtol: 2e-6};
  const [image, mean] = [input<tf.Tensor2D>('x'), input<tf.Tensor2D>('xHat')];
  const variance = setting('variance');
  const bernoulli = (logits: tf.Tensor) => bernoulliNegativeLogLikelihood(image, as2d(logits));
  const gaussian = (xHat: tf.Tensor) => gaussianNegativeLogLikelihood(image, as2d(xHat), variance);
  const optimal = (xHat: tf.Tensor) =>
    optimalGaussianNegativeLogLikelihood(image, as2d(xHat)).negativeLogLikelihood;
  close('Bernoulli', bernoulli(input('logits')), expected('bernoulli'), within);
  close('Gaussian', gaussian(mean), expected('gaussian'), within);
  close('optimal Gaussian', optimal(mean), expected('optimalGaussian'), within);
  close(
    'optimal variance',
    optimalGaussianNegativeLogLikelihood(image, mean).variance,
    expected('optimalVariance'),
    within,
  );
  const slope = (fn: (value: tf.Tensor) => tf.Tensor1D, at: tf.Tensor) =>
    tf.grad(value => fn(value).sum())(at);
  const dLogits = slope(bernoulli, input('logits'));
  close('d Bernoulli / d logits', dLogits, expected('d bernoulli / d logits'), within);
  close('d Gaussian / d xHat', slope(gaussian, mean), expected('d gaussian / d xHat'), within);
  const dOptimal = slope(optimal, mean);
  close('d optimal / d xHat', dOptimal, expected('d optimalGaussian / d xHat'), within);
});
