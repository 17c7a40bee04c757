/**
 * The models of the bench on our side: the library's, each with its loss and its batches.
 */
import {DenseVae, guideLoss} from 'latent-lib/models/dense-vae';
import {
  categoricalNegativeLogLikelihood,
  classify,
  Hypernetwork,
} from 'latent-lib/models/hypernetwork';
import {denseLayout} from 'latent-lib/models/hypernetwork-layout';
import {
  SinusoidAutoencoder,
  SOURCE_SIZES,
  sourceObjective,
} from 'latent-lib/models/sinusoid-autoencoder';
import {Random} from 'latent-lib/tensor/random';
import {statelessNormal} from 'latent-lib/tensor/stateless-random';
import {tf} from 'latent-lib/tensor/tf';
import {readTable} from './data.mjs';

/**
 * What a step is made of. Noise is drawn inside the step, as the originals do, from the seed.
 * @typedef {object} OurModel
 * @property {Readonly<Record<string, tf.Variable>>} weights
 * @property {number} learningRate
 * @property {Record<string, tf.Tensor>[]} batches
 * @property {(inputs: Record<string, tf.Tensor>) => {loss: tf.Scalar}} loss of a batch and `seed` [2]
 */

/** @type {Record<string, (folder: string) => OurModel>} */
export const OUR_MODELS = {
  'dense-vae': folder => {
    const vae = new DenseVae({pixels: 784, hidden: 64, latents: 32}, new Random(1));
    return {
      weights: vae.weights,
      learningRate: 1e-3,
      batches: rows(folder, 'images', 32, 784).map(x => ({x})),
      loss: ({x, seed}) => {
        const {loss} = guideLoss(vae, /** @type {tf.Tensor2D} */ (x), noise([32, 32], seed));
        return {loss};
      },
    };
  },
  'sinusoid-autoencoder': folder => {
    const model = new SinusoidAutoencoder(SOURCE_SIZES, new Random(1));
    const signals = rows(folder, 'signals', 32, 50);
    const coins = rows(folder, 'coins', 1, 10).map(row => row.reshape([10]));
    return {
      weights: model.weights,
      learningRate: 1e-3,
      batches: signals.map((signal, which) => ({signal, coins: coins[which] ?? tf.zeros([10])})),
      loss: ({signal, coins, seed}) => {
        const losses = model.calcLoss(
          /** @type {tf.Tensor2D} */ (signal),
          noise([32, 2], seed),
          /** @type {tf.Tensor1D} */ (coins),
        );
        return {loss: sourceObjective(losses)};
      },
    };
  },
  hypernetwork: folder => {
    const layout = denseLayout([784, 64, 10]);
    const config = /** @type {const} */ ({inputs: 784, hidden: 16, layout, output: 'sigmoid'});
    const writer = new Hypernetwork(config, new Random(1));
    const labels = rows(folder, 'labels', 1, 1).map(row => row.reshape([1]).cast('int32'));
    const images = rows(folder, 'images', 1, 784);
    return {
      weights: writer.weights,
      learningRate: 1e-4,
      batches: images.map((x, which) => ({x, y: labels[which] ?? tf.zeros([1], 'int32')})),
      loss: ({x, y}) => {
        const logits = classify(writer, /** @type {tf.Tensor2D} */ (x));
        const nats = categoricalNegativeLogLikelihood(logits, /** @type {tf.Tensor1D} */ (y));
        return {loss: /** @type {tf.Scalar} */ (nats.mean())};
      },
    };
  },
};

/**
 * @param {[number, number]} shape
 * @param {tf.Tensor | undefined} seed [2]
 */
function noise(shape, seed) {
  const drawn = statelessNormal(shape, /** @type {tf.Tensor1D} */ (seed));
  return /** @type {tf.Tensor2D} */ (drawn);
}

/**
 * The batches of one table.
 * @param {string} folder
 * @param {Parameters<typeof readTable>[1]} name
 * @param {number} batch
 * @param {number} width
 * @returns {tf.Tensor2D[]}
 */
function rows(folder, name, batch, width) {
  const values = readTable(folder, name);
  const size = batch * width;
  return Array.from({length: Math.floor(values.length / size)}, (_, which) =>
    tf.tensor2d(values.slice(which * size, (which + 1) * size), [batch, width]),
  );
}
