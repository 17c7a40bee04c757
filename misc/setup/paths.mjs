/**
 * Where things lie in the clone. Everything that the set-up makes is inside it.
 */
import path from 'node:path';
import {fileURLToPath} from 'node:url';

/** The clone's folder. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** What the set-up remembers: state, stamps, logs, JupyterLab's settings. Git ignores it. */
export const setUpFolder = path.join(root, '.set-up');

/** The Python virtual environment. */
export const venv = path.join(root, '.venv');

/**
 * The path of a command in the virtual environment, whether or not it exists.
 * @param {string} name such as 'jupyter'
 * @returns {string}
 */
export function venvBin(name) {
  return process.platform === 'win32'
    ? path.join(venv, 'Scripts', `${name}.exe`)
    : path.join(venv, 'bin', name);
}

/** The virtual environment's Python. `venvPython -m jupyter …` works wherever the clone lies. */
export const venvPython = venvBin('python');

/** The launcher that the kernelspec `tslab` starts. */
export const kernelEntry = path.join(root, 'misc', 'kernel', 'kernel.cjs');

/** The TypeScript compiler of this project (node_modules/.bin/tsc is tslab's older one). */
export const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
