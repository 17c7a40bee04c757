/**
 * Step 4: the virtual environment with JupyterLab and what executes and compares notebooks.
 */
import fs from 'node:fs';
import {logFile} from './context.mjs';
import {askIndex, pipInstall} from './pip.mjs';
import {cleanEnvironment} from './python.mjs';
import {installCommand} from './remedies.mjs';
import {tail} from './run.mjs';
import {agrees, hashFiles, readStamp, removeStamp, writeStamp} from './stamp.mjs';

/** @typedef {import('./context.mjs').Context} Context */
/** @typedef {import('./context.mjs').StepState} StepState */

/**
 * What is already there, as its stamp says; the environment holds its own path, so a clone that was
 * moved needs a new one.
 * @param {Context} context
 * @returns {{python: StepState, venv: StepState} | undefined}
 */
export function existingVenv({places}) {
  const stamp = readStamp(places.setUpFolder, 'venv');
  const wanted = {requirements: hashFiles([places.requirements]), location: places.root};
  if (!agrees(stamp, wanted) || !fs.existsSync(places.venvPython)) return undefined;
  return {
    python: {ok: true, detail: `Python ${stamp['python']}`},
    venv: {ok: true, detail: stamp['detail'] ?? ''},
  };
}

/**
 * Makes the environment anew: what an interrupted set-up left cannot be trusted.
 * @param {Context} context
 * @param {import('./python.mjs').Python} python
 * @returns {Promise<StepState>}
 */
export async function makeVenv(context, python) {
  const {places, progress} = context;
  const stamp = readStamp(places.setUpFolder, 'venv');
  const usable =
    agrees(stamp, {location: places.root, python: python.version}) &&
    fs.existsSync(places.venvPython);
  removeStamp(places.setUpFolder, 'venv');
  const line = progress.begin(`JupyterLab in .venv (Python ${python.version})`);
  const failure =
    (usable ? undefined : await create(context, python)) ??
    (await askIndex(context)) ??
    (await pipInstall(context, ['-r', places.requirements]));
  if (failure !== undefined) {
    line.failed(failure);
    return failure;
  }
  line.done();
  const pins = fs.readFileSync(places.requirements, 'utf8');
  const detail = [...pins.matchAll(/^(jupyterlab|nbval|pytest)==(\S+)/gm)]
    .map(([, name, version]) => `${name} ${version}`)
    .join(', ');
  writeStamp(places.setUpFolder, 'venv', {
    requirements: hashFiles([places.requirements]),
    location: places.root,
    python: python.version,
    detail,
  });
  return {ok: true, detail};
}

/**
 * @param {Context} context
 * @param {import('./python.mjs').Python} python
 * @returns {Promise<StepState | undefined>} why it failed
 */
async function create(context, python) {
  const {places, run, env} = context;
  removeStamp(places.setUpFolder, 'tensorflow');
  fs.rmSync(places.venv, {recursive: true, force: true, maxRetries: 3});
  const ended = await run(python.executable, ['-m', 'venv', places.venv], {
    cwd: places.root,
    env: cleanEnvironment(env),
    log: logFile(context, 'python'),
  });
  if (ended.code === 0) return undefined;
  const line = python.version.split('.').slice(0, 2).join('.');
  return {
    ok: false,
    detail: `python -m venv failed:\n${tail(ended.output, 3)}`,
    remedy: installCommand('venv', context, line),
  };
}
