/**
 * What is set up, and what was skipped and why. The set-up writes it, the commands read it.
 */
import fs from 'node:fs';
import path from 'node:path';
import {setUpFolder} from './paths.mjs';

/**
 * How one step of the set-up ended.
 * @typedef {object} StepState
 * @property {boolean} ok
 * @property {string} detail what there is ("TensorFlow 2.21.0 (tensorflow-cpu)"), or why there is nothing
 * @property {string} [remedy] the command that mends it, when not ok
 */

/** The steps in the order in which they run. */
export const STEPS = /** @type {const} */ ([
  'node',
  'packages',
  'python',
  'venv',
  'tensorflow',
  'addon',
  'kernelspec',
  'library',
]);

/** @typedef {typeof STEPS[number]} StepName */
/** @typedef {Record<StepName, StepState>} SetUpState */

/**
 * The file that holds the state, for a clone in `folder`.
 * @param {string} [folder]
 */
export const stateFile = (folder = setUpFolder) => path.join(folder, 'state.json');

/**
 * Reads what the last set-up left.
 * @param {string} [folder] the folder .set-up
 * @returns {SetUpState | undefined} undefined when no set-up has ended yet
 */
export function readState(folder = setUpFolder) {
  try {
    const state = JSON.parse(fs.readFileSync(stateFile(folder), 'utf8'));
    return STEPS.every(name => typeof state[name]?.ok === 'boolean') ? state : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Writes the state whole.
 * @param {SetUpState} state
 * @param {string} [folder] the folder .set-up
 */
export function writeState(state, folder = setUpFolder) {
  fs.mkdirSync(folder, {recursive: true});
  const draft = `${stateFile(folder)}.${process.pid}`;
  fs.writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`);
  fs.renameSync(draft, stateFile(folder));
}

/**
 * The steps that did not succeed, in order.
 * @param {SetUpState} state
 * @returns {(StepState & {name: StepName})[]}
 */
export function skippedSteps(state) {
  return STEPS.filter(name => !state[name].ok).map(name => ({name, ...state[name]}));
}
