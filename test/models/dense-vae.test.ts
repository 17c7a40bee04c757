import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {assignWeights, countWeights} from 'latent-lib/layers/weights';
import {DenseVae, guideLoss} from 'latent-lib/models/dense-vae';
import {klToStandardNormal} from 'latent-lib/probability/gaussian';
import {adam} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';
import {close} from '../helpers/close';
import {checkGradient} from '../helpers/gradient';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity, type GoldenTensors} from '../helpers/parity';

const config = {pixels: 6, hidden: 5, latents: 2};
let vae: DenseVae;
let x: tf.Tensor2D;
let epsilon: tf.Tensor2D;

before(async () => {
  await ready();
  vae = new DenseVae(config, new Random(3).stream('weights'));
  x = new Random(3).stream('x').uniforms([4, 6]);
  epsilon = new Random(3).stream('epsilon').normals([4, 2]);
});

test('784-64-32 has 107,472 weights and 784-400-20 has 652,824', () => {
  const count = (hidden: number, latents: number): number => {
    const model = new DenseVae({pixels: 784, hidden, latents}, new Random(1));
    const size = countWeights(model.weights);
    model.dispose();
    return size;
  };
  assert.equal(count(64, 32), 107_472);
  assert.equal(count(400, 20), 652_824);
});

test('weights have dotted names in the order of the forward pass', () => {
  const layers = ['encoder.hidden', 'encoder.mean', 'encoder.logVar', 'decoder.hidden'];
  const names = [...layers, 'decoder.pixels'].flatMap(name => [`${name}.kernel`, `${name}.bias`]);
  assert.deepEqual(Object.keys(vae.weights), names);
});

test('an untrained model says about log 2 a pixel', () => {
  const model = new DenseVae({pixels: 784, hidden: 64, latents: 32}, new Random(7));
  const image = new Random(7).stream('x').uniforms<tf.Rank.R2>([8, 784]);
  const {reconstruction} = model.elbo(image, new Random(7).normals([8, 32]));
  const perPixel = (reconstruction.mean().dataSync()[0] ?? NaN) / 784;
  assert.ok(Math.abs(perPixel - Math.log(2)) < 0.1, `${perPixel}`);
});

test('the terms are per example, and an example’s do not depend on the rest of the batch', () => {
  const all = vae.elbo(x, epsilon);
  assert.deepEqual(all.reconstruction.shape, [4]);
  assert.deepEqual(all.kl.shape, [4]);
  const one = vae.elbo(x.slice([2, 0], [1, 6]), epsilon.slice([2, 0], [1, 2]));
  close('reconstruction', one.reconstruction, all.reconstruction.slice(2, 1), {atol: 1e-5});
  close('kl', one.kl, all.kl.slice(2, 1), {atol: 1e-5});
});

test('the loss is the batch mean of reconstruction + beta · KL', () => {
  for (const beta of [0, 1, 4]) {
    const {reconstruction, kl, loss} = vae.elbo(x, epsilon, beta);
    close(`beta ${beta}`, loss, reconstruction.add(kl.mul(beta)).mean(), {atol: 1e-5});
  }
});

test('the guide’s KL is ours divided by the latents, its error a mean over pixels too', () => {
  const {meanSquaredError, meanKl, loss} = guideLoss(vae, x, epsilon);
  close('KL', meanKl, klToStandardNormal(vae.encode(x)).mean().div(2), {atol: 1e-6});
  close('loss', loss, meanSquaredError.add(meanKl), {atol: 1e-6});
  assert.ok((meanSquaredError.dataSync()[0] ?? NaN) < 1);
});

test('gradients reach the image and the noise', () => {
  // one example: further ones only bring more of relu's kinks near
  const [image, noise] = [x.slice([0, 0], [1, 6]), epsilon.slice([0, 0], [1, 2])];
  const loss = (inputs: {image: tf.Tensor; noise: tf.Tensor}) =>
    vae.elbo(inputs.image as tf.Tensor2D, inputs.noise as tf.Tensor2D).loss;
  checkGradient(loss, {image, noise}, {atol: 2e-3, rtol: 2e-3}, 0.01);
});

