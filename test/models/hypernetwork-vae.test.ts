import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {countWeights} from 'latent-lib/layers/weights';
import {HypernetworkVae, pixelPlaces, placeSize} from 'latent-lib/models/hypernetwork-vae';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {adam} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const config = {height: 4, width: 5, hidden: 8, latents: 3, drawing: [6, 4], octaves: 2};

test('places are coordinates from −1 to 1, then waves of each octave', () => {
  const places = pixelPlaces(2, 3, 1);
  assert.deepEqual(places.shape, [6, placeSize(1)]);
  const last = [1, 1, 1, 0, 1, 0]; // v, u, sin and cos of π/2 twice
  close('last', places.slice(5), [last], {atol: 1e-6});
  close('second', places.slice([1, 0], [1, 2]), [[-1, 0]], {atol: 1e-6});
});

test('each z draws the image that its written network gives at each place', () => {
  const vae = new HypernetworkVae(config, new Random(1));
  const z = new Random(2).normals<tf.Rank.R2>([3, 3]);
  const logits = vae.decode(z);
  assert.deepEqual(logits.shape, [3, 20]);
  const {kernel0, bias0, kernel1, bias1, kernel2, bias2} = vae.writer.write(z.slice(1, 1));
  const layer = (h: tf.Tensor, kernel?: tf.Tensor, bias?: tf.Tensor) =>
    tf.matMul(h, kernel!.squeeze([0])).add(bias!);
  const h = layer(pixelPlaces(4, 5, 2), kernel0, bias0).tanh();
  const image = layer(layer(h, kernel1, bias1).tanh(), kernel2, bias2); // [20, 1]
  close('second image', logits.slice(1, 1), image.transpose(), {atol: 1e-5});
  assert.deepEqual(vae.decode(z, {height: 9, width: 11}).shape, [3, 99]);
});

test('the loss is the batch mean of both terms, and training lowers it', () => {
  const vae = new HypernetworkVae(config, new Random(1));
  const random = new Random(4);
  const x = random.uniforms<tf.Rank.R2>([8, 20]).round();
  const epsilon = random.normals<tf.Rank.R2>([8, 3]);
  const {reconstruction, kl, loss} = vae.elbo(x, epsilon);
  close('loss', loss, reconstruction.add(kl).mean(), {atol: 1e-5});
  const step = trainingStep({
    weights: vae.weights,
    optimizer: adam({learningRate: 1e-2}),
    loss: ({x, epsilon}: {x: tf.Tensor2D; epsilon: tf.Tensor2D}) => vae.elbo(x, epsilon),
  });
  const losses = Array.from({length: 200}, () => step.run({x, epsilon})['loss']);
  step.dispose();
  assert.ok(losses[199]! < 0.7 * losses[0]!, `${losses[0]} to ${losses[199]}`);
});

test('its weights are counted, and a second call leaves no tensor behind', async () => {
  const vae = new HypernetworkVae(config, new Random(1));
  const written = 10 * 6 + 6 + 6 * 4 + 4 + 4 + 1;
  const encoder = 20 * 8 + 8 + 2 * (8 * 3 + 3);
  assert.equal(countWeights(vae.weights), encoder + 3 * 8 + 8 + 8 * written + written);
  const [x, epsilon] = [tf.ones<tf.Rank.R2>([2, 20]), tf.ones<tf.Rank.R2>([2, 3])];
  await leavesNoTensor(() => ({...vae.elbo(x, epsilon)}));
  await leavesNoTensor(() => tf.variableGrads(() => vae.elbo(x, epsilon).loss));
  await leavesNoTensor(() => new HypernetworkVae(config, new Random(1)).dispose());
});
