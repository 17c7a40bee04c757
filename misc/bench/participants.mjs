/**
 * Who takes part in the bench of a model: we, compiled and eager, and the Python originals.
 */
import path from 'node:path';
import {root} from '../setup/paths.mjs';
import {Runner} from './runner.mjs';

/**
 * @typedef {object} Participant
 * @property {string} label e.g. 'Keras'
 * @property {'ours' | 'eager' | 'keras' | 'torch' | 'jax'} kind
 * @property {boolean} slow takes minutes to compile, or is no default: only with --all
 * @property {(data: string) => Runner} start
 */

/** The models, in the order of the lessons, and which originals there are of each. */
const ORIGINALS = /** @type {const} */ ({
  'dense-vae': ['keras', 'torch', 'jax'],
  'sinusoid-autoencoder': ['keras', 'torch', 'jax'],
  hypernetwork: ['keras', 'torch', 'jax'],
  'bart-vae': ['torch'],
  'transformer-vae': ['keras', 'torch'],
});

/** @typedef {keyof typeof ORIGINALS} ModelName */

/** The originals that can start from our weights; those of the others have golden values. */
export const CHECKED = /** @type {Partial<Record<ModelName, readonly string[]>>} */ ({
  'bart-vae': ['torch'],
  'transformer-vae': ['keras', 'torch'],
});

export const MODELS = /** @type {ModelName[]} */ (Object.keys(ORIGINALS));

/**
 * The participants for a model; without Python only ours.
 * @param {ModelName} model
 * @param {string | undefined} python
 * @returns {Participant[]}
 */
export function participants(model, python) {
  const ours = [mine(model, 'compiled'), mine(model, 'eager')];
  if (python === undefined) return ours;
  /** @type {(kind: Participant['kind'], label: string, args?: readonly string[], slow?: boolean) => Participant} */
  const peer = (kind, label, args = [], slow = false) => {
    const script = path.join(peersFolder, `${kind}_${model.replaceAll('-', '_')}.py`);
    return {
      label,
      kind,
      slow,
      start: data => new Runner(`${label}, ${model}`, python, [script, data, ...args], process.env),
    };
  };
  const peers = [
    peer('keras', 'Keras'),
    peer('keras', 'Keras, XLA', ['--mode', 'xla'], true),
    peer('torch', 'PyTorch'),
    peer('torch', 'PyTorch, fused Adam', ['--adam', 'fused']),
    peer('torch', 'PyTorch, compiled', ['--mode', 'compile', '--adam', 'fused'], true),
    peer('jax', 'JAX'),
  ];
  /** @type {readonly string[]} */
  const there = ORIGINALS[model];
  return [...ours, ...peers.filter(({kind}) => there.includes(kind))];
}

/** @type {(model: string, mode: 'compiled' | 'eager') => Participant} */
function mine(model, mode) {
  const script = path.join(root, 'misc', 'bench', 'ours.mjs');
  return {
    label: mode === 'compiled' ? 'ours' : 'ours, eager',
    kind: mode === 'compiled' ? 'ours' : 'eager',
    slow: false,
    start: data =>
      new Runner(
        `ours, ${mode}, ${model}`,
        process.execPath,
        [script, model, data, mode],
        process.env,
      ),
  };
}

const peersFolder = path.join(root, 'misc', 'reference', 'peers');
