/**
 * The set-up: brings a fresh clone to where the lessons and the tests run, and does nothing, in a
 * fraction of a second, where all is there. It uses Node's own modules only.
 *
 *   npm run setup [-- --cpu | --gpu]
 */
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {prepareAddon} from './addon.mjs';
import {context as realContext} from './context.mjs';
import {prepareKernels} from './kernels.mjs';
import {installKernelspec} from './kernelspec.mjs';
import {compileLibrary} from './library.mjs';
import {alone} from './lock.mjs';
import {checkNode} from './node.mjs';
import {installPackages} from './packages.mjs';
import {findPython} from './python.mjs';
import {megabytes} from './sizes.mjs';
import {readState, writeState} from './state.mjs';
import {installTensorFlow} from './tensorflow.mjs';
import {existingVenv, makeVenv} from './venv.mjs';

/** @typedef {import('./context.mjs').Context} Context */
/** @typedef {import('./state.mjs').SetUpState} SetUpState */
/** @typedef {import('./state.mjs').StepState} StepState */

const FIRST_TIME =
  'First set-up: a few minutes, about 600 MB to download, 2.5 GB on the disk; all of it in this folder.';

/**
 * Sets up what is missing, and says what it does.
 * @param {Partial<Context>} [own] what differs from this machine
 * @returns {Promise<SetUpState>} also written to .set-up/state.json
 */
export async function setUp(own = {}) {
  const context = realContext(own);
  const {places, progress} = context;
  return alone(
    places.setUpFolder,
    async () => {
      const start = performance.now();
      if (readState(places.setUpFolder) === undefined) progress.line(FIRST_TIME);
      const state = await allSteps(context);
      writeState(state, places.setUpFolder);
      if (progress.steps > 0) {
        const seconds = Math.round((performance.now() - start) / 1000);
        const fetched = context.downloads.bytes;
        const size = fetched > 0 ? `, ${megabytes(fetched)} downloaded` : '';
        progress.line(`Set up in ${seconds} s${size}.`);
      }
      return state;
    },
    text => progress.line(text),
  );
}

/**
 * Whether the commands can go on: all but these two can be done without.
 * @param {SetUpState} state
 */
export function canGoOn(state) {
  return state.node.ok && state.packages.ok;
}

/**
 * @param {Context} context
 * @returns {Promise<SetUpState>}
 */
async function allSteps(context) {
  const node = checkNode(context);
  if (!node.ok) {
    context.progress.skip('Node', node);
    return {node, ...notReached('Node is not supported.')};
  }
  const [{packages, library}, {python, venv, tensorflow}] = await Promise.all([
    nodeSteps(context),
    pythonSteps(context),
  ]);
  const addon = packages.ok ? await prepareAddon(context, tensorflow) : lacking(packages);
  if (packages.ok) await prepareKernels(context, addon, tensorflow);
  const kernelspec = venv.ok ? installKernelspec(context) : lacking(venv);
  return {node, packages, python, venv, tensorflow, addon, kernelspec, library};
}

/**
 * @param {Context} context
 * @returns {Promise<Pick<SetUpState, 'packages' | 'library'>>}
 */
async function nodeSteps(context) {
  const packages = await installPackages(context);
  return {packages, library: packages.ok ? await compileLibrary(context) : lacking(packages)};
}

/**
 * @param {Context} context
 * @returns {Promise<Pick<SetUpState, 'python' | 'venv' | 'tensorflow'>>}
 */
async function pythonSteps(context) {
  const {python, venv} = existingVenv(context) ?? (await newVenv(context));
  return {python, venv, tensorflow: venv.ok ? await installTensorFlow(context) : lacking(venv)};
}

/**
 * @param {Context} context
 * @returns {Promise<Pick<SetUpState, 'python' | 'venv'>>}
 */
async function newVenv(context) {
  const {python, ...found} = await findPython(context);
  if (python === undefined) {
    context.progress.skip('Python', found);
    return {python: found, venv: lacking(found)};
  }
  return {python: found, venv: await makeVenv(context, python)};
}

/**
 * The state of a step that needs another one.
 * @param {StepState} other
 * @returns {StepState}
 */
function lacking({detail, remedy}) {
  return {ok: false, detail, ...(remedy === undefined ? {} : {remedy})};
}

/** @param {string} detail */
function notReached(detail) {
  const state = {ok: false, detail, remedy: 'npm run setup'};
  return {
    packages: state,
    python: state,
    venv: state,
    tensorflow: state,
    addon: state,
    kernelspec: state,
    library: state,
  };
}

/** @param {readonly string[]} args */
async function main(args) {
  const unknown = args.find(arg => arg !== '--cpu' && arg !== '--gpu');
  if (unknown !== undefined) {
    process.stderr.write(`Unknown argument ${unknown}. Usage: npm run setup [-- --cpu | --gpu]\n`);
    return 2;
  }
  const device = args.includes('--gpu') ? 'gpu' : args.includes('--cpu') ? 'cpu' : undefined;
  return canGoOn(await setUp({device})) ? 0 : 1;
}

if (
  process.argv[1] !== undefined &&
  path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)
) {
  process.exitCode = await main(process.argv.slice(2));
}
