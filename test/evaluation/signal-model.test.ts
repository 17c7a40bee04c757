import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {latentAccount, posteriorBand, signalErrors} from 'latent-lib/evaluation/signal-model';
import {sinusoids} from 'latent-lib/data/sinusoids';
import {SinusoidAutoencoder, SOURCE_SIZES} from 'latent-lib/models/sinusoid-autoencoder';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const random = new Random(12);
const model = () => new SinusoidAutoencoder(SOURCE_SIZES, random.stream('model'));
const signals = (length = 50) => sinusoids(8, random.stream('data'), {length}).signals.tensor();
const noise = (rows: number) => random.stream('noise').normals<tf.Rank.R2>([rows, 2]);

test('the errors are the means of what the model’s own losses say', () => {
  const vae = model();
  const x = signals();
  const coins = tf.tensor1d([0, 1, 0, 1, 1, 0, 0, 1, 0, 1]);
  for (const options of [{epsilon: noise(8)}, {epsilon: noise(8), coins}]) {
    const {l2, kl} = vae.calcLoss(x, options.epsilon, options.coins);
    const errors = signalErrors(vae, x, options);
    close('l2', errors.l2, l2.mean(), {atol: 1e-6});
    close('kl', errors.kl, kl.mean(), {atol: 1e-5});
    close('total', errors.total, errors.l2 + 0.01 * errors.kl, {atol: 1e-12});
  }
});

test('the frames average to the whole, and each is its own part of the signal', () => {
  const vae = model();
  const x = signals();
  const {l2, perFrame} = signalErrors(vae, x);
  assert.equal(perFrame.length, 10);
  close('mean', perFrame.reduce((sum, value) => sum + value, 0) / 10, l2, {atol: 1e-6});
  const decoded = vae.decode(vae.encode(x).mean, 50);
  const third = x.sub(decoded).slice([0, 10], [8, 5]).square().mean().mul(0.5);
  close('third', perFrame[2]!, third, {atol: 1e-6});
});

test('a last frame that is cut counts in the whole only', () => {
  const {perFrame, l2} = signalErrors(model(), signals(52));
  assert.equal(perFrame.length, 10);
  assert.ok(Number.isFinite(l2));
});

test('without noise in the latents the band has no width; with it, it holds its share', () => {
  const vae = model();
  const x = signals().slice([0, 0], [1, 50]);
  const none = posteriorBand(vae, x, tf.zeros([20, 2]));
  close('no width', none.high, none.low, {atol: 1e-6});
  const {low, high, values} = posteriorBand(vae, x, noise(201));
  assert.ok(low.every((value, n) => value <= values[n]! && values[n]! <= high[n]!));
  const q = vae.encode(x);
  const z = noise(201).mul(q.logVar.mul(0.5).exp()).add<tf.Tensor2D>(q.mean);
  const first = vae.decode(z, 50).slice([0, 0], [201, 1]).dataSync();
  const inside = first.filter(value => value >= low[0]! - 1e-6 && value <= high[0]! + 1e-6).length;
  assert.equal(inside, 181);
});

test('a band wants one signal and a share between 0 and 1', () => {
  const x = signals();
  assert.throws(() => posteriorBand(model(), x, noise(5)), /posteriorBand: x has shape \[8,50\]/);
  const one = x.slice<tf.Tensor2D>([0, 0], [1, 50]);
  assert.throws(() => posteriorBand(model(), one, noise(5), 1), RangeError);
});

test('the account of a collapsed posterior is empty, that of a sharp one is not', async () => {
  const zeros = tf.zeros<tf.Rank.R2>([300, 2]);
  const collapsed = await latentAccount({mean: zeros, logVar: zeros}, noise(300));
  close('KL', collapsed.klPerLatent, [0, 0], {atol: 1e-6});
  close('information', collapsed.information, 0, {atol: 1e-5});
  assert.equal(collapsed.activeUnits, 0);
  const mean = random.stream('means').normals<tf.Rank.R2>([300, 2]);
  const sharp = await latentAccount(
    {mean, logVar: tf.concat2d([tf.fill([300, 1], -4), tf.zeros([300, 1])], 1)},
    noise(300),
  );
  assert.equal(sharp.activeUnits, 2);
  assert.ok(sharp.information > 1.5 && sharp.information < sharp.limit);
  assert.ok(sharp.klPerLatent[0]! > sharp.klPerLatent[1]!);
});

test('errors and bands leave no tensor behind', () => {
  const vae = model();
  const x = signals();
  const one = x.slice<tf.Tensor2D>([0, 0], [1, 50]);
  const epsilon = noise(8);
  leavesNoTensor(() => signalErrors(vae, x, {epsilon}));
  leavesNoTensor(() => posteriorBand(vae, one, epsilon));
});
