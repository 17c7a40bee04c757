/**
 * Says what this machine has and lacks, in a table, with the command that mends each lack.
 *
 *   npm run doctor
 *
 * It changes nothing. The exit code is 1 when the lessons cannot run, otherwise 0.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {context as machine} from '../setup/context.mjs';
import {checkNode} from '../setup/node.mjs';
import {kernelFailure} from '../setup/kernels.mjs';
import {npm} from '../setup/packages.mjs';
import {tail} from '../setup/run.mjs';
import {readState} from '../setup/state.mjs';
import {existingVenv} from '../setup/venv.mjs';

/** @typedef {import('../setup/context.mjs').Context} Context */
/** @typedef {import('../setup/state.mjs').SetUpState} SetUpState */

/**
 * One line of the table.
 * @typedef {object} Row
 * @property {string} name
 * @property {'yes' | 'no' | '-'} mark '-' where a lack is no fault
 * @property {string} detail
 * @property {string | undefined} [remedy]
 * @property {boolean} [vital] whether nothing works without it
 */

/** The library says itself which backend it takes; in a process of its own, which it may bring down. */
const BACKEND = `
  const {ready} = require('latent-lib/tensor/tf');
  ready().then(report => console.log(JSON.stringify(report)));`;

/** Whether training steps use kernels of our own, as the library says. */
const KERNELS = `
  const {ready} = require('latent-lib/tensor/tf');
  const {nativeKernels} = require('latent-lib/tensor/native-kernels');
  ready().then(() => console.log(JSON.stringify(nativeKernels())));`;

/** Reads and checks MNIST where it lies, and downloads nothing. */
const MNIST = `
  const {loadMnist, mnistFolder} = require('latent-lib/data/mnist');
  (async () => {
    for (const split of ['train', 'test']) await loadMnist({split, download: false});
    console.log(JSON.stringify({folder: mnistFolder().folder}));
  })().catch(error => { console.log(JSON.stringify({why: error.message})); });`;

/**
 * What there is, line by line.
 * @param {Context} context
 * @returns {Promise<Row[]>}
 */
export async function examine(context) {
  const {places, env} = context;
  const state = readState(places.setUpFolder);
  const node = checkNode(context);
  const [npmVersion, backend, kernels, data, gpu] = await Promise.all([
    version(context, npm(context)),
    backendRow(context),
    kernelsRow(context),
    dataRow(context),
    gpuRow(context),
  ]);
  return [
    {name: 'Node', mark: node.ok ? 'yes' : 'no', ...node, vital: true},
    npmVersion === undefined
      ? {name: 'npm', mark: 'no', detail: 'There is no npm.', remedy: 'corepack enable npm'}
      : {name: 'npm', mark: 'yes', detail: `npm ${npmVersion}`},
    ...stepRows(context, state),
    backend,
    kernels,
    data,
    gpu,
    {name: 'Threads', mark: '-', detail: threads(env)},
  ];
}

/**
 * The steps of the last set-up, and whether the virtual environment is still as it left it.
 * @param {Context} context
 * @param {SetUpState | undefined} state
 * @returns {Row[]}
 */
function stepRows(context, state) {
  if (state === undefined) {
    const detail = 'no set-up has ended yet';
    return [{name: 'Set-up', mark: 'no', detail, remedy: 'npm run setup', vital: true}];
  }
  /** @type {[string, keyof SetUpState, boolean][]} */
  const rows = [
    ['npm packages', 'packages', true],
    ['Library', 'library', true],
    ['Python', 'python', false],
    ['JupyterLab', 'venv', false],
    ['TensorFlow wheel', 'tensorflow', false],
    ['Addon', 'addon', false],
    ['Kernel', 'kernelspec', false],
  ];
  return rows.map(([name, step, vital]) => {
    const {ok, detail, remedy} = state[step];
    const inVenv = ['python', 'venv', 'tensorflow', 'kernelspec'].includes(step);
    if (ok && inVenv && existingVenv(context) === undefined) {
      const gone = '.venv is not as the last set-up left it';
      return {name, mark: 'no', detail: gone, remedy: 'npm run setup', vital};
    }
    return {name, mark: ok ? 'yes' : 'no', detail, remedy, vital};
  });
}

/**
 * @param {Context} context
 * @returns {Promise<Row>}
 */
