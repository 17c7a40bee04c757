import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {covarianceSpectrum, predictCollapse} from 'latent-lib/evaluation/covariance-spectrum';
import {assignWeights, countWeights} from 'latent-lib/layers/weights';
import {LinearVae} from 'latent-lib/models/linear-vae';
import {close} from '../helpers/close';
import {checkGradient} from '../helpers/gradient';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity} from '../helpers/parity';

before(ready);

const config = {pixels: 5, latents: 2, variance: 0.3};

/** Correlated data whose directions vary by very different amounts. */
function data(count: number): tf.Tensor2D {
  return tf.tidy(() => {
    const random = new Random(8);
    const scale = tf.tensor1d([2, 1.2, 0.5, 0.3, 0.2]);
    const mixing = random.stream('mixing').normals<tf.Rank.R2>([5, 5]);
    return random.stream('data').normals<tf.Rank.R2>([count, 5]).mul(scale).matMul(mixing).add(1);
  });
}

test('with one pixel and one latent log p(x) is that of N(b, w² + σ²)', () => {
  const vae = new LinearVae({pixels: 1, latents: 1, variance: 0.5}, new Random(1));
  assignWeights(vae.weights, {
    ...vae.weights,
    'decoder.kernel': tf.tensor2d([[2]]),
    'decoder.bias': tf.tensor1d([1]),
  });
  const want = -0.5 * (Math.log(2 * Math.PI * 4.5) + 2 ** 2 / 4.5);
  close('log p', vae.logLikelihood(tf.tensor2d([[3]])), [want], {atol: 1e-6});
});

test('log p(x) is a density: over a grid of two pixels it sums to one', () => {
  const vae = new LinearVae({pixels: 2, latents: 1, variance: 0.5}, new Random(4));
  const side = Array.from({length: 121}, (_, index) => (index - 60) / 6);
  const grid = tf.tensor2d(side.flatMap(a => side.map((b): [number, number] => [a, b])));
  const total = vae.logLikelihood(grid).reduce((sum, value) => sum + Math.exp(value) / 36, 0);
  close('mass', total, 1, {atol: 1e-4});
});

test('at the optimum the exact posterior is the encoder: the ELBO is log p(x) for every x', () => {
  const x = data(400);
  const vae = new LinearVae(config, new Random(2));
  vae.setOptimum(covarianceSpectrum(x));
  const {kl, reconstruction} = vae.elbo(x, new Random(3).normals([400, 2]));
  // Averaged over the data, KL and reconstruction are the closed forms; see the next test for each.
  const truth = vae.logLikelihood(x).reduce((sum, value) => sum + value, 0) / 400;
  close('ELBO', reconstruction.add(kl).neg().mean(), truth, {atol: 0.1});
});

test('the optimum does what the spectrum predicts: active latents, KL and squared error', () => {
  const x = data(4000);
  const spectrum = covarianceSpectrum(x);
  for (const variance of [spectrum.eigenvalues[1]! * 0.7, spectrum.eigenvalues[1]! * 1.1]) {
    const vae = new LinearVae({...config, variance}, new Random(2));
    vae.setOptimum(spectrum);
    const predicted = predictCollapse(spectrum.eigenvalues, {variance, latents: 2});
    assert.equal(predicted.active, variance < spectrum.eigenvalues[1]! ? 2 : 1);
    const {kl, reconstruction} = vae.elbo(x, new Random(3).normals([4000, 2]));
    close('KL', kl.mean(), predicted.kl, {atol: 0, rtol: 1e-3});
    const constant = 2.5 * Math.log(2 * Math.PI * variance);
    const error = reconstruction
      .sub(constant)
      .mul(2 * variance)
      .mean();
    close('squared error', error, predicted.squaredError, {atol: 0, rtol: 0.05});
  }
});

test('no other decoder of the same variance makes the data likelier', () => {
  const x = data(300);
  const vae = new LinearVae(config, new Random(2));
  const mean = () => vae.logLikelihood(x).reduce((sum, value) => sum + value, 0) / 300;
  vae.setOptimum(covarianceSpectrum(x));
  const best = mean();
  const kernel = vae.weights['decoder.kernel']!;
  const optimum = kernel.clone();
  for (let trial = 0; trial < 10; trial++) {
    const nudge = new Random(trial).normals<tf.Rank.R2>([2, 5]).mul(0.05);
    kernel.assign(optimum.add(nudge));
    assert.ok(mean() < best, `trial ${trial}`);
  }
});

test('gradients reach the data and the noise', () => {
  const vae = new LinearVae(config, new Random(6));
  const inputs = {x: data(2), epsilon: new Random(7).normals<tf.Rank.R2>([2, 2])};
  checkGradient(({x, epsilon}) => vae.elbo(x as tf.Tensor2D, epsilon as tf.Tensor2D).loss, inputs, {
    atol: 0.02,
    rtol: 0.01,
  });
});

test('sizes that make no sense are refused', () => {
  for (const wrong of [{variance: 0}, {variance: NaN}, {latents: 6}, {latents: 0}]) {
    assert.throws(() => new LinearVae({...config, ...wrong}, new Random(1)), RangeError);
  }
  const vae = new LinearVae(config, new Random(1));
  assert.throws(() => vae.logLikelihood(tf.ones([2, 4])), /x has shape \[2,4\], expected \[B,5\]/);
  assert.equal(countWeights(vae.weights), 5 * 2 + 2 + 2 + 2 * 5 + 5);
});

test('a second call leaves no tensor behind, and dispose leaves none at all', async () => {
  const x = data(3);
  const spectrum = covarianceSpectrum(x);
  const epsilon = new Random(3).normals<tf.Rank.R2>([3, 2]);
  const {numTensors} = tf.memory();
  const vae = new LinearVae(config, new Random(1));
  await leavesNoTensor(() => {
    vae.logLikelihood(x);
    vae.setOptimum(spectrum);
    return {...vae.elbo(x, epsilon)};
  });
  vae.dispose();
  assert.equal(tf.memory().numTensors, numTensors);
});

parity('linear VAE', loadGolden('evaluation'), ({input, expected, setting, weights}) => {
  const [pixels, latents] = [setting('pixels'), setting('latents')];
  const vae = new LinearVae({pixels, latents, variance: setting('variance')}, new Random(1));
  assignWeights(vae.weights, weights());
  const x = input<tf.Tensor2D>('x');
  const epsilon = input<tf.Tensor3D>('epsilon').slice(0, 1).squeeze<tf.Tensor2D>([0]);
  close('log p(x)', vae.logLikelihood(x), expected('logLikelihood'), {atol: 0, rtol: 1e-6});
  for (const [term, value] of Object.entries({...vae.elbo(x, epsilon)})) {
    close(term, value, expected(term), {atol: 1e-5, rtol: 1e-5});
  }
  const {grads} = tf.variableGrads(() => vae.elbo(x, epsilon).loss, Object.values(vae.weights));
  for (const [name, variable] of Object.entries(vae.weights)) {
    const want = expected(`gradient ${name}`);
    close(`gradient ${name}`, grads[variable.name]!, want, {atol: 1e-4, rtol: 1e-5});
  }
});
