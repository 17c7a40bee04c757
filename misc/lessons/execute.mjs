/**
 * Executes one lesson in a process of its own (run_lesson.py), which nothing outlives.
 */
import {spawn} from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import {root, venvPython} from '../setup/paths.mjs';
import {jupyterEnvironment} from '../setup/jupyter.mjs';

export const OUTPUT = path.join(root, 'build', 'lessons');

/** What the runner gets beyond a cell's own time limit to end in order, in seconds. */
const PATIENCE = 180;
const KILL_MS = 8000;

/**
 * @typedef {{event: 'start', cells: number}
 *   | {event: 'cell', number: number, source: string}
 *   | {event: 'executed', number: number, seconds: number}
 *   | {event: 'end', failure: string | null, peak: number, stored: boolean}} Event
 */

/**
 * @typedef {object} Outcome
 * @property {number} cells
 * @property {number} seconds
 * @property {number} peak bytes, of the kernel
 * @property {string | null} failure
 * @property {boolean} stored
 */

/**
 * @typedef {object} Options
 * @property {string} profile
 * @property {number} timeout seconds a cell
 * @property {boolean} store
 * @property {string} [output]
 * @property {AbortSignal} signal ends the run; the promise rejects when all is cleaned up
 * @property {(event: Event) => void} onEvent
 */

/**
 * @param {string} notebook
 * @param {Options} options
 * @returns {Promise<Outcome>}
 */
export async function executeLesson(notebook, options) {
  const {profile, timeout, store, output = OUTPUT, signal, onEvent} = options;
  const script = path.join(root, 'misc', 'lessons', 'run_lesson.py');
  const args = [script, notebook, '--out', output, '--timeout', String(timeout)];
  const start = performance.now();
  // Its own process group, so that all of it can be ended at once.
  const child = spawn(venvPython, store ? [...args, '--store'] : args, {
    env: {...jupyterEnvironment(), LATENT_PROFILE: profile, PYTHONDONTWRITEBYTECODE: '1'},
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const stop = endInOrder(child);
  signal.addEventListener('abort', stop);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', text => (stderr += text));
  let cells = 0;
  /** @type {Extract<Event, {event: 'end'}> | undefined} */
  let end;
  let watchdog = setTimeout(stop, (timeout + PATIENCE) * 1000);
  for await (const line of readline.createInterface({input: child.stdout})) {
    if (!line.startsWith('{')) continue;
    const event = /** @type {Event} */ (JSON.parse(line));
    if (event.event === 'start') cells = event.cells;
    if (event.event === 'end') end = event;
    clearTimeout(watchdog);
    watchdog = setTimeout(stop, (timeout + PATIENCE) * 1000);
    onEvent(event);
  }
  await closed(child);
  clearTimeout(watchdog);
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  const seconds = (performance.now() - start) / 1000;
  const broken = `the runner ended without a result\n${stderr.trimEnd().split('\n').slice(-8).join('\n')}`;
  return {
    cells,
    seconds,
    peak: end?.peak ?? 0,
    failure: end === undefined ? broken : end.failure,
    stored: end?.stored ?? false,
  };
}

/**
 * Asks a process group to end, and ends it when it has not done so after a while. A kernel is in no
 * group of ours: nbclient ends it when asked, and it ends by itself when nbclient is gone.
 * @param {import('node:child_process').ChildProcess} child
 * @returns {() => void}
 */
export function endInOrder(child) {
  return () => {
    killGroup(child, 'SIGTERM');
    setTimeout(() => killGroup(child, 'SIGKILL'), KILL_MS).unref();
  };
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function killGroup(child, signal) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}

/** @param {import('node:child_process').ChildProcess} child */
async function closed(child) {
  if (child.exitCode === null && child.signalCode === null) {
    await new Promise(resolve => child.once('close', resolve));
  }
}
