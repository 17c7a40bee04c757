// @ts-check
/**
 * What is measured of a model of a comparison of regularisers, on sequences it never saw.
 * Source: seed 003's accuracies, validity and SVM.   Lesson: notebooks/06-mmd-transformer-vae, steps 14 and 15.
 */
import {codeUse, encodeAll, negativeElbo, unlikeness} from 'latent-lib/evaluation/code-use';
import {interpolate} from 'latent-lib/evaluation/interpolation';
import {probeFactor} from 'latent-lib/evaluation/probe';
import {imqKernel} from 'latent-lib/probability/kernels';
import {unbiasedMmd} from 'latent-lib/probability/mmd';
import {Random} from 'latent-lib/tensor/random';
import {tf} from 'latent-lib/tensor/tf';
import {rounded} from './stored.mjs';

/** @typedef {import('latent-lib/data/sequences').SequenceData} SequenceData */
/** @typedef {import('latent-lib/data/sequences').SequenceSet} SequenceSet */
/** @typedef {import('latent-lib/models/mmd-transformer').MmdTransformer} MmdTransformer */
/** @typedef {import('./regulariser-run.mjs').Settings} Settings */

/**
 * Measures of a trained model on sequences it never saw.
 * @param {MmdTransformer} model
 * @param {SequenceData} data
 * @param {SequenceSet} heldOut
 * @param {Settings} settings
 */
export function measured(model, data, heldOut, {samples, pairs, inner}) {
  const random = new Random(77);
  const {latentTokens, latents, code} = model.config;
  const ids = /** @type {tf.Tensor2D} */ (tf.tidy(() => heldOut.ids.tensor().toInt()));
  const use = codeUse(model, ids);
  const bound = code === 'gaussian' ? negativeElbo(model, ids, random.stream('bound')) : undefined;
  const codes = encodeAll(model, ids);
  const flat = /** @type {tf.Tensor2D} */ (codes.reshape([-1, latentTokens * latents]));
  const probe = probeFactor(flat, {names: data.classes ?? [], indices: heldOut.labels ?? []});
  const aggregate = encodeAll(model, ids, {random: random.stream('aggregate')});
  const offPrior = againstPrior(aggregate, random.stream('prior'));
  const drawn = random.stream('samples').normals([samples, latentTokens, latents]);
  const dreams = decoded(model, data, /** @type {tf.Tensor3D} */ (drawn));
  const ways = between(codes, pairs, inner);
  const inBetween = decoded(model, data, ways);
  tf.dispose([ids, codes, flat, aggregate, drawn, ways]);
  const results = {
    own: use.own,
    other: use.other,
    carried: use.other - use.own,
    tokens: use.tokens,
    sequences: use.sequences,
    validSamples: dreams.valid,
    unlike: unlikeness(dreams.pictures, picturesOf(data, heldOut.texts.slice(-samples))),
    validWays: inBetween.valid,
    probe: probe.accuracy,
    offPrior,
    ...(bound === undefined ? {} : {kl: bound.kl, negativeElbo: bound.bound}),
  };
  return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, rounded(value)]));
}

/**
 * How far codes, of Gaussians samples, are from as many draws of the prior, by the multi-scale kernel.
 * @param {tf.Tensor3D} codes
 * @param {Random} random
 */
function againstPrior(codes, random) {
  return tf.tidy(() => {
    const [count, n, d] = codes.shape;
    const whole = /** @type {tf.Tensor2D} */ (codes.reshape([count, n * d]));
    const prior = /** @type {tf.Tensor2D} */ (random.normals([count, n * d]));
    return Number(unbiasedMmd(whole, prior, imqKernel(n * d)).dataSync()[0]);
  });
}

/**
 * What real digits and step 2's patchwork would get for likeness: as many of each as are sampled.
 * @param {SequenceData} data
 * @param {Settings} settings
 */
export function references(data, {samples}) {
  const random = new Random(77).stream('patchwork');
  const {length} = data.codec;
  const patched = Array.from({length: samples}, () => {
    const ids = Array.from({length}, (_, place) => {
      const row = random.integer(data.train.ids.count);
      return Number(data.train.ids.values[row * length + place]);
    });
    return data.codec.decode(ids);
  });
  const test = picturesOf(data, data.test.texts.slice(-samples));
  const unlike = (/** @type {readonly string[]} */ texts) =>
    rounded(unlikeness(picturesOf(data, texts), test));
  return {patchwork: unlike(patched), digits: unlike(data.train.texts.slice(0, samples))};
}

/**
 * Greedily; a text that is not valid is an empty picture.
 * @param {MmdTransformer} model
 * @param {SequenceData} data
 * @param {tf.Tensor3D} codes
 */
function decoded(model, data, codes) {
  const texts = model.generate(codes).map(ids => data.codec.decode(ids));
  const valid = texts.filter(text => data.picture?.(text) !== undefined).length;
  return {valid: valid / texts.length, pictures: picturesOf(data, texts)};
}

/**
 * @param {SequenceData} data
 * @param {readonly string[]} texts
 */
function picturesOf({picture}, texts) {
  return texts.map(text => picture?.(text) ?? new Float32Array(81));
}

/**
 * Codes along arcs of the whole code between the first sequences and the last, ends left out.
 * @param {tf.Tensor3D} codes
 * @param {number} pairs
 * @param {number} inner
 */
function between(codes, pairs, inner) {
  return tf.tidy(() => {
    const [count, n, d] = codes.shape;
    const one = (/** @type {number} */ row) =>
      /** @type {tf.Tensor2D} */ (codes.slice([row, 0, 0], [1, n, d]).squeeze([0]));
    const ways = Array.from({length: pairs}, (_, pair) => {
      const way = interpolate(one(pair), one(count - 1 - pair), {steps: inner + 2, unit: 'code'});
      return way.slice([1, 0, 0], [inner, n, d]);
    });
    return tf.concat3d(ways, 0);
  });
}
