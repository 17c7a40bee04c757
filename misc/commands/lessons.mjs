/**
 * npm run lessons -- [NAME…] [--profile quick|full] [--solutions] [--store] [--timeout SECONDS]
 *
 * Executes lessons headless and writes each with its outputs, and as a page, under build/lessons/.
 */
import path from 'node:path';
import {parseArgs} from 'node:util';
import {OUTPUT, executeLesson} from '../lessons/execute.mjs';
import {UnknownLesson, findLessons} from '../lessons/names.mjs';
import {Progress, table} from '../lessons/progress.mjs';
import {root} from '../setup/paths.mjs';

const USAGE = `npm run lessons -- [NAME…] [options]

Executes the lessons (all of them, or those named: 01, 01-dense-vae, 01-dense-vae.solutions) and
writes each as a notebook and as a page under build/lessons/.

  --profile quick|full   how long the lessons train (default: LATENT_PROFILE, or quick)
  --solutions            with each lesson its solutions, too
  --store                put the outputs into notebooks/, unless a cell failed
  --timeout SECONDS      how long one cell may take (default: 600 in quick, 14400 in full)
`;

const SECONDS = {quick: 600, full: 14_400};

/** @typedef {import('../lessons/execute.mjs').Outcome} Outcome */

/** @param {readonly string[]} args */
function readArguments(args) {
  const {values, positionals} = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      profile: {type: 'string', default: process.env['LATENT_PROFILE'] || 'quick'},
      timeout: {type: 'string'},
      solutions: {type: 'boolean', default: false},
      store: {type: 'boolean', default: false},
      help: {type: 'boolean', default: false},
    },
  });
  const {profile, timeout, solutions, store, help} = values;
  if (profile !== 'quick' && profile !== 'full') {
    throw new RangeError(`The profile is "${profile}", expected quick or full.`);
  }
  const seconds = timeout === undefined ? SECONDS[profile] : Number(timeout);
  if (!(Number.isInteger(seconds) && seconds > 0)) {
    throw new RangeError(`--timeout is "${timeout}", expected whole seconds above 0.`);
  }
  return {profile, timeout: seconds, solutions, store, help, names: positionals};
}

async function main() {
  const {names, help, solutions, ...settings} = readArguments(process.argv.slice(2));
  if (help) {
    console.log(USAGE);
    return 0;
  }
  const notebooks = findLessons(names, {solutions});
  const stopping = new AbortController();
  /** @type {NodeJS.Signals | undefined} */
  let stoppedBy;
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      stoppedBy ??= signal;
      stopping.abort(new Error(`stopped by ${signal}`));
    });
  }
  /** @type {{name: string, outcome: Outcome}[]} */
  const done = [];
  for (const notebook of notebooks) {
    const name = path.basename(notebook, '.ipynb');
    const progress = new Progress(name);
    try {
      const onEvent = progress.take.bind(progress);
      const outcome = await executeLesson(notebook, {
        ...settings,
        signal: stopping.signal,
        onEvent,
      });
      progress.end();
      console.log(`${name}: ${result(outcome)} after ${outcome.seconds.toFixed(1)} s`);
      if (outcome.failure !== null) console.log(indented(outcome.failure));
      done.push({name, outcome});
    } catch (error) {
      progress.end();
      if (stoppedBy === undefined) throw error;
      console.log(`${name}: stopped by ${stoppedBy}; its kernel is ended`);
      break;
    }
  }
  if (done.length > 0) report(done);
  if (stoppedBy !== undefined) return stoppedBy === 'SIGINT' ? 130 : 143;
  return done.every(({outcome}) => outcome.failure === null) ? 0 : 1;
}

/** @param {readonly {name: string, outcome: Outcome}[]} done */
function report(done) {
  const rows = done.map(({name, outcome}) => [
    name,
    String(outcome.cells),
    `${outcome.seconds.toFixed(1)} s`,
    outcome.peak > 0 ? `${Math.round(outcome.peak / 2 ** 20)} MiB` : '-',
    result(outcome),
  ]);
  console.log(`\n${table([['lesson', 'cells', 'time', 'peak memory', 'result'], ...rows])}`);
  console.log(`\nPages and executed notebooks: ${path.relative(root, OUTPUT)}/`);
}

/** @param {Outcome} outcome */
function result({failure, stored}) {
  return failure !== null ? 'failed' : stored ? 'passed, stored' : 'passed';
}

/** @param {string} text */
const indented = text => text.replace(/^/gm, '  ');

try {
  process.exitCode = await main();
} catch (error) {
  const mistaken =
    error instanceof UnknownLesson ||
    error instanceof RangeError ||
    (error instanceof TypeError && 'code' in error); // parseArgs on an unknown option
  if (!mistaken) throw error;
  console.error(error.message);
  if (!(error instanceof UnknownLesson)) console.error(`\n${USAGE}`);
  process.exitCode = 2;
}
