/**
 * npm run bench -- [NAME…] [--check] [--json] [--all] [--rounds N] [--seconds S] [--threads N] [--install]
 *
 * Times training steps side by side with the Python originals, in one run.
 */
import path from 'node:path';
import {parseArgs} from 'node:util';
import {check} from '../bench/check.mjs';
import {compare} from '../bench/compare.mjs';
import {CHECKED, MODELS, participants} from '../bench/participants.mjs';
import {install, referencePython} from '../bench/python.mjs';
import {machine, table} from '../bench/report.mjs';
import {root} from '../setup/paths.mjs';

const USAGE = `npm run bench -- [NAME…] [options]

Times training steps of ${MODELS.join(', ')} (all, or those whose names begin so)
on our side and in Keras, PyTorch and JAX: rounds alternate in one run, so that what slows the
machine slows all alike.

  --install       first makes a Python environment for the originals in build/reference (about 3 GB)
  --check         times nothing: says whether the sentences' models and their originals have the same
                  losses over three steps from equal weights
  --all           also those that take minutes to compile: Keras with XLA, torch.compile
  --rounds N      how often each one's turn comes (default 9)
  --seconds S     how long a turn lasts (default 0.7)
  --threads N     how many threads everybody has (default: ours as in the lesson, others as they choose)
  --json          the numbers as JSON on standard output

LATENT_REFERENCE_PYTHON names another Python that has what misc/reference/peers/requirements.txt lists.
`;

async function main() {
  const {values, positionals} = parseArgs({
    allowPositionals: true,
    options: {
      all: {type: 'boolean', default: false},
      check: {type: 'boolean', default: false},
      help: {type: 'boolean', default: false},
      install: {type: 'boolean', default: false},
      json: {type: 'boolean', default: false},
      rounds: {type: 'string', default: '9'},
      seconds: {type: 'string', default: '0.7'},
      threads: {type: 'string'},
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const rounds = positive('--rounds', values.rounds);
  const seconds = positive('--seconds', values.seconds);
  const threads = values.threads === undefined ? undefined : positive('--threads', values.threads);
  const models = chosen(positionals);
  if (values.install) {
    say('Installing the originals in build/reference …');
    await install();
  }
  const python = referencePython();
  if (python === undefined) {
    say('No Python for the originals: only ours are timed. To mend it: npm run bench -- --install');
  }
  const data = path.join(root, 'build', 'bench');
  const {writeData} = await import('../bench/data.mjs'); // loads the library, after participants.mjs
  writeData(data);
  if (values.check) {
    if (python !== undefined) await checkAll(models, python, data);
    return;
  }
  const comparisons = [];
  for (const model of models) {
    const all = participants(model, python, threads).filter(({slow}) => values.all || !slow);
    const comparison = await compare(model, all, {rounds, seconds, data, say});
    comparisons.push(comparison);
    if (!values.json) process.stdout.write(`\n${table(comparison)}\n\n`);
  }
  if (values.json) {
    process.stdout.write(
      `${JSON.stringify({machine: machine(), rounds, seconds, comparisons}, null, 2)}\n`,
    );
  } else {
    const {cores, processor, memoryGigabytes, node, date} = machine();
    process.stdout.write(
      `${date}, ${cores} cores (${processor}), ${memoryGigabytes} GiB, Node ${node}.\n`,
    );
  }
}

/**
 * @param {readonly import('../bench/participants.mjs').ModelName[]} models
 * @param {string} python
 * @param {string} data
 */
async function checkAll(models, python, data) {
  for (const model of models.filter(model => CHECKED[model] !== undefined)) {
    const {lines, agree} = await check(model, python, data);
    process.stdout.write(`${lines.join('\n')}\n`);
    if (!agree) process.exitCode = 1;
  }
}

/**
 * @param {readonly string[]} wanted
 * @throws {RangeError} when a name is unknown
 */
function chosen(wanted) {
  for (const name of wanted) {
    if (!MODELS.some(model => model.startsWith(name))) {
      throw new RangeError(`There is no model "${name}"; there are ${MODELS.join(', ')}.`);
    }
  }
  if (wanted.length === 0) return MODELS;
  return MODELS.filter(model => wanted.some(name => model.startsWith(name)));
}

/**
 * @param {string} option
 * @param {string} text
 * @throws {RangeError} when it is no number above 0
 */
function positive(option, text) {
  const value = Number(text);
  if (!(value > 0)) throw new RangeError(`${option} is "${text}", expected a number above 0.`);
  return value;
}

/** @param {string} text */
function say(text) {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