test('the same seed gives the same model', () => {
  const twin = new DenseVae(config, new Random(3).stream('weights'));
  close('logits', twin.decode(epsilon), vae.decode(epsilon), {atol: 0});
});

test('wrong shapes are refused by name', () => {
  assert.throws(() => vae.elbo(x, tf.zeros([4, 3])), /epsilon has shape \[4,3\], expected \[B,L\]/);
  assert.throws(() => vae.encode(tf.zeros([4, 5])), /x has shape \[4,5\], expected \[B,I\]/);
  assert.throws(() => new DenseVae({...config, latents: 0}, new Random(1)), RangeError);
});

test('a second call leaves no tensor behind, and dispose leaves none at all', async () => {
  await leavesNoTensor(() => [
    {...vae.encode(x)},
    {...vae.elbo(x, epsilon)},
    {...guideLoss(vae, x, epsilon)},
    vae.negativeLogLikelihood(x, epsilon),
  ]);
  const {numTensors} = tf.memory();
  new DenseVae(config, new Random(1)).dispose();
  assert.equal(tf.memory().numTensors, numTensors);
});

/** Holds both losses, their terms and every gradient against a reference. */
function compare({input, expected, setting, weights}: GoldenTensors): void {
  const sizes = {pixels: setting('pixels'), hidden: setting('hidden'), latents: setting('latents')};
  const model = new DenseVae(sizes, new Random(1));
  assignWeights(model.weights, weights());
  const [image, noise] = [input<tf.Tensor2D>('x'), input<tf.Tensor2D>('epsilon')];
  const {mean, logVar} = model.encode(image);
  close('mean', mean, expected('mean'), {atol: 1e-5});
  close('logVar', logVar, expected('logVar'), {atol: 1e-5});
  const losses = {
    elbo: () => ({...model.elbo(image, noise, setting('beta'))}),
    guide: () => ({...guideLoss(model, image, noise)}),
  };
  for (const [name, loss] of Object.entries(losses)) {
    for (const [term, value] of Object.entries(loss())) {
      close(`${name} ${term}`, value, expected(`${name} ${term}`), {atol: 1e-5, rtol: 1e-5});
    }
    const {grads} = tf.variableGrads(() => loss().loss, Object.values(model.weights));
    for (const [weight, variable] of Object.entries(model.weights)) {
      const want = expected(`${name} gradient ${weight}`);
      close(`${name} gradient ${weight}`, grads[variable.name]!, want, {atol: 1e-5});
    }
  }
}

parity('dense VAE', loadGolden('dense-vae'), compare);
parity('dense VAE', loadGolden('dense-vae-torch'), compare);

parity('dense VAE after one Adam step', loadGolden('dense-vae'), tensors => {
  const {input, expected, setting, weights} = tensors;
  const sizes = {pixels: setting('pixels'), hidden: setting('hidden'), latents: setting('latents')};
  const inputs = {x: input<tf.Tensor2D>('x'), epsilon: input<tf.Tensor2D>('epsilon')};
  const losses = {
    elbo: (model: DenseVae) => ({...model.elbo(inputs.x, inputs.epsilon, setting('beta'))}),
    guide: (model: DenseVae) => ({...guideLoss(model, inputs.x, inputs.epsilon)}),
  };
  for (const [name, loss] of Object.entries(losses)) {
    const model = new DenseVae(sizes, new Random(1));
    assignWeights(model.weights, weights());
    const step = trainingStep({
      weights: model.weights,
      optimizer: adam({learningRate: setting('learningRate')}),
      loss: () => loss(model),
      compiled: false,
    });
    close(`${name} loss`, step.run({})['loss'] ?? NaN, expected(`${name} loss`), {atol: 1e-5});
    for (const [weight, variable] of Object.entries(model.weights)) {
      const want = expected(`${name} after Adam ${weight}`);
      close(`${name} after Adam ${weight}`, variable, want, {atol: 1e-5});
    }
  }
});
