/**
 * pip in the virtual environment: whether its index answers, and installing from it.
 */
import fs from 'node:fs';
import path from 'node:path';
import {logFile} from './context.mjs';
import {cleanEnvironment} from './python.mjs';
import {pipDownloads} from './sizes.mjs';
import {tail} from './run.mjs';

/** @typedef {import('./context.mjs').Context} Context */
/** @typedef {import('./context.mjs').StepState} StepState */

/** The question whether the index answers must be settled within this many seconds. */
export const INDEX_PATIENCE = 25;

const COMMON = ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off'];

/**
 * Asks the index for one small wheel, so that a network that does not answer is known at once,
 * and not after minutes of retries.
 * @param {Context} context
 * @param {number} [patience] seconds
 * @returns {Promise<StepState | undefined>} why it does not answer
 */
export async function askIndex(context, patience = INDEX_PATIENCE) {
  const {places, run, env} = context;
  const pin = /^nbclient==\S+$/m.exec(fs.readFileSync(places.requirements, 'utf8'))?.[0];
  const folder = path.join(places.setUpFolder, 'probe');
  const args = ['-m', 'pip', 'download', '--no-deps', '--dest', folder, ...COMMON];
  const limits = ['--retries', '0', '--timeout', '10'];
  const ended = await run(places.venvPython, [...args, ...limits, pin ?? 'nbclient'], {
    cwd: places.root,
    env: cleanEnvironment(env),
    seconds: patience,
    log: logFile(context, 'python'),
  });
  fs.rmSync(folder, {recursive: true, force: true});
  if (ended.code === 0) return undefined;
  const why = ended.timedOut ? `no answer in ${patience} s` : reason(ended.output);
  return {
    ok: false,
    detail: `No Python package index can be reached: ${why}`,
    remedy: 'export PIP_INDEX_URL=<an index that you can reach>, or connect, then: npm run setup',
  };
}

/**
 * Installs without compiling to bytecode, which takes as long again and is hardly ever needed.
 * @param {Context} context
 * @param {readonly string[]} what pip's arguments: '-r', a file, or requirements
 * @returns {Promise<StepState | undefined>} why it failed
 */
export async function pipInstall(context, what) {
  const {places, run, env, downloads} = context;
  const limits = ['--retries', '3', '--timeout', '30'];
  const args = [
    '-m',
    'pip',
    'install',
    ...COMMON,
    ...limits,
    '--no-warn-script-location',
    '--no-compile',
  ];
  const ended = await run(places.venvPython, [...args, ...what], {
    cwd: places.root,
    env: cleanEnvironment(env),
    log: logFile(context, 'python'),
  });
  downloads.bytes += pipDownloads(ended.output);
  if (ended.code === 0) return undefined;
  return {
    ok: false,
    detail: `pip install ${what.join(' ')} failed: ${reason(ended.output)}`,
    remedy: `npm run setup   (what pip said: ${path.relative(places.root, logFile(context, 'python'))})`,
  };
}

/**
 * The lines in which pip says what is wrong.
 * @param {string} output
 */
function reason(output) {
  const errors = output.split('\n').filter(line => /ERROR|error:/.test(line));
  const said = errors.length > 0 ? errors.slice(0, 2).join('\n') : tail(output, 2);
  return said.replace(/\/\/[^@/\s]*@/g, '//');
}
