/**
 * Small notebooks for the tests of the runner, below build/, where the kernel finds the packages.
 */
import {spawn} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {readState} from '../../misc/setup/state.mjs';
import {root} from '../../misc/setup/paths.mjs';

/** Why lessons cannot be executed here, or false. */
export function cannotExecute() {
  const state = readState();
  if (state === undefined) return 'nothing is set up: npm run setup';
  const missing = [state.venv, state.kernelspec].find(({ok}) => !ok);
  return missing === undefined ? false : missing.detail;
}

/** A fresh folder, and how to remove it. */
export function workFolder() {
  const parent = path.join(root, 'build', 'lessons-run-tests');
  fs.mkdirSync(parent, {recursive: true});
  const folder = fs.mkdtempSync(path.join(parent, 'run-'));
  return {folder, remove: () => fs.rmSync(folder, {recursive: true, force: true})};
}

/**
 * @typedef {{source: string, stdout?: string, tags?: string[], count?: number | null}} CellSketch
 */

/**
 * @param {string} folder
 * @param {string} name without ending
 * @param {readonly CellSketch[]} cells
 * @returns {string} its path
 */
export function writeNotebook(folder, name, cells) {
  const file = path.join(folder, `${name}.ipynb`);
  const notebook = {
    cells: cells.map(({source, stdout, tags, count = null}, index) => ({
      cell_type: 'code',
      execution_count: count,
      id: `cell-${index}`,
      metadata: tags === undefined ? {} : {tags},
      outputs:
        stdout === undefined ? [] : [{name: 'stdout', output_type: 'stream', text: [stdout]}],
      source: source.split(/(?<=\n)/),
    })),
    metadata: {kernelspec: {display_name: 'TypeScript', language: 'typescript', name: 'tslab'}},
    nbformat: 4,
    nbformat_minor: 5,
  };
  fs.writeFileSync(file, `${JSON.stringify(notebook, null, 1)}\n`);
  return file;
}

/**
 * @param {string} file
 * @returns {{cells: {outputs: Record<string, unknown>[], execution_count: unknown,
 *   metadata: Record<string, unknown>}[], metadata: Record<string, unknown>}}
 */
export function readNotebook(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

/**
 * Starts `npm run lessons -- ARGS` without the set-up before it.
 * @param {readonly string[]} args
 */
export function lessons(args) {
  const script = path.join(root, 'misc', 'commands', 'lessons.mjs');
  const env = {...process.env, LATENT_PROFILE: ''};
  const child = spawn(process.execPath, [script, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => (output += text));
  }
  /** @type {Promise<{code: number | null, output: string}>} */
  const ended = new Promise(resolve => child.on('close', code => resolve({code, output})));
  return {child, ended};
}

/** A cell that leaves its kernel's process id in a file and then waits. */
export const LINGER = `require('node:fs').writeFileSync('kernel.pid', String(process.pid));
await new Promise(done => setTimeout(done, 120_000));`;

/**
 * @param {() => boolean} condition
 * @param {number} [seconds]
 */
export async function until(condition, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${seconds} s for ${condition}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/** @param {number} pid */
export function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
