/**
 * Runs an experiment: data, model, training, and what is logged on the way.
 */
import fs from 'node:fs';
import path from 'node:path';
import {readHeadlines} from 'latent-lib/data/table-file';
import {readSentences} from 'latent-lib/data/text-file';
import {countWeights} from 'latent-lib/layers/weights';
import {watch} from 'latent-lib/notebook/live';
import {TensorBoard} from 'latent-lib/notebook/tensorboard';
import {Random} from 'latent-lib/tensor/random';
import {describeBackend} from 'latent-lib/tensor/tf';
import {root} from '../setup/paths.mjs';
import {dataOf} from './data.mjs';
import {modelOf} from './model.mjs';
import {evaluation, interpolations, samples} from './reports.mjs';
import {RunFolder} from './run-folder.mjs';
import {train} from './training.mjs';

/** @typedef {import('./catalogue.mjs').Experiment} Experiment */

/** A tenth as many sequences are held out as are trained on, but no more than these. */
const HELD_OUT = 1000;

/**
 * @typedef {object} RunOptions
 * @property {readonly string[]} names
 * @property {string} out a folder
 * @property {boolean} fresh
 * @property {number} steps
 * @property {number} width
 * @property {number} examples
 * @property {number} seed
 * @property {number} learningRate
 * @property {number} reportEvery
 * @property {number} saveEvery
 * @property {string | undefined} file
 * @property {string | undefined} column
 * @property {(line: string) => void} say
 */

/**
 * @param {Experiment} experiment
 * @param {RunOptions} options
 */
export async function runExperiment(experiment, options) {
  const {names, out, fresh, steps, width, examples, seed, reportEvery, file, say} = options;
  say(await describeBackend());
  const random = new Random(seed);
  const data = await dataOf(experiment, {
    examples,
    heldOut: Math.max(2, Math.min(HELD_OUT, Math.floor(examples / 10))),
    ...(file === undefined ? {} : {texts: await headlines(file, experiment, options.column)}),
  });
  say(data.description);
  const model = modelOf(experiment, data.codec, {width, random: random.stream('model')});
  say(`${names.join(' ')}: ${countWeights(model.weights)} weights, ${model.description}.`);

  const folder = new RunFolder(out);
  if (fresh) folder.clear();
  const where = path.relative(root, out);
  say(`Everything goes to ${where.startsWith('..') ? out : where}/.`);
  const settings = {
    names: [...names].sort().join(' '),
    ...texts({width, examples: data.train.ids.count, seed, steps, batch: experiment.batch}),
    'learning rate': String(options.learningRate),
  };
  const board = new TensorBoard(folder.events);
  const report = async (/** @type {number} */ step) => {
    const about = {model, data, random: random.stream(`report at ${step}`)};
    const found = [await samples(about), await interpolations(about)];
    if (experiment.isEvaluated) found.push(await evaluation(about));
    for (const {name, text, pictures, scalars} of found) {
      if (text !== undefined) board.text(name, step, text);
      if (pictures !== undefined) board.images(name, step, pictures);
      for (const [tag, value] of Object.entries(scalars)) board.scalar(tag, step, value);
    }
    fs.writeFileSync(
      path.join(out, `report-${String(step).padStart(6, '0')}.md`),
      found.map(({name, text}) => `## ${name}\n\n${text ?? ''}\n`).join('\n'),
    );
    return Object.assign({step}, ...found.map(({scalars}) => scalars));
  };
  /** @type {Record<string, number> | undefined} */
  let last;
  const logs = train({
    ...{ids: data.train.ids, model, folder, random, settings, steps},
    ...{batch: experiment.batch, saveEvery: options.saveEvery, learningRate: options.learningRate},
  });
  async function* reported() {
    for await (const {isLast, ...log} of logs) {
      yield log;
      const done = log.step + 1;
      if (done % reportEvery === 0 || isLast) last = await report(done);
    }
  }
  try {
    const history = await watch(board.record(reported()), {title: names.join(' '), total: steps});
    if (history.length === 0) say(`All ${steps} steps are done already; --fresh begins anew.`);
  } finally {
    board.close();
    model.dispose();
  }
  if (last === undefined) return;
  folder.writeReport({names, settings, ...last});
  for (const [name, value] of Object.entries(last))
    say(`${name.padEnd(32)} ${value.toPrecision(4)}`);
}

/**
 * @param {string} file
 * @param {Experiment} experiment
 * @param {string | undefined} column
 */
async function headlines(file, {data, length}, column) {
  if (data !== 'headlines') throw new RangeError('--file is for semantics only.');
  const fitting = /** @type {const} */ ({longest: length, tooLong: 'skip'});
  if (!file.endsWith('.csv')) return readSentences(file, fitting);
  return readHeadlines(file, {...fitting, ...(column === undefined ? {} : {column})});
}

/** @param {Readonly<Record<string, number>>} numbers */
function texts(numbers) {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)]));
}
