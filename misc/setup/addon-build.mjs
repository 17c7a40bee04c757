/**
 * Compiles the addon of tfjs-node-gpu against the TensorFlow of the virtual environment.
 *
 * It is two C++ files over Node's stable C interface (Node-API), so one call of the compiler does it.
 * node-gyp, which upstream uses, cannot build in a folder with a space in its path, needs make and
 * Python besides, and fetches Node's headers from a site that many networks do not reach.
 */
import fs from 'node:fs';
import path from 'node:path';
import {logFile} from './context.mjs';
import {NPM_LIMITS, npm} from './packages.mjs';
import {findCommand, installCommand} from './remedies.mjs';
import {tail} from './run.mjs';

/** @typedef {import('./context.mjs').Context} Context */
/** @typedef {import('./context.mjs').StepState} StepState */

/** The version of Node-API for which tfjs-node-gpu looks in lib/napi-v8; Node 16 and later have it. */
const NODE_API = 8;

/** The headers, for a Node that was installed without its own. */
const HEADERS = 'node-api-headers@1.9.0';

/**
 * @param {NodeJS.Platform} platform
 * @returns {string[]} the files of TensorFlow's C library
 */
export const librariesOn = platform =>
  platform === 'darwin'
    ? ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib']
    : ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

/** @param {Context} context */
const builtFile = ({places}) => path.join(places.setUpFolder, 'addon', 'tfjs_binding.node');

/**
 * Lays the wheel's libraries and headers where the addon looks for them, with relative links, so that
 * they hold wherever the clone lies.
 * @param {Context} context
 * @param {string} tensorflow the folder of the Python package
 */
export function linkTensorFlow({places, platform}, tensorflow) {
  const deps = path.join(places.binding, 'deps');
  const libraries = librariesOn(platform);
  /** @type {[string, string][]} */
  const links = [
    ['include', path.join(tensorflow, 'include')],
    ...libraries.map(
      name => /** @type {[string, string]} */ ([`lib/${name}`, path.join(tensorflow, name)]),
    ),
    // The GPU wheel's libraries look for CUDA's in ../nvidia, seen from the link.
    ['nvidia', path.join(path.dirname(tensorflow), 'nvidia')],
  ];
  const wanted = links.map(([name, target]) => {
    const link = path.join(deps, name);
    return {link, target: path.relative(path.dirname(link), target)};
  });
  if (wanted.every(({link, target}) => readLink(link) === target)) return;
  fs.rmSync(deps, {recursive: true, force: true});
  fs.mkdirSync(path.join(deps, 'lib'), {recursive: true});
  for (const {link, target} of wanted) fs.symlinkSync(target, link);
}

/** @param {string} link */
function readLink(link) {
  try {
    return fs.readlinkSync(link);
  } catch {
    return undefined;
  }
}

/**
 * @param {Context} context
 * @param {string} tensorflow the folder of the Python package
 * @returns {Promise<StepState | undefined>} why it failed
 */
export async function buildAddon(context, tensorflow) {
  const {places, platform, env, run} = context;
  const compiler = findCompiler(context);
  if (compiler === undefined) {
    const remedy = `${installCommand('compiler', context)} && npm run setup`;
    return {ok: false, detail: 'There is no C++ compiler.', remedy};
  }
  const headers = await findHeaders(context);
  if (headers === undefined) {
    const remedy = `npm install --prefix .set-up/headers ${HEADERS} && npm run setup`;
    return {ok: false, detail: "Node's headers are not there and cannot be fetched.", remedy};
  }
  const built = builtFile(context);
  const draft = `${built}.draft`;
  fs.mkdirSync(path.dirname(built), {recursive: true});
  const origin = platform === 'darwin' ? '@loader_path' : '$ORIGIN';
  const args = [
    ...(platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared']),
    ...['-std=gnu++17', '-O2', '-fPIC', '-fno-rtti', '-fno-exceptions'],
    `-DNAPI_VERSION=${NODE_API}`,
    ...['-I', headers, '-I', path.join(tensorflow, 'include')],
    ...['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc'],
    ...librariesOn(platform).map(name => path.join(tensorflow, name)),
    `-Wl,-rpath,${origin}/../../deps/lib`,
    ...['-o', draft],
  ];
  const log = logFile(context, 'addon');
  const ended = await run(compiler, args, {cwd: places.binding, env, log});
  if (ended.code !== 0) {
    const first = /^.*error: .*$/m.exec(ended.output)?.[0] ?? tail(ended.output, 3);
    const remedy = `cat ${path.relative(places.root, log)}`;
    return {ok: false, detail: `${path.basename(compiler)} failed: ${first}`, remedy};
  }
  fs.renameSync(draft, built);
  return undefined;
}

/**
 * Copies the compiled addon to where tfjs-node-gpu looks for it.
 * @param {Context} context
 * @returns {boolean} whether there is one to copy
 */
export function placeAddon(context) {
  const built = builtFile(context);
  if (!fs.existsSync(built)) return false;
  const target = path.join(context.places.binding, 'lib', `napi-v${NODE_API}`, 'tfjs_binding.node');
  if (fs.existsSync(target) && fs.readFileSync(target).equals(fs.readFileSync(built))) return true;
  fs.mkdirSync(path.dirname(target), {recursive: true});
  // A new file beside it, moved over: a process that has loaded the old one keeps it.
  fs.copyFileSync(built, `${target}.draft`);
  fs.renameSync(`${target}.draft`, target);
  return true;
}

/**
 * Throws the compiled addon away, as it does not run.
 * @param {Context} context
 */
export function removeAddon(context) {
  fs.rmSync(builtFile(context), {force: true});
}

/**
 * @param {Context} context
 * @returns {string | undefined}
 */
export function findCompiler({env}) {
  const named = env['CXX'];
  const names = [...(named === undefined || named === '' ? [] : [named]), 'c++', 'g++', 'clang++'];
  return names.map(name => findCommand(name, env)).find(found => found !== undefined);
}

/**
 * The folder with node_api.h: Node's own, or else the package node-api-headers.
 * @param {Context} context
 * @returns {Promise<string | undefined>}
 */
export async function findHeaders(context) {
  const {places, node, env, run} = context;
  const fetched = path.join(places.setUpFolder, 'headers');
  const candidates = [
    path.resolve(node.execPath, '..', '..', 'include', 'node'),
    path.join(fetched, 'node_modules', 'node-api-headers', 'include'),
  ];
  const there = () => candidates.find(folder => fs.existsSync(path.join(folder, 'node_api.h')));
  const found = there();
  if (found !== undefined) return found;
  const [command, ...first] = npm(context);
  const args = ['install', '--prefix', fetched, '--no-save', ...NPM_LIMITS, HEADERS];
  fs.mkdirSync(fetched, {recursive: true});
  const log = logFile(context, 'addon');
  await run(command, [...first, ...args], {cwd: fetched, env, seconds: 90, log});
  return there();
}
