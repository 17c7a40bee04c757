import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {covarianceSpectrum} from 'latent-lib/evaluation/covariance-spectrum';
import {
  elboEstimate,
  iwaeBound,
  logImportanceWeights,
  type LatentModel,
} from 'latent-lib/evaluation/bounds';
import {estimate} from 'latent-lib/evaluation/estimate';
import {assignWeights} from 'latent-lib/layers/weights';
import {LinearVae} from 'latent-lib/models/linear-vae';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity} from '../helpers/parity';

let x: tf.Tensor2D;
/** A linear VAE with an encoder that is not the exact posterior. */
let vae: LinearVae;
let truth: number;

before(async () => {
  await ready();
  const random = new Random(31);
  vae = new LinearVae({pixels: 4, latents: 2, variance: 0.5}, random.stream('weights'));
  x = random.stream('x').normals([200, 4]);
  truth = estimate(vae.logLikelihood(x)).mean;
});

test('ELBO ≤ IWAE bound ≤ log p(x), and the bound rises with K towards it', async () => {
  const bound = async (samples: number) => (await iwaeBound(vae, x, new Random(1), {samples})).mean;
  const {elbo} = await elboEstimate(vae, x, new Random(1), {samples: 200});
  const [one, ten, many] = [await bound(1), await bound(10), await bound(1000)];
  const gap = truth - elbo.mean;
  assert.ok(gap > 0.2, `the encoder is to be wrong: ELBO ${elbo.mean}, truth ${truth}`);
  assert.ok(Math.abs(one - elbo.mean) < gap / 2, `K = 1 is the ELBO: ${one}, ${elbo.mean}`);
  assert.ok(elbo.mean < ten && ten < many, `${elbo.mean} < ${ten} < ${many}`);
  close('K = 1000', many, truth, {atol: 0.02});
});

test('with the exact posterior every weight is log p(x), whatever the noise', async () => {
  const data = new Random(5).normals<tf.Rank.R2>([50, 4]);
  const exact = new LinearVae({pixels: 4, latents: 2, variance: 0.5}, new Random(1));
  exact.setOptimum(covarianceSpectrum(data));
  const {perExample} = await iwaeBound(exact, data, new Random(2), {samples: 3});
  close('bound', perExample, exact.logLikelihood(data), {atol: 1e-4});
});

test('elbo = −reconstruction − kl, example by example', async () => {
  const {elbo, reconstruction, kl} = await elboEstimate(vae, x, new Random(1), {samples: 2});
  const sum = reconstruction.perExample.map((value, row) => -value - kl.perExample[row]!);
  close('elbo', elbo.perExample, sum, {atol: 1e-12});
  const epsilon = tf.zeros<tf.Rank.R2>([200, 2]);
  close('kl', kl.perExample, vae.elbo(x, epsilon).kl, {atol: 0});
});

test('the standard error tells how far the mean of other examples lies', () => {
  const {standardError} = estimate(vae.logLikelihood(x));
  const other = estimate(vae.logLikelihood(new Random(77).normals([5000, 4])));
  assert.ok(Math.abs(other.mean - truth) < 4 * standardError);
});

test('the chunk changes the memory, not the result', async () => {
  for (const bound of [
    async (chunk: number) =>
      (await iwaeBound(vae, x, new Random(3), {samples: 7, chunk})).perExample,
    async (chunk: number) =>
      (await elboEstimate(vae, x, new Random(3), {samples: 7, chunk})).elbo.perExample,
  ]) {
    const whole = await bound(100);
    for (const chunk of [1, 3]) close(`chunk ${chunk}`, await bound(chunk), whole, {atol: 1e-5});
  }
});

test('examples in the last, smaller batch count like all others', async () => {
  const {perExample} = await iwaeBound(vae, x, new Random(3), {samples: 400, batch: 150});
  assert.equal(perExample.length, 200);
  close('bound', perExample, vae.logLikelihood(x), {atol: 0.5});
});

test('weights of very unlike sizes neither overflow nor vanish', async () => {
  const far: LatentModel = {
    encode: rows => ({
      mean: tf.zeros([rows.shape[0], 1]),
      logVar: tf.zeros([rows.shape[0], 1]),
    }),
    // −log p is 5000 for z < 0 and 2000 for z ≥ 0; the prior is the posterior
    negativeLogLikelihood: (_, z) => z.less(0).mul<tf.Tensor2D>(3000).add(2000).squeeze([1]),
  };
  const samples = 4000;
  const {perExample} = await iwaeBound(far, tf.zeros([2, 3]), new Random(9), {samples});
  close('bound', perExample, [-2000 - Math.log(2), -2000 - Math.log(2)], {atol: 0.1});
});

test('wrong counts and shapes are refused by name', async () => {
  await assert.rejects(iwaeBound(vae, x, new Random(1), {samples: 0}), {
    name: 'RangeError',
    message: 'iwaeBound: samples is 0, expected a positive integer.',
  });
  await assert.rejects(elboEstimate(vae, x, new Random(1), {chunk: 1.5}), /chunk is 1\.5/);
  const flat = tf.ones([4]) as unknown as tf.Tensor2D;
  await assert.rejects(iwaeBound(vae, flat, new Random(1)), /x has shape \[4\], expected \[N,D\]/);
});

test('no tensor is left behind, and more samples take no more of them', async () => {
  await leavesNoTensor(() =>
    iwaeBound(vae, x, new Random(1), {samples: 4, chunk: 2}).then(() => null),
  );
  await leavesNoTensor(() => elboEstimate(vae, x, new Random(1), {samples: 4}).then(() => null));
  let most = 0;
  const watched: LatentModel = {
    encode: rows => vae.encode(rows),
    negativeLogLikelihood: (rows, z) => {
      most = Math.max(most, tf.memory().numBytes);
      return vae.negativeLogLikelihood(rows, z);
    },
  };
  const peak = async (samples: number) => {
    most = 0;
    await iwaeBound(watched, x, new Random(1), {samples, chunk: 5});
    return most;
  };
  assert.equal(await peak(50), await peak(5));
});

parity('bounds', loadGolden('evaluation'), ({input, expected, setting, weights}) => {
  const config = {pixels: setting('pixels'), latents: setting('latents')};
  const model = new LinearVae({...config, variance: setting('variance')}, new Random(1));
  assignWeights(model.weights, weights());
  const data = input<tf.Tensor2D>('x');
  const epsilon = input<tf.Tensor3D>('epsilon');
  const logWeights = logImportanceWeights(model, data, model.encode(data), epsilon);
  close('log weights', logWeights, expected('logWeights'), {atol: 1e-4, rtol: 1e-5});
  const mean = logWeights.logSumExp(0).sub(Math.log(epsilon.shape[0]));
  close('log mean weight', mean, expected('iwae'), {atol: 1e-4, rtol: 1e-5});
});
