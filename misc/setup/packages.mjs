/**
 * Step 2: the npm packages, exactly as package-lock.json names them, and whether they load.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {logFile} from './context.mjs';
import {folderSize} from './sizes.mjs';
import {tail} from './run.mjs';
import {agrees, hashFiles, readStamp, writeStamp} from './stamp.mjs';

/** @typedef {import('./context.mjs').Context} Context */
/** @typedef {import('./context.mjs').StepState} StepState */

/** Packages with a binary for each platform, which npm leaves out without a word when it cannot fit it. */
const NATIVE = ['nodejs-polars', 'zeromq', '@resvg/resvg-js'];

/** A registry that does not answer is given up after seconds, not minutes. */
export const NPM_LIMITS = [
  ...['--no-audit', '--no-fund', '--fetch-retries=2', '--fetch-timeout=60000'],
  ...['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=4000'],
];

/**
 * @param {Context} context
 * @returns {Promise<StepState>}
 */
export async function installPackages(context) {
  const {places, node, platform, arch, progress} = context;
  if (!installed(places)) {
    const line = progress.begin('npm packages');
    const failure = await npmCi(context);
    if (failure !== undefined) {
      line.failed(failure);
      return failure;
    }
    line.done();
  }
  const detail = `${Object.keys(readLock(places.root)).length - 1} npm packages`;
  const wanted = {
    lock: hashFiles([path.join(places.root, 'package-lock.json')]),
    node: `${platform}-${arch}-abi${node.abi}`,
  };
  if (agrees(readStamp(places.setUpFolder, 'packages'), wanted)) return {ok: true, detail};
  const failure = await checkNative(context);
  if (failure !== undefined) {
    progress.skip('npm packages', failure);
    return failure;
  }
  writeStamp(places.setUpFolder, 'packages', wanted);
  return {ok: true, detail};
}

/**
 * Whether node_modules holds what package-lock.json names, and that names what package.json wants.
 * npm writes its own list into node_modules when an installation has ended.
 * @param {import('./paths.mjs').Places} places
 */
function installed({root, modules}) {
  const listed = readPackages(path.join(modules, '.package-lock.json'));
  const lock = readLock(root);
  if (listed === undefined) return false;
  for (const folder of ['', 'lib']) {
    const manifest = JSON.parse(fs.readFileSync(path.join(root, folder, 'package.json'), 'utf8'));
    for (const kind of /** @type {const} */ (['dependencies', 'devDependencies'])) {
      const locked = JSON.stringify(sorted(lock[folder]?.[kind]));
      if (locked !== JSON.stringify(sorted(manifest[kind]))) return false;
    }
  }
  return Object.entries(lock).every(([folder, {version, optional, link}]) => {
    if (!folder.startsWith('node_modules/')) return true;
    const there = listed[folder];
    if (there === undefined) return optional === true;
    return (link === true || there.version === version) && fs.existsSync(path.join(root, folder));
  });
}

/** @param {Record<string, string>} [pairs] */
const sorted = (pairs = {}) => Object.entries(pairs).sort(([a], [b]) => (a < b ? -1 : 1));

/**
 * @param {Context} context
 * @returns {Promise<StepState | undefined>} why it failed
 */
async function npmCi(context) {
  const {places, env, run, downloads} = context;
  const cache = path.join(env['npm_config_cache'] ?? path.join(os.homedir(), '.npm'), '_cacache');
  const before = folderSize(path.join(cache, 'content-v2'));
  const [command, ...first] = npm(context);
  const args = [...first, 'ci', ...NPM_LIMITS];
  const ended = await run(command, args, {
    cwd: places.root,
    env,
    log: logFile(context, 'packages'),
  });
  if (ended.code === 0) {
    downloads.bytes += Math.max(0, folderSize(path.join(cache, 'content-v2')) - before);
    return undefined;
  }
  if (ended.missing) {
    return {ok: false, detail: 'There is no npm.', remedy: 'corepack enable npm'};
  }
  return {
    ok: false,
    detail: `npm ci failed:\n${tail(ended.output)}`,
    remedy: 'npm ping   (does the registry answer?), then: npm run setup',
  };
}

/**
 * npm as it was started, or else from PATH.
 * @param {Context} context
 * @returns {[string, ...string[]]}
 */
export function npm({env, node, platform}) {
  const script = env['npm_execpath'];
  if (script !== undefined && /npm-cli\.c?js$/.test(script) && fs.existsSync(script)) {
    return [node.execPath, script];
  }
  return [platform === 'win32' ? 'npm.cmd' : 'npm'];
}

/**
 * Loads each native package in a process of its own.
 * @param {Context} context
 * @returns {Promise<StepState | undefined>}
 */
async function checkNative(context) {
  const {places, node, env, run} = context;
  const code = `for (const name of ${JSON.stringify(NATIVE)}) {
    try { require(name); }
    catch (error) { console.log(JSON.stringify({name, why: String(error.message)})); process.exit(1); }
  }`;
  const log = logFile(context, 'packages');
  const ended = await run(node.execPath, ['-e', code], {cwd: places.root, env, log});
  if (ended.code === 0) return undefined;
  const {name, why} = parseFailure(ended.stdout) ?? {name: 'a package', why: tail(ended.output)};
  const missing = /Cannot find module '([^']+)'/.exec(why)?.[1];
  const platformPackage = missing !== undefined && !missing.startsWith('.') ? missing : undefined;
  const version = readLock(places.root)[`node_modules/${name}`]?.version;
  return {
    ok: false,
    detail: `${name} does not load: ${why.split('\n')[0] ?? ''}`,
    remedy:
      platformPackage === undefined || platformPackage === name || version === undefined
        ? 'rm -rf node_modules && npm run setup'
        : `npm install --no-save ${platformPackage}@${version} && npm run setup`,
  };
}

/**
 * @param {string} text
 * @returns {{name: string, why: string} | undefined}
 */
function parseFailure(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {boolean} [optional]
 * @property {boolean} [link]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 */

/**
 * @param {string} root
 * @returns {Record<string, LockedPackage>}
 */
function readLock(root) {
  return readPackages(path.join(root, 'package-lock.json')) ?? {};
}

/**
 * @param {string} file
 * @returns {Record<string, LockedPackage> | undefined}
 */
function readPackages(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).packages : undefined;
}
