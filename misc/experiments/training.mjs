/**
 * Trains an experiment from wherever its folder stands. What a step sees depends on the seed and on
 * the step's number alone, so that a run that was killed ends in the same weights as one that was not.
 */
import {batches, batchesPerEpoch} from 'latent-lib/data/batches';
import {sigmoid} from 'latent-lib/training/schedules';
import {fit} from 'latent-lib/training/fit';
import {adam} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';
import {tf} from 'latent-lib/tensor/tf';

/** @typedef {import('latent-lib/data/rows').Rows} Rows */
/** @typedef {import('latent-lib/tensor/random').Random} Random */
/** @typedef {import('./model.mjs').Trainable} Trainable */
/** @typedef {import('./run-folder.mjs').RunFolder} RunFolder */

/** Half the regulariser's weight comes at this share of the training. */
const HALF_WAY = 0.3;

/**
 * The seed's schedule, σ(0.0025 s − 6.25), stretched from its 5000 steps and more to a run's own length.
 * @param {number} steps of the whole run
 */
export function regulariserWeight(steps) {
  const slope = 6.25 / (HALF_WAY * steps);
  return sigmoid({slope, offset: -6.25});
}

/**
 * Batches from a step on, as if all before had been taken.
 * @param {Rows} rows
 * @param {{readonly size: number, readonly random: Random}} options
 * @param {number} firstStep
 */
export function* batchesFrom(rows, {size, random}, firstStep) {
  const whole = {size: Math.min(size, rows.count), dropRemainder: true};
  const firstEpoch = Math.floor(firstStep / batchesPerEpoch(rows.count, whole));
  const order = {
    ...whole,
    random,
    firstEpoch,
    epochs: Infinity,
    shuffle: /** @type {const} */ ('all'),
  };
  for (const batch of batches(rows, order)) {
    if (batch.step >= firstStep) yield batch;
  }
}

/**
 * @typedef {object} TrainingOptions
 * @property {Rows} ids [N, T]
 * @property {Trainable} model
 * @property {RunFolder} folder
 * @property {Random} random
 * @property {Readonly<Record<string, string>>} settings
 * @property {number} batch
 * @property {number} steps of the whole run
 * @property {number} saveEvery
 * @property {number} learningRate
 */

/**
 * Yields a log for each step from where the folder stands. Before a log is yielded, the step is in the
 * log file, and every so often in the checkpoint.
 * @param {TrainingOptions} options
 */
export async function* train(options) {
  const {ids, model, folder, random, settings, batch, steps, saveEvery, learningRate} = options;
  const step = trainingStep({
    weights: model.weights,
    optimizer: adam({learningRate}),
    clipNorm: 1,
    loss: model.loss,
  });
  const weight = regulariserWeight(steps);
  try {
    const done = folder.resume(step, settings);
    if (done >= steps) return;
    const order = {size: batch, random: random.stream('order')};
    const logs = fit({
      batches: batchesFrom(ids, order, done),
      steps: steps - done,
      step: ({x, step: number}) => {
        const noise = model.noise(random.stream(`noise of step ${number}`), x.shape[0]);
        const inputs = {ids: x.toInt(), weight: tf.scalar(weight(number)), ...noise};
        try {
          return step.run(inputs);
        } finally {
          tf.dispose(inputs);
        }
      },
    });
    for await (const {seconds, ...log} of logs) {
      folder.append(log);
      const isLast = step.steps === steps;
      if (step.steps % saveEvery === 0 || isLast) folder.save(step, settings);
      yield {...log, seconds, isLast};
    }
  } finally {
    step.dispose();
  }
}
