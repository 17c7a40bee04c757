/**
 * What a step of the set-up works with: the places, the machine, and how to run a command and say so.
 * The tests give the steps a machine of their own making.
 */
import path from 'node:path';
import {places as realPlaces} from './paths.mjs';
import {Progress} from './progress.mjs';
import {run} from './run.mjs';

/**
 * @typedef {object} Context
 * @property {import('./paths.mjs').Places} places
 * @property {NodeJS.Platform} platform
 * @property {string} arch
 * @property {boolean} musl whether the C library is musl, for which TensorFlow has no wheels
 * @property {NodeJS.ProcessEnv} env
 * @property {{version: string, abi: string, execPath: string}} node
 * @property {import('./run.mjs').Run} run
 * @property {Progress} progress
 * @property {{bytes: number}} downloads what the steps have fetched
 * @property {'cpu' | 'gpu' | undefined} device asked for on the command line
 */

/** @typedef {import('./state.mjs').StepState} StepState */

/**
 * @param {Partial<Context>} [own] what differs from this machine
 * @returns {Context}
 */
export function context(own = {}) {
  return {
    places: realPlaces,
    platform: process.platform,
    arch: process.arch,
    musl: process.platform === 'linux' && usesMusl(),
    env: process.env,
    node: {
      version: process.versions.node,
      abi: process.versions.modules,
      execPath: process.execPath,
    },
    run,
    progress: new Progress(),
    downloads: {bytes: 0},
    device: undefined,
    ...own,
  };
}

/**
 * The file that keeps what a step's commands said.
 * @param {Context} context
 * @param {string} step
 */
export function logFile({places}, step) {
  return path.join(places.setUpFolder, 'logs', `${step}.log`);
}

function usesMusl() {
  const report = /** @type {{header?: {glibcVersionRuntime?: string}} | undefined} */ (
    process.report?.getReport()
  );
  return report?.header?.glibcVersionRuntime === undefined;
}