async function backendRow(context) {
  const told = await ask(context, BACKEND);
  if (typeof told === 'string') {
    const detail = `none: ${told}`;
    return {name: 'Backend', mark: 'no', detail, remedy: 'npm run setup', vital: true};
  }
  const {name, engine, passedOver} =
    /** @type {{name: string, engine: string, passedOver: {name: string, why: string}[]}} */ (told);
  const forced = context.env['LATENT_BACKEND'];
  const asked = forced ? [`(LATENT_BACKEND=${forced})`] : [];
  const reasons = passedOver.map(({name, why}) => `not ${name}: ${why.split('\n')[0] ?? ''}`);
  const detail = [`${name}: ${engine}`, ...asked, ...reasons].join('\n');
  return {name: 'Backend', mark: 'yes', detail};
}

/**
 * @param {Context} context
 * @returns {Promise<Row>}
 */
async function kernelsRow(context) {
  const name = 'Own kernels';
  const told = await ask(context, KERNELS);
  if (typeof told === 'string') return {name, mark: '-', detail: `not checked: ${told}`};
  const {used, why} = /** @type {{used: boolean, why: string}} */ (told);
  if (used) return {name, mark: 'yes', detail: 'compiled here; training steps use them'};
  const reason = kernelFailure(context) ?? why;
  return {name, mark: '-', detail: `not used: ${reason}\nTraining steps use TensorFlow's own.`};
}

/**
 * @param {Context} context
 * @returns {Promise<Row>}
 */
async function dataRow(context) {
  const told = await ask(context, MNIST);
  if (typeof told === 'string') return {name: 'MNIST', mark: '-', detail: `not checked: ${told}`};
  const {folder, why} = /** @type {{folder?: string, why?: string}} */ (told);
  if (folder !== undefined) {
    return {name: 'MNIST', mark: 'yes', detail: `all four files sound, in ${folder}`};
  }
  const fallback = 'Lesson 01 downloads them, or else draws its own digits.';
  return {name: 'MNIST', mark: '-', detail: `${why ?? 'not there'}\n${fallback}`};
}

/**
 * @param {Context} context
 * @returns {Promise<Row>}
 */
async function gpuRow({run, env}) {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'];
  const ended = await run('nvidia-smi', query, {env, seconds: 20});
  return ended.code === 0 && ended.stdout.trim() !== ''
    ? {name: 'GPU', mark: 'yes', detail: ended.stdout.trim()}
    : {name: 'GPU', mark: '-', detail: ended.missing ? 'no NVIDIA driver' : tail(ended.output, 1)};
}

/** @param {NodeJS.ProcessEnv} env */
function threads(env) {
  const asked = env['LATENT_THREADS'];
  const cores = `${os.availableParallelism()} cores`;
  return asked ? `${asked} (LATENT_THREADS), ${cores}` : `as the library chooses, ${cores}`;
}

/**
 * Runs a script that prints one line of JSON last.
 * @param {Context} context
 * @param {string} script
 * @returns {Promise<object | string>} what it printed, or why it did not
 */
async function ask({places, node, env, run}, script) {
  const ended = await run(node.execPath, ['-e', script], {cwd: places.root, env, seconds: 60});
  if (ended.timedOut) return 'no answer in 60 s';
  if (ended.signal !== null) return `Node was ended by ${ended.signal}`;
  try {
    if (ended.code === 0) return JSON.parse(ended.stdout.trim().split('\n').pop() ?? '');
  } catch {
    // told below
  }
  return /^\w*Error: .*$/m.exec(ended.output)?.[0] ?? tail(ended.output, 1);
}

/**
 * @param {Context} context
 * @param {[string, ...string[]]} command
 * @returns {Promise<string | undefined>}
 */
async function version({run, env}, [command, ...first]) {
  const ended = await run(command, [...first, '--version'], {env, seconds: 20});
  return ended.code === 0 ? ended.stdout.trim() : undefined;
}

/**
 * The table; the first column is as wide as its widest name.
 * @param {readonly Row[]} rows
 * @returns {string}
 */
export function table(rows) {
  const width = Math.max(...rows.map(({name}) => name.length));
  const indent = ' '.repeat(width + 7);
  return rows
    .map(({name, mark, detail, remedy}) => {
      const mend = mark === 'no' && remedy !== undefined ? [`To mend it: ${remedy}`] : [];
      const text = [...detail.split('\n'), ...mend].join(`\n${indent}`);
      return `${name.padEnd(width)}  ${mark.padEnd(3)}  ${text}`;
    })
    .join('\n');
}

if (
  process.argv[1] !== undefined &&
  path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)
) {
  const here = machine();
  if (!fs.existsSync(here.places.modules)) console.log('Nothing is set up yet: npm run setup');
  const rows = await examine(here);
  console.log(table(rows));
  process.exitCode = rows.some(({mark, vital}) => mark === 'no' && vital === true) ? 1 : 0;
}
