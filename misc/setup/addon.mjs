/**
 * Step 6: the addon that binds Node to TensorFlow: compiled against the wheel, else upstream's.
 */
import fs from 'node:fs';
import path from 'node:path';
import {buildAddon, linkTensorFlow, placeAddon, removeAddon} from './addon-build.mjs';
import {downloadPrebuilt} from './addon-prebuilt.mjs';
import {logFile} from './context.mjs';
import {tail} from './run.mjs';
import {agrees, readStamp, writeStamp} from './stamp.mjs';
import {TENSORFLOW, tensorFlowFolder} from './tensorflow.mjs';

/** @typedef {import('./context.mjs').Context} Context */
/** @typedef {import('./context.mjs').StepState} StepState */

/** Loads the addon as lib/tensor/tf.ts does, and computes with it. */
const TRIAL = `
  const util = require('node:util');
  util.isNullOrUndefined ??= value => value === null || value === undefined;
  util.isArray ??= Array.isArray;
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  const tf = require('@tensorflow/tfjs-node-gpu');
  const {binding, isUsingGpuDevice} = tf.backend();
  if (tf.add(tf.tensor1d([1, 2]), 1).dataSync().join() !== '2,3') throw new Error('it computes wrongly');
  console.log(JSON.stringify({engine: binding.TF_Version, gpu: isUsingGpuDevice}));`;

/**
 * @param {Context} context
 * @param {StepState} tensorflow how that step ended
 * @returns {Promise<StepState>}
 */
export async function prepareAddon(context, tensorflow) {
  const {places, node, platform, arch, progress} = context;
  const manifest = fs.readFileSync(path.join(places.binding, 'package.json'), 'utf8');
  const own = {version: JSON.parse(manifest).version, machine: `${platform}-${arch}`};
  const built = {...own, kind: 'built', tensorflow: tensorflow.detail};
  const prebuilt = {...own, kind: 'prebuilt'};
  const tried = {abi: node.abi};
  const stamp = readStamp(places.setUpFolder, 'addon');
  const detail = stamp['detail'] ?? '';

  const folder = tensorflow.ok ? tensorFlowFolder(context) : undefined;
  if (folder !== undefined && agrees(stamp, built)) {
    // `npm ci` empties the package's folder; the addon itself is kept in .set-up.
    linkTensorFlow(context, folder);
    const placed = placeAddon(context);
    if (placed && agrees(stamp, tried)) return {ok: true, detail};
    // Node-API promises that it runs on another Node as well; one that does not is compiled again.
    if (placed && typeof (await trial(context)) === 'object') {
      writeStamp(places.setUpFolder, 'addon', {...stamp, ...tried});
      return {ok: true, detail};
    }
  }
  /** @type {{why: string, remedy?: string | undefined}} */
  let failure = {why: `No TensorFlow to compile against: ${tensorflow.detail}`};
  if (folder !== undefined) {
    const made = await compile(context, folder);
    if (made.ok) {
      writeStamp(places.setUpFolder, 'addon', {...built, ...tried, detail: made.detail});
      return made;
    }
    failure = {why: made.detail, remedy: made.remedy};
  }
  if (agrees(stamp, {...prebuilt, ...tried}) && fs.existsSync(addonFile(context)))
    return {ok: true, detail};

  const line = progress.begin("Upstream's prebuilt addon");
  const runs = (await downloadPrebuilt(context)) ?? (await trial(context));
  if (typeof runs === 'object') {
    line.done();
    const fetched = `${engineName(runs)}, prebuilt addon`;
    writeStamp(places.setUpFolder, 'addon', {...prebuilt, ...tried, detail: fetched});
    return {ok: true, detail: fetched};
  }
  fs.rmSync(addonFile(context), {force: true});
  line.failed({ok: false, detail: `${runs}\nThe lessons run on WebAssembly instead, more slowly.`});
  return {
    ok: false,
    detail: `${failure.why}\nUpstream's prebuilt addon: ${runs}`,
    ...(failure.remedy === undefined ? {} : {remedy: failure.remedy}),
  };
}

/**
 * Compiles the addon, puts it in its place and tries it.
 * @param {Context} context
 * @param {string} folder of the Python package tensorflow
 * @returns {Promise<StepState>}
 */
async function compile(context, folder) {
  const {progress} = context;
  const line = progress.begin(`Addon compiled against TensorFlow ${TENSORFLOW}`);
  const failure = await buildAddon(context, folder);
  if (failure !== undefined) {
    line.failed(failure);
    return failure;
  }
  linkTensorFlow(context, folder);
  placeAddon(context);
  const runs = await trial(context);
  if (typeof runs === 'string') {
    removeAddon(context);
    fs.rmSync(addonFile(context), {force: true});
    const broken = {ok: false, detail: `It does not run: ${runs}`, remedy: 'npm run doctor'};
    line.failed(broken);
    return broken;
  }
  line.done();
  return {ok: true, detail: `${engineName(runs)}, addon compiled here`};
}

/** @param {{engine: string, gpu: boolean}} runs */
const engineName = ({engine, gpu}) => `TensorFlow ${engine} on ${gpu ? 'GPU' : 'CPU'}`;

/**
 * @param {Context} context
 * @returns {string} the addon that tfjs-node-gpu loads
 */
function addonFile({places}) {
  return path.join(places.binding, 'lib', 'napi-v8', 'tfjs_binding.node');
}

/**
 * Loads the addon in a process of its own, which it may bring down.
 * @param {Context} context
 * @returns {Promise<{engine: string, gpu: boolean} | string>} what runs, or why it does not
 */
async function trial(context) {
  const {places, node, env, run} = context;
  const log = logFile(context, 'addon');
  const ended = await run(node.execPath, ['-e', TRIAL], {cwd: places.root, env, seconds: 60, log});
  if (ended.timedOut) return 'no answer in 60 s';
  if (ended.signal !== null) return `it ends Node with ${ended.signal}`;
  const last = ended.stdout.trim().split('\n').pop() ?? '';
  try {
    if (ended.code === 0) return JSON.parse(last);
  } catch {
    // said below
  }
  const error = /^\w*Error: .*$/m.exec(ended.output)?.[0];
  return error ?? tail(ended.output, 2);
}
