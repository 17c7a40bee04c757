import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {ShapeError} from 'latent-lib/tensor/shapes';
import {
  gaussianLogDensity,
  klBetweenGaussians,
  klPerLatent,
  klToStandardNormal,
  reparameterize,
  standardNormalLogDensity,
  type Posterior,
} from 'latent-lib/probability/gaussian';
import {close} from '../helpers/close';
import {checkGradient} from '../helpers/gradient';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity} from '../helpers/parity';

before(ready);

/** A posterior with a batch of 5 over 3 latents. */
function posterior(name: string, batch = 5): Posterior {
  const random = new Random(11).stream(name);
  return {mean: random.normals([batch, 3]), logVar: random.normals([batch, 3])};
}

test('the KL of a hand-computed row', () => {
  const q = {mean: tf.tensor2d([[1, -2]]), logVar: tf.tensor2d([[0, Math.log(4)]])};
  // ½ (1 + 1 − 1 − 0) + ½ (4 + 4 − 1 − log 4)
  close('kl', klToStandardNormal(q), [0.5 + 0.5 * (7 - Math.log(4))], {atol: 1e-6});
  close('per latent', klPerLatent(q), [[0.5, 0.5 * (7 - Math.log(4))]], {atol: 1e-6});
});

test('the density of a hand-computed row', () => {
  const q = {mean: tf.tensor2d([[1, 0]]), logVar: tf.tensor2d([[0, Math.log(9)]])};
  const want = -Math.log(2 * Math.PI) - 0.5 * Math.log(9) - 0.5 * (4 + 1);
  close('log density', gaussianLogDensity(tf.tensor2d([[3, 3]]), q), [want], {atol: 1e-6});
});

test('without variance a sample is the mean; with variance 4 noise counts twice', () => {
  const q = {mean: tf.tensor2d([[1, -2]]), logVar: tf.tensor2d([[-Infinity, Math.log(4)]])};
  close('z', reparameterize(q, tf.tensor2d([[9, 1.5]])), [[1, 1]], {atol: 1e-6});
});

test('KL is zero at the prior and positive elsewhere', () => {
  const zeros = tf.zeros<tf.Rank.R2>([2, 3]);
  close('kl', klToStandardNormal({mean: zeros, logVar: zeros}), [0, 0], {atol: 0});
  const kl = klToStandardNormal(posterior('q', 1000)).dataSync();
  assert.ok(kl.every(value => value > 0));
});

test('KL from a Gaussian to itself is zero, to the standard normal the short formula', () => {
  const q = posterior('q');
  const zeros = tf.zeros<tf.Rank.R2>([5, 3]);
  close('to itself', klBetweenGaussians(q, q), tf.zeros([5]), {atol: 0});
  close(
    'to the standard normal',
    klBetweenGaussians(q, {mean: zeros, logVar: zeros}),
    klToStandardNormal(q),
    {atol: 1e-5},
  );
});

test('KL between Gaussians stands very large and very small variances', () => {
  const gaussian = (mean: number, logVar: number): Posterior => ({
    mean: tf.tensor2d([[mean]]),
    logVar: tf.tensor2d([[logVar]]),
  });
  const want = 0.5 * (Math.exp(1) - 1 - 1); // the means are equal, the log variances one apart
  close('large', klBetweenGaussians(gaussian(2, 101), gaussian(2, 100)), [want], {atol: 1e-5});
  close('small', klBetweenGaussians(gaussian(2, -99), gaussian(2, -100)), [want], {atol: 1e-5});
});

test('KL is the mean of log q − log p over samples of q', () => {
  const samples = 200_000;
  const row = posterior('q', 1);
  const q: Posterior = {
    mean: row.mean.tile<tf.Tensor2D>([samples, 1]),
    logVar: row.logVar.tile<tf.Tensor2D>([samples, 1]),
  };
  const z = reparameterize(q, new Random(2).normals([samples, 3]));
  const difference = gaussianLogDensity(z, q).sub(standardNormalLogDensity(z));
  const {mean, variance} = tf.moments(difference);
  const error = Math.sqrt((variance.dataSync()[0] ?? NaN) / samples);
  const exact = klToStandardNormal(row).dataSync()[0] ?? NaN;
  close('Monte Carlo', mean, exact, {atol: 4 * error});
  assert.ok(error < 0.01, `standard error ${error}`);
});

test('the standard normal density is the Gaussian density with mean 0 and log variance 0', () => {
  const z = new Random(4).normals<tf.Rank.R2>([6, 3]);
  const standard = {mean: tf.zeros<tf.Rank.R2>([6, 3]), logVar: tf.zeros<tf.Rank.R2>([6, 3])};
  close('density', standardNormalLogDensity(z), gaussianLogDensity(z, standard), {atol: 1e-6});
});

