/**
 * npm run experiment -- NAME… [--steps N] [--width D] [--out FOLDER] [--fresh] …
 *
 * Trains lesson 6's model in a configuration of the seed's names. It shows how it goes, logs samples
 * and interpolations for TensorBoard, and goes on where it was stopped.
 */
import path from 'node:path';
import {parseArgs} from 'node:util';
import {collectReports} from '../experiments/collect.mjs';
import {experimentOf, listing, UnknownExperiment} from '../experiments/catalogue.mjs';
import {root} from '../setup/paths.mjs';

const USAGE = `npm run experiment -- NAME… [options]

Trains the MMD transformer-VAE of lesson 6 as the names say, for example

  npm run experiment -- mnist_small tenth_5_tkn batch_small eval
  npm run experiment -- syntax tenth_5_tkn batch_large 30Seq eval
  npm run experiment -- semantics tenth_5_tkn batch_large 30Seq eval

While it runs it logs losses, samples and interpolations, for TensorBoard (pip install tensorboard;
tensorboard --logdir build/experiments) and as plain text in the folder. Stopped, even by kill -9, it
goes on from its last checkpoint when the same command is given again.

  --steps N          how many updates (default 2000)
  --width D          of the model (default 64; the seed's is 768)
  --examples N       sequences to train on (default 20000)
  --seed N           of all randomness (default 6)
  --learning-rate R  (default 0.002)
  --report-every N   steps between samples (default a tenth of all)
  --save-every N     steps between checkpoints (default 100)
  --file FILE        your own headlines, a CSV file or one text a line, for semantics
  --column NAME      which column of the CSV file (default headline)
  --out FOLDER       (default build/experiments/NAMES)
  --fresh            begins anew where a run stands in the folder
  --list             lists the names
  --collect FILE     writes the last reports of all runs in build/experiments to a JSON file

Names, at most one of each part:

`;

/** @param {readonly string[]} args */
function readArguments(args) {
  const {values, positionals} = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      steps: {type: 'string', default: '2000'},
      width: {type: 'string', default: '64'},
      examples: {type: 'string', default: '20000'},
      seed: {type: 'string', default: '6'},
      'learning-rate': {type: 'string', default: '0.002'},
      'report-every': {type: 'string'},
      'save-every': {type: 'string', default: '100'},
      file: {type: 'string'},
      column: {type: 'string'},
      out: {type: 'string'},
      fresh: {type: 'boolean', default: false},
      list: {type: 'boolean', default: false},
      collect: {type: 'string'},
      help: {type: 'boolean', default: false},
    },
  });
  const whole = (/** @type {string} */ option, /** @type {string} */ text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value > 0) return value;
    throw new RangeError(`--${option} is "${text}", expected a whole number above 0.`);
  };
  const rate = Number(values['learning-rate']);
  if (!(rate > 0)) {
    throw new RangeError(`--learning-rate is "${values['learning-rate']}", expected one above 0.`);
  }
  const steps = whole('steps', values.steps);
  const every = values['report-every'];
  const folder = path.join('build', 'experiments', positionals.join('-'));
  return {
    names: positionals,
    help: values.help,
    list: values.list,
    collect: values.collect,
    fresh: values.fresh,
    out: path.resolve(root, values.out ?? folder),
    steps,
    width: whole('width', values.width),
    examples: whole('examples', values.examples),
    seed: whole('seed', values.seed),
    learningRate: rate,
    reportEvery: every === undefined ? Math.ceil(steps / 10) : whole('report-every', every),
    saveEvery: whole('save-every', values['save-every']),
    file: values.file,
    column: values.column,
  };
}

async function main() {
  const {names, help, list, collect, ...options} = readArguments(process.argv.slice(2));
  if (help || list) {
    process.stdout.write(`${help ? USAGE : ''}${listing()}\n`);
    return;
  }
  if (collect !== undefined) {
    const count = collectReports(path.join(root, 'build', 'experiments'), collect);
    say(`${count} reports in ${collect}`);
    return;
  }
  const experiment = experimentOf(names);
  // TensorFlow is loaded only for what can run
  const {runExperiment} = await import('../experiments/run.mjs');
  await runExperiment(experiment, {...options, names, say});
}

/** @param {string} text */
function say(text) {
  process.stdout.write(`${text}\n`);
}

try {
  await main();
} catch (error) {
  const isMistake =
    error instanceof UnknownExperiment ||
    error instanceof RangeError ||
    (error instanceof Error && (error.name === 'OtherRun' || 'code' in error));
  if (!isMistake) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
