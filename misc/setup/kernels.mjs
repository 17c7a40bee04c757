/**
 * A part of step 6 that may fail: TensorFlow kernels of our own, compiled beside the addon.
 *
 * They make a training step faster and change nothing else. Where they cannot be built it is said
 * once, and graphs use TensorFlow's own.
 */
import fs from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {findCompiler, findHeaders, librariesOn} from './addon-build.mjs';
import {logFile} from './context.mjs';
import {tail} from './run.mjs';
import {agrees, hashFiles, readStamp, writeStamp} from './stamp.mjs';
import {TENSORFLOW, tensorFlowFolder} from './tensorflow.mjs';

/** @typedef {import('./context.mjs').Context} Context */
/** @typedef {import('./context.mjs').StepState} StepState */

const SOURCES = fileURLToPath(new URL('../native', import.meta.url));
const SOURCE = path.join(SOURCES, 'kernels.cc');

/** Loads a file of kernels into a Node that has loaded TensorFlow, as lib/tensor/native-kernels.ts does. */
const TRIAL = `
  const util = require('node:util');
  util.isNullOrUndefined ??= value => value === null || value === undefined;
  util.isArray ??= Array.isArray;
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  require('@tensorflow/tfjs-node-gpu').backend();
  const addon = {exports: {}};
  process.dlopen(addon, process.argv[1], require('node:os').constants.dlopen.RTLD_NOW);
  if (!(addon.exports.version >= 1)) throw new Error('it has no version');`;

/**
 * Builds the kernels, unless they are there, or have failed before, for all that they depend on.
 * @param {Context} context
 * @param {StepState} addon how that step ended
 * @param {StepState} tensorflow
 */
export async function prepareKernels(context, addon, tensorflow) {
  const {places, platform, arch, progress} = context;
  removeOthers(context);
  const folder = addon.ok && tensorflow.ok ? tensorFlowFolder(context) : undefined;
  const compiler = findCompiler(context);
  const suits = addon.detail.endsWith('on CPU, addon compiled here');
  if (folder === undefined || compiler === undefined || !suits) {
    fs.rmSync(placeOf(context), {force: true});
    return;
  }
  const wanted = {
    source: hashFiles(
      fs
        .readdirSync(SOURCES)
        .sort()
        .map(name => path.join(SOURCES, name)),
    ),
    tensorflow: tensorflow.detail,
    machine: `${platform}-${arch}`,
  };
  const stamp = readStamp(places.setUpFolder, 'kernels');
  if (agrees(stamp, wanted) && (stamp['failed'] !== undefined || place(context))) return;

  fs.rmSync(placeOf(context), {force: true});
  const line = progress.begin('Kernels for training steps');
  const failure = (await compile(context, compiler, folder)) ?? (await tryOut(context));
  if (failure === undefined) {
    line.done();
    writeStamp(places.setUpFolder, 'kernels', wanted);
    return;
  }
  for (const file of [placeOf(context), keptOf(context)]) fs.rmSync(file, {force: true});
  line.failed({
    ok: false,
    detail: `${failure}\nTraining steps use TensorFlow's own kernels, and are a little slower.`,
    remedy: 'rm .set-up/kernels.stamp.json && npm run setup',
  });
  writeStamp(places.setUpFolder, 'kernels', {...wanted, failed: failure});
}

/**
 * Why the last set-up could not build the kernels, for the doctor.
 * @param {Context} context
 * @returns {string | undefined}
 */
export function kernelFailure({places}) {
  return readStamp(places.setUpFolder, 'kernels')['failed'];
}

/**
 * Where lib/tensor/native-kernels.ts looks; kernels for another TensorFlow bear another name.
 * @param {Context} context
 */
const placeOf = ({places}) =>
  path.join(places.binding, 'lib', 'napi-v8', `latent-kernels-${TENSORFLOW}.node`);

/** `npm ci` empties the package's folder; this copy stays. @param {Context} context */
const keptOf = ({places}) => path.join(places.setUpFolder, 'addon', 'latent-kernels.node');

/** @param {Context} context */
function removeOthers(context) {
  const own = placeOf(context);
  const folder = path.dirname(own);
  for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
    const file = path.join(folder, name);
    if (name.startsWith('latent-kernels') && file !== own) fs.rmSync(file, {force: true});
  }
}

/**
 * Copies the kernels to where the library looks.
 * @param {Context} context
 * @returns {boolean} whether there are any to copy
 */
function place(context) {
  const [kept, target] = [keptOf(context), placeOf(context)];
  if (!fs.existsSync(kept)) return false;
  if (fs.existsSync(target) && fs.readFileSync(target).equals(fs.readFileSync(kept))) return true;
  fs.mkdirSync(path.dirname(target), {recursive: true});
  // A new file beside it, moved over: a process that has loaded the old one keeps it.
  fs.copyFileSync(kept, `${target}.draft`);
  fs.renameSync(`${target}.draft`, target);
  return true;
}

/**
 * @param {Context} context
 * @param {string} compiler
 * @param {string} tensorflow the folder of the Python package
 * @returns {Promise<string | undefined>} why it failed
 */
async function compile(context, compiler, tensorflow) {
  const {places, platform, env, run} = context;
  const headers = await findHeaders(context);
  if (headers === undefined) return "Node's headers are not there and cannot be fetched.";
  const draft = `${keptOf(context)}.draft`;
  const origin = platform === 'darwin' ? '@loader_path' : '$ORIGIN';
  const args = [
    ...(platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared']),
    // As TensorFlow's wheels are built, or its classes would be laid out otherwise.
    ...['-std=c++17', '-fPIC', '-w', '-DNDEBUG', '-DEIGEN_MAX_ALIGN_BYTES=64', '-DNAPI_VERSION=8'],
    // Vectors need these two; NaN and infinity stay what they are.
    ...['-O3', '-fno-math-errno', '-fno-trapping-math'],
    ...['-I', headers, '-I', path.join(tensorflow, 'include')],
    SOURCE,
    ...librariesOn(platform).map(name => path.join(tensorflow, name)),
    `-Wl,-rpath,${origin}/../../deps/lib`,
    ...['-o', draft],
  ];
  fs.mkdirSync(path.dirname(draft), {recursive: true});
  const log = logFile(context, 'kernels');
  const ended = await run(compiler, args, {cwd: places.root, env, seconds: 600, log});
  if (ended.code !== 0) {
    const first = /^.*error: .*$/m.exec(ended.output)?.[0] ?? tail(ended.output, 3);
    return `${path.basename(compiler)} failed: ${first}`;
  }
  fs.renameSync(draft, keptOf(context));
  return undefined;
}

/**
 * Puts the kernels in their place and loads them in a process of its own, which they may bring down.
 * @param {Context} context
 * @returns {Promise<string | undefined>} why they do not load
 */
async function tryOut(context) {
  const {places, node, env, run} = context;
  place(context);
  const args = ['-e', TRIAL, placeOf(context)];
  const ended = await run(node.execPath, args, {cwd: places.root, env, seconds: 60});
  if (ended.code === 0) return undefined;
  if (ended.timedOut) return 'They do not load: no answer in 60 s.';
  if (ended.signal !== null) return `They do not load: they end Node with ${ended.signal}.`;
  const error = /^\w*Error: .*$/m.exec(ended.output)?.[0] ?? tail(ended.output, 2);
  return `They do not load: ${error}`;
}
