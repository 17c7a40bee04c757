/**
 * Compiles TensorFlow kernels for the training step, beside the addon of tfjs-node-gpu.
 *
 *   node misc/native/build.mjs
 *
 * They make a step faster and nothing else: where they cannot be built, TensorFlow's own are used.
 */
import fs from 'node:fs';
import path from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {findCompiler, librariesOn} from '../setup/addon-build.mjs';
import {context, logFile} from '../setup/context.mjs';
import {tail} from '../setup/run.mjs';
import {agrees, hashFiles, readStamp, removeStamp, writeStamp} from '../setup/stamp.mjs';
import {TENSORFLOW, tensorFlowFolder} from '../setup/tensorflow.mjs';

/** @typedef {import('../setup/context.mjs').Context} Context */
/** @typedef {import('../setup/context.mjs').StepState} StepState */

const SOURCE = path.join(path.dirname(fileURLToPath(import.meta.url)), 'kernels.cc');

/** Where lib/tensor/native-kernels.ts looks. @param {Context} context */
const placeOf = ({places}) => path.join(places.binding, 'lib', 'napi-v8', 'latent_kernels.node');

/** `npm ci` empties the package's folder; this copy stays. @param {Context} context */
const keptOf = ({places}) => path.join(places.setUpFolder, 'addon', 'latent_kernels.node');

/**
 * Builds the kernels, unless they are there for this source and this TensorFlow.
 * @param {Context} machine
 * @returns {Promise<StepState>}
 */
export async function buildKernels(machine) {
  const {places, platform, arch, env, run, progress} = machine;
  const wanted = {
    source: hashFiles([SOURCE]),
    tensorflow: TENSORFLOW,
    machine: `${platform}-${arch}`,
  };
  const kept = keptOf(machine);
  const stamp = readStamp(places.setUpFolder, 'kernels');
  if (agrees(stamp, wanted) && fs.existsSync(kept)) {
    place(machine);
    return {ok: true, detail: 'compiled here'};
  }
  const line = progress.begin('Kernels for the training step');
  removeStamp(places.setUpFolder, 'kernels');
  fs.rmSync(placeOf(machine), {force: true});
  const [tensorflow, compiler] = [tensorFlowFolder(machine), findCompiler(machine)];
  const headers = findHeaders(machine);
  const missing = Object.entries({TensorFlow: tensorflow, compiler, "Node's headers": headers})
    .filter(([, found]) => found === undefined)
    .map(([name]) => name);
  if (tensorflow === undefined || compiler === undefined || headers === undefined) {
    const state = {ok: false, detail: `Not there: ${missing.join(', ')}.`, remedy: 'npm run setup'};
    line.failed(state);
    return state;
  }
  const origin = platform === 'darwin' ? '@loader_path' : '$ORIGIN';
  const args = [
    ...(platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared']),
    ...['-std=c++17', '-fPIC', '-w', '-DNDEBUG', '-DEIGEN_MAX_ALIGN_BYTES=64', '-DNAPI_VERSION=8'],
    // Vectors need these two; NaN and infinity stay what they are.
    ...['-O3', '-fno-math-errno', '-fno-trapping-math'],
    ...['-I', headers, '-I', path.join(tensorflow, 'include')],
    SOURCE,
    ...librariesOn(platform).map(name => path.join(tensorflow, name)),
    `-Wl,-rpath,${origin}/../../deps/lib`,
    ...['-o', `${kept}.draft`],
  ];
  fs.mkdirSync(path.dirname(kept), {recursive: true});
  const log = logFile(machine, 'kernels');
  const ended = await run(compiler, args, {cwd: places.root, env, seconds: 600, log});
  if (ended.code !== 0) {
    const first = /^.*error: .*$/m.exec(ended.output)?.[0] ?? tail(ended.output, 3);
    const remedy = `cat ${path.relative(places.root, log)}`;
    const state = {ok: false, detail: `${path.basename(compiler)} failed: ${first}`, remedy};
    line.failed(state);
    return state;
  }
  fs.renameSync(`${kept}.draft`, kept);
  place(machine);
  writeStamp(places.setUpFolder, 'kernels', wanted);
  line.done();
  return {ok: true, detail: 'compiled here'};
}

/**
 * The folder with node_api.h: Node's own, or the one that the addon's build has fetched.
 * @param {Context} machine
 */
function findHeaders({places, node}) {
  const fetched = path.join(places.setUpFolder, 'headers', 'node_modules', 'node-api-headers');
  return [
    path.resolve(node.execPath, '..', '..', 'include', 'node'),
    path.join(fetched, 'include'),
  ].find(folder => fs.existsSync(path.join(folder, 'node_api.h')));
}

/** @param {Context} machine */
function place(machine) {
  const [kept, target] = [keptOf(machine), placeOf(machine)];
  if (fs.existsSync(target) && fs.readFileSync(target).equals(fs.readFileSync(kept))) return;
  fs.mkdirSync(path.dirname(target), {recursive: true});
  fs.copyFileSync(kept, `${target}.draft`);
  fs.renameSync(`${target}.draft`, target);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const {ok, detail, remedy} = await buildKernels(context());
  process.stdout.write(`${detail}${remedy === undefined ? '' : ` To mend it: ${remedy}`}\n`);
  process.exitCode = ok ? 0 : 1;
}
