/**
 * Where things lie in a clone. Everything that the set-up makes is inside it.
 */
import path from 'node:path';
import {fileURLToPath} from 'node:url';

/** @typedef {ReturnType<typeof placesIn>} Places */

/**
 * The places of the clone in a folder.
 * @param {string} root
 * @param {NodeJS.Platform} [platform]
 */
export function placesIn(root, platform = process.platform) {
  const windows = platform === 'win32';
  const venv = path.join(root, '.venv');
  const modules = path.join(root, 'node_modules');
  /** @param {string} name */
  const venvBin = name =>
    windows ? path.join(venv, 'Scripts', `${name}.exe`) : path.join(venv, 'bin', name);
  return {
    /** The clone's folder. */
    root,
    /** What the set-up remembers: state, stamps, logs, Jupyter's settings. Git ignores it. */
    setUpFolder: path.join(root, '.set-up'),
    modules,
    /** The Python virtual environment. */
    venv,
    /** The path of a command in the virtual environment, whether or not it exists. */
    venvBin,
    venvPython: venvBin('python'),
    requirements: path.join(root, 'requirements.txt'),
    /** The package whose addon binds Node to TensorFlow. */
    binding: path.join(modules, '@tensorflow', 'tfjs-node-gpu'),
    /** The kernelspec that JupyterLab finds in the virtual environment. */
    kernelspec: path.join(venv, 'share', 'jupyter', 'kernels', 'tslab'),
    /** The launcher that the kernelspec `tslab` starts. */
    kernelEntry: path.join(root, 'misc', 'kernel', 'kernel.cjs'),
    /** The TypeScript compiler of this project (node_modules/.bin/tsc is tslab's older one). */
    compiler: path.join(modules, 'typescript', 'bin', 'tsc'),
  };
}

/** The places of this clone. */
export const places = placesIn(
  path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..'),
);

/** `venvPython -m jupyter …` works wherever the clone lies. */
export const {root, setUpFolder, venv, venvBin, venvPython, kernelEntry, compiler} = places;
