/**
 * What an experiment trains on.
 */
import {loadDigits} from 'latent-lib/data/digits';
import {
  headlineSequences,
  mnistSequences,
  pythonSequences,
  textSequences,
} from 'latent-lib/data/sequences';

/** @typedef {import('./catalogue.mjs').Experiment} Experiment */
/** @typedef {import('latent-lib/data/sequences').SequenceData} SequenceData */

/**
 * @param {Experiment} experiment
 * @param {object} options
 * @param {number} options.examples to train on
 * @param {number} options.heldOut
 * @param {readonly string[]} [options.texts] of the user's, in place of the grammar's
 * @returns {Promise<SequenceData>}
 */
export async function dataOf({data, side, length}, {examples, heldOut, texts}) {
  const counts = {length, train: examples, test: heldOut};
  switch (data) {
    case 'mnist': {
      // each digit gives two texts
      const count = {train: Math.ceil(examples / 2), test: Math.ceil(heldOut / 2)};
      return mnistSequences(await loadDigits({count}), {side});
    }
    case 'python':
      return pythonSequences(counts);
    case 'headlines':
      return texts === undefined ? headlineSequences(counts) : textSequences(texts, counts);
  }
}