test('gradients reach the mean and the log variance', () => {
  const {mean, logVar} = posterior('q', 2);
  const epsilon = new Random(5).normals<tf.Rank.R2>([2, 3]);
  const p = posterior('p', 2);
  const as2d = (tensor: tf.Tensor) => tensor as tf.Tensor2D;
  const q = (inputs: {mean: tf.Tensor; logVar: tf.Tensor}): Posterior => ({
    mean: as2d(inputs.mean),
    logVar: as2d(inputs.logVar),
  });
  checkGradient(inputs => reparameterize(q(inputs), epsilon), {mean, logVar});
  checkGradient(inputs => klToStandardNormal(q(inputs)), {mean, logVar});
  checkGradient(inputs => klBetweenGaussians(q(inputs), p), {mean, logVar});
  checkGradient(inputs => klBetweenGaussians(p, q(inputs)), {mean, logVar});
  checkGradient(inputs => gaussianLogDensity(epsilon, q(inputs)), {mean, logVar});
  checkGradient(({z}) => standardNormalLogDensity(as2d(z)), {z: epsilon});
});

test('shapes that differ are refused by name', () => {
  const mean = tf.zeros<tf.Rank.R2>([2, 3]);
  const wide = tf.zeros<tf.Rank.R2>([2, 4]);
  assert.throws(
    () => klToStandardNormal({mean, logVar: wide}),
    new ShapeError('klPerLatent: logVar has shape [2,4], expected [B,L] with {"B":2,"L":3}.'),
  );
  assert.throws(
    () => reparameterize({mean, logVar: mean}, wide),
    /reparameterize: epsilon has shape \[2,4\].*one number of noise/,
  );
  assert.throws(() => gaussianLogDensity(wide, {mean, logVar: mean}), /mean has shape \[2,3\]/);
  assert.throws(
    () => klBetweenGaussians({mean, logVar: mean}, {mean: wide, logVar: wide}),
    /p\.mean has shape \[2,4\]/,
  );
  const vector = tf.zeros([3]) as unknown as tf.Tensor2D;
  assert.throws(() => standardNormalLogDensity(vector), /expected \[B,L\]/);
});

test('a second call leaves no tensor behind', async () => {
  const [q, p, z] = [posterior('q'), posterior('p'), new Random(5).normals<tf.Rank.R2>([5, 3])];
  await leavesNoTensor(() => [
    reparameterize(q, z),
    gaussianLogDensity(z, q),
    standardNormalLogDensity(z),
    klToStandardNormal(q),
    klPerLatent(q),
    klBetweenGaussians(q, p),
  ]);
});

parity('Gaussian', loadGolden('probability'), ({input, expected}) => {
  const q = {mean: input<tf.Tensor2D>('mean'), logVar: input<tf.Tensor2D>('logVar')};
  const p = {mean: input<tf.Tensor2D>('priorMean'), logVar: input<tf.Tensor2D>('priorLogVar')};
  const z = expected<tf.Tensor2D>('z');
  const within = {atol: 1e-6, rtol: 1e-6};
  close('z', reparameterize(q, input('epsilon')), z, within);
  close('log density', gaussianLogDensity(z, q), expected('logDensity'), within);
  close('prior log density', standardNormalLogDensity(z), expected('priorLogDensity'), within);
  close('KL', klToStandardNormal(q), expected('klToStandardNormal'), within);
  close('KL between', klBetweenGaussians(q, p), expected('klBetweenGaussians'), within);
  const between = tf.grads((...args: tf.Tensor[]) => {
    const [mean, logVar, priorMean, priorLogVar] = args as tf.Tensor2D[];
    return klBetweenGaussians(
      {mean: mean!, logVar: logVar!},
      {mean: priorMean!, logVar: priorLogVar!},
    ).sum();
  })([q.mean, q.logVar, p.mean, p.logVar]);
  for (const [index, name] of ['mean', 'logVar', 'priorMean', 'priorLogVar'].entries()) {
    const want = expected(`d klBetweenGaussians / d ${name}`);
    close(`d KL between / d ${name}`, between[index]!, want, within);
  }
  const [dMean, dLogVar] = tf.grads((mean, logVar) =>
    klToStandardNormal({mean: mean as tf.Tensor2D, logVar: logVar as tf.Tensor2D}).sum(),
  )([q.mean, q.logVar]);
  close('d KL / d mean', dMean!, expected('d klToStandardNormal / d mean'), within);
  close('d KL / d logVar', dLogVar!, expected('d klToStandardNormal / d logVar'), within);
  // z is drawn from q, so both leave through it too
  const [sMean, sLogVar] = tf.grads((mean, logVar) => {
    const drawn = {mean: mean as tf.Tensor2D, logVar: logVar as tf.Tensor2D};
    return gaussianLogDensity(reparameterize(drawn, input('epsilon')), drawn).sum();
  })([q.mean, q.logVar]);
  close('d log density / d mean', sMean!, expected('d logDensity / d mean'), {atol: 1e-5});
  close('d log density / d logVar', sLogVar!, expected('d logDensity / d logVar'), {atol: 1e-5});
});
