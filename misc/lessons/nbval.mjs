/**
 * Executes the lessons with nbval and compares the outputs of their marked cells with the stored ones.
 */
import {spawn} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {jupyterEnvironment} from '../setup/jupyter.mjs';
import {root, venvPython} from '../setup/paths.mjs';
import {endInOrder} from './execute.mjs';
import {findLessons} from './names.mjs';

const HERE = path.join(root, 'misc', 'lessons');
const FOLDER = path.join(root, 'build', 'nbval');
const CELL_SECONDS = 300;
/** Beyond a cell's own limit: for starting a kernel, and for nbval to end one that hangs. */
const PATIENCE = 180;

/**
 * @typedef {object} Result
 * @property {boolean} ok
 * @property {string} summary '46 cells passed, 1 failed in 62.1 s'
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {string[]} details what is wrong, a text for each failed cell
 * @property {string[]} skips
 */

/** @typedef {{name: string, outcome: 'passed' | 'failed' | 'skipped', text: string, seconds: number}} Report */

/**
 * @param {object} options
 * @param {string} options.profile
 * @param {readonly string[]} options.lessons names; none means all. Solutions go with their lesson
 * @param {number} [options.cellSeconds] how long one cell may take
 * @param {string} [options.folder] where the notebooks lie
 * @param {(line: string) => void} [options.say] takes a line for each notebook as it begins
 * @returns {Promise<Result>}
 */
export async function runNbval(options) {
  const {profile, lessons, cellSeconds = CELL_SECONDS, folder, say = () => {}} = options;
  const where = folder === undefined ? {} : {folder};
  const notebooks = findLessons(lessons, {solutions: true, ...where});
  if (notebooks.length === 0) throw new Error('There is no lesson to execute.');
  fs.mkdirSync(FOLDER, {recursive: true});
  const file = fs.mkdtempSync(path.join(FOLDER, 'run-')) + '/report.jsonl';
  fs.writeFileSync(file, '');
  const start = performance.now();
  const {code, output, silent} = await runPytest(notebooks, {profile, cellSeconds, file, say});
  const reports = readReports(file);
  fs.rmSync(path.dirname(file), {recursive: true, force: true});

  const of = (/** @type {Report['outcome']} */ outcome) =>
    reports.filter(report => report.outcome === outcome);
  const details = of('failed').map(({name, text}) => `${name}\n${text}`);
  if (silent) details.push(`ended: nothing happened for ${cellSeconds + PATIENCE} s\n${output}`);
  else if (code !== 0 && details.length === 0) details.push(`pytest ended with ${code}\n${output}`);
  const [passed, failed, skipped] = [of('passed').length, details.length, of('skipped').length];
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const skips = of('skipped').map(({name}) => `${name}: not compared`);
  const summary = `${passed} cells passed, ${failed} failed in ${seconds} s`;
  return {ok: failed === 0, summary, passed, failed, skipped, details, skips};
}

/**
 * @param {readonly string[]} notebooks
 * @param {{profile: string, cellSeconds: number, file: string, say: (line: string) => void}} options
 * @returns {Promise<{code: number | null, output: string, silent: boolean}>}
 */
function runPytest(notebooks, {profile, cellSeconds, file, say}) {
  const args = [
    ...['-m', 'pytest', '-p', 'no:cacheprovider', '-p', 'nbval_lessons', '--color=no', '-q'],
    ...['--nbval-lax', `--nbval-cell-timeout=${cellSeconds}`],
    ...['--nbval-kernel-startup-timeout=120', `--rootdir=${root}`],
    `--nbval-sanitize-with=${path.join(HERE, 'nbval-sanitize.cfg')}`,
    ...notebooks,
  ];
  const environment = {
    ...jupyterEnvironment(),
    LATENT_PROFILE: profile,
    LATENT_NBVAL_REPORT: file,
    PYTHONPATH: HERE,
    PYTHONDONTWRITEBYTECODE: '1',
  };
  return new Promise((resolve, reject) => {
    const child = spawn(venvPython, args, {
      cwd: root,
      env: environment,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true, // a group of its own, so that all of it can be ended at once
    });
    const stop = endInOrder(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', text => (output = (output + text).slice(-4000)));
    }
    let silent = false;
    let [seen, lastChange, told] = [0, Date.now(), ''];
    const watch = setInterval(() => {
      const reports = readReports(file);
      const notebook = reports.at(-1)?.name.split('::')[0] ?? '';
      if (notebook !== told) say(`  ${(told = notebook)}`);
      if (reports.length > seen) [seen, lastChange] = [reports.length, Date.now()];
      if (Date.now() - lastChange <= (cellSeconds + PATIENCE) * 1000) return;
      silent = true;
      stop();
    }, 500);
    child.on('error', error => {
      clearInterval(watch);
      reject(error);
    });
    child.on('close', code => {
      clearInterval(watch);
      resolve({code, output, silent});
    });
  });
}

/**
 * @param {string} file
 * @returns {Report[]}
 */
function readReports(file) {
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  return lines.slice(0, -1).map(line => /** @type {Report} */ (JSON.parse(line)));
}
