// @ts-check
/**
 * The data of a comparison of regularisers, and one training of lesson 6's model under one objective.
 * Source: seed 003 compares nothing.   Lesson: notebooks/06-mmd-transformer-vae, steps 12 and 13.
 */
import {batches} from 'latent-lib/data/batches';
import {loadDigits} from 'latent-lib/data/digits';
import {mnistSequences} from 'latent-lib/data/sequences';
import {MmdTransformer} from 'latent-lib/models/mmd-transformer';
import {rivalOf} from 'latent-lib/models/mmd-transformer-objectives';
import {Random} from 'latent-lib/tensor/random';
import {tf} from 'latent-lib/tensor/tf';
import {adam} from 'latent-lib/training/optimizer';
import {sigmoid} from 'latent-lib/training/schedules';
import {trainingStep} from 'latent-lib/training/step';
import {rounded} from './stored.mjs';

/** @typedef {import('latent-lib/data/sequences').SequenceData} SequenceData */
/** @typedef {import('latent-lib/models/mmd-transformer-objectives').RivalName} RivalName */
/** @typedef {import('latent-lib/models/mmd-transformer-loss').MmdInputs} MmdInputs */

/** The lesson's own, but for the number of steps and of what is measured. */
export const SETTINGS = {
  model: {width: 48, heads: 4, hidden: 96, blocks: [1, 1, 1], layers: 2},
  latentTokens: 5,
  latents: 8,
  examples: 10_000,
  heldOut: 1000,
  batch: 16,
  steps: 1000,
  learningRate: 3e-3,
  clipNorm: 1,
  samples: 200,
  pairs: 20,
  inner: 9,
};

/** @typedef {typeof SETTINGS} Settings */

/**
 * Digits to train on; those that choose the MMD's scale are MNIST's next ones, and no test digits.
 * @param {Settings} settings
 */
export async function dataOf({examples, heldOut}) {
  const digits = await loadDigits({count: {train: examples + heldOut, test: heldOut}});
  const part = (/** @type {number} */ from, /** @type {number} */ to) => ({
    images: digits.train.images.slice(from, to),
    labels: digits.train.labels.subarray(from, to),
  });
  const form = /** @type {const} */ ({side: 9, directions: ['down']});
  const train = part(0, examples);
  const data = mnistSequences({...digits, train}, form);
  const chosenBy = {...digits, train, test: part(examples, examples + heldOut)};
  return {data, validation: mnistSequences(chosenBy, form).test};
}

/**
 * The same seed gives all objectives the same first weights, batches and draws of the prior.
 * @param {RivalName} name
 * @param {SequenceData} data
 * @param {Settings} settings
 * @param {{seed: number, scale: number, compiled?: boolean}} options compiled: as in `trainingStep`
 */
export function trained(name, data, settings, {seed, scale, compiled = true}) {
  const {latentTokens, latents, batch, steps, learningRate, clipNorm} = settings;
  const random = new Random(seed);
  const {code, loss} = rivalOf(name, scale);
  const sizes = {vocabulary: data.codec.size, steps: data.codec.length, latentTokens, latents};
  const model = new MmdTransformer({...settings.model, ...sizes, code}, random.stream('model'));
  const step = trainingStep({
    weights: model.weights,
    optimizer: adam({learningRate}),
    clipNorm,
    compiled,
    loss: (/** @type {MmdInputs} */ inputs) => loss(model, inputs),
  });
  const weight = sigmoid({slope: 9 / steps, offset: -6.25});
  const order = {size: batch, shuffle: /** @type {const} */ ('all'), epochs: Infinity};
  const log = [];
  /** @type {Record<string, number>[]} */
  let terms = [];
  const rows = batches(data.train.ids, {
    ...order,
    random: random.stream('order'),
    dropRemainder: true,
  });
  for (const {x, step: number} of rows) {
    const draw = (/** @type {string} */ what) =>
      /** @type {tf.Tensor3D} */ (
        random.stream(`${what} ${number}`).normals([batch, latentTokens, latents])
      );
    const inputs = {
      ids: /** @type {tf.Tensor2D} */ (x.toInt()),
      prior: draw('prior'),
      weight: tf.scalar(weight(number)),
      ...(code === 'gaussian' ? {epsilon: draw('epsilon')} : {}),
    };
    terms.push(step.run(inputs));
    tf.dispose(inputs);
    const done = number + 1;
    if (done % Math.ceil(steps / 10) === 0 || done === steps) {
      log.push({step: done, weight: rounded(weight(number)), ...means(terms)});
      terms = [];
    }
    if (done === steps) break;
  }
  step.dispose();
  return {model, log};
}

/** @param {Record<string, number>[]} terms */
function means(terms) {
  const mean = (/** @type {string} */ name) =>
    rounded(terms.reduce((sum, of) => sum + (of[name] ?? 0), 0) / terms.length);
  return {reconstruction: mean('reconstruction'), mmd: mean('mmd'), kl: mean('kl')};
}
