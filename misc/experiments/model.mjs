/**
 * The model of an experiment, with its objective: what the training and the reports need of it.
 */
import {mmdTransformerLoss, reconstruction, seedLoss} from 'latent-lib/models/mmd-transformer-loss';
import {MmdTransformer} from 'latent-lib/models/mmd-transformer';
import {imqKernel} from 'latent-lib/probability/kernels';
import {tf} from 'latent-lib/tensor/tf';

/** @typedef {import('./catalogue.mjs').Experiment} Experiment */
/** @typedef {import('latent-lib/data/sequence-codec').SequenceCodec} SequenceCodec */
/** @typedef {import('latent-lib/tensor/random').Random} Random */
/** @typedef {import('latent-lib/models/mmd-transformer-loss').MmdInputs} MmdInputs */
/** @typedef {import('latent-lib/training/step').LossTerms<{loss: tf.Scalar}>} Terms */

/**
 * @typedef {object} Trainable
 * @property {string} description
 * @property {MmdTransformer} network
 * @property {import('latent-lib/layers/weights').Weights} weights
 * @property {(inputs: MmdInputs) => Terms} loss
 * @property {(random: Random, batch: number) => {prior: tf.Tensor3D, epsilon?: tf.Tensor3D}} noise
 *   of one step
 * @property {(random: Random, count: number) => tf.Tensor3D} priorCodes
 * @property {(ids: tf.Tensor2D) => tf.Tensor3D} encode without noise
 * @property {(codes: tf.Tensor3D) => number[][]} generate greedily
 * @property {(ids: tf.Tensor2D, codes: tf.Tensor3D) => Float32Array} reconstruction nats a sequence
 * @property {() => void} dispose
 */

/** Nats a sequence for a unit of MMD, summed over the kernel's seven scales. */
const MMD_SCALE = 20;

/**
 * @param {Experiment} experiment
 * @param {SequenceCodec} codec
 * @param {{width: number, random: Random}} options
 * @returns {Trainable}
 */
export function modelOf(experiment, codec, {width, random}) {
  const {latentTokens, latentShare, latentNorm, funnel, window, isCheckpointed, regulariser} =
    experiment;
  const latents = Math.max(1, Math.round(latentShare * width));
  const isGaussian = regulariser === 'kl' || regulariser === 'info';
  const network = new MmdTransformer(
    {
      vocabulary: codec.size,
      steps: codec.length,
      width,
      heads: Math.max(1, Math.round(width / 16)),
      headWidth: Math.min(16, width),
      hidden: 2 * width,
      blocks: funnel,
      layers: Math.max(...funnel) + 1,
      latentTokens,
      latents,
      latentNorm,
      code: isGaussian ? 'gaussian' : regulariser === 'seed' ? 'tanh' : 'linear',
      ...(window === 0 ? {} : {window: {size: Math.min(window, codec.length)}}),
      ...(isCheckpointed ? {recomputeRate: 1, recomputesEncoder: true} : {}),
    },
    random,
  );
  const draw = (/** @type {Random} */ from, /** @type {number} */ batch) =>
    /** @type {tf.Tensor3D} */ (from.normals([batch, latentTokens, latents]));
  return {
    description: `${latentTokens} latent tokens of ${latents}, regulariser ${regulariser}`,
    network,
    weights: network.weights,
    loss: lossOf(network, regulariser),
    noise: (from, batch) => ({
      prior: draw(from.stream('prior'), batch),
      ...(isGaussian ? {epsilon: draw(from.stream('epsilon'), batch)} : {}),
    }),
    priorCodes: draw,
    encode: ids => network.encode(ids).mean,
    generate: codes => network.generate(codes),
    reconstruction: (ids, codes) => {
      const nats = reconstruction(network, codes, ids);
      const values = nats.dataSync();
      nats.dispose();
      return /** @type {Float32Array} */ (values);
    },
    dispose: () => network.dispose(),
  };
}

/**
 * @param {MmdTransformer} network
 * @param {Experiment['regulariser']} regulariser
 * @returns {(inputs: MmdInputs) => Terms}
 */
function lossOf(network, regulariser) {
  const of =
    (/** @type {import('latent-lib/models/mmd-transformer-loss').MmdObjective} */ objective) =>
    (/** @type {MmdInputs} */ inputs) =>
      mmdTransformerLoss(network, inputs, {kernel: imqKernel, sampleOf: 'code', ...objective});
  switch (regulariser) {
    case 'seed':
      return inputs => seedLoss(network, inputs);
    case 'mmd':
      return of({regulariser: 'mmd', scale: MMD_SCALE});
    case 'kl':
      return of({regulariser: 'kl'});
    case 'info':
      return of({regulariser: 'infoVae', alpha: 0.5, lambda: MMD_SCALE});
    case 'none':
      return of({regulariser: 'none'});
  }
}
