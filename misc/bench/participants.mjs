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

/**
 * The models, in the order of the lessons: which originals there are of each, what ours is told about
 * threads, as in its lesson, and how many times as long Keras should take.
 */
const ABOUT = /** @type {const} */ ({
  'dense-vae': {peers: ['keras', 'torch', 'jax'], env: {}, bar: 2},
  'sinusoid-autoencoder': {peers: ['keras', 'torch', 'jax'], env: {}, bar: 2},
  hypernetwork: {peers: ['keras', 'torch', 'jax'], env: {}, bar: 2},
  'bart-vae': {peers: ['torch'], env: {LATENT_THREADS: '2'}, bar: 2},
  'transformer-vae': {peers: ['keras', 'torch'], env: {LATENT_THREADS: '2'}, bar: 1.5},
});

/** @typedef {keyof typeof ABOUT} ModelName */

/** The originals that can start from our weights; those of the others have golden values. */
export const CHECKED = /** @type {Partial<Record<ModelName, readonly string[]>>} */ ({
  'bart-vae': ['torch'],
  'transformer-vae': ['keras', 'torch'],
});

export const MODELS = /** @type {ModelName[]} */ (Object.keys(ABOUT));

/** As it was found: the library sets TensorFlow's variables in the process that loads it, for itself. */
const found = {...process.env};

/** How many times as long as ours Keras's step should take. @param {ModelName} model */
export const barOf = model => ABOUT[model].bar;

/**
 * The participants for a model; without Python only ours.
 * @param {ModelName} model
 * @param {string | undefined} python
 * @param {number} [threads] for everybody; left out, everybody has his own default
 * @returns {Participant[]}
 */
export function participants(model, python, threads) {
  const env = environmentOf(model, 'peers', threads);
  const own = environmentOf(model, 'ours', threads);
  const ours = [mine(model, 'compiled', own), mine(model, 'eager', own)];
  if (python === undefined) return ours;
  /** @type {(kind: Participant['kind'], label: string, args?: readonly string[], slow?: boolean) => Participant} */
  const peer = (kind, label, args = [], slow = false) => {
    const script = path.join(peersFolder, `${kind}_${model.replaceAll('-', '_')}.py`);
    return {
      label,
      kind,
      slow,
      start: data => new Runner(`${label}, ${model}`, python, [script, data, ...args], env),
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
  const there = ABOUT[model].peers;
  return [...ours, ...peers.filter(({kind}) => there.includes(kind))];
}

/**
 * A participant's environment, with the variables that tell TensorFlow, PyTorch and XLA how many threads
 * to use where a number is asked for.
 * @param {ModelName} model
 * @param {string} who 'ours', or anybody else
 * @param {number} [threads]
 * @returns {NodeJS.ProcessEnv}
 */
export function environmentOf(model, who, threads) {
  if (threads === undefined) {
    return {...(who === 'ours' ? ABOUT[model].env : {}), ...found};
  }
  const number = String(threads);
  return {
    ...found,
    LATENT_THREADS: number,
    TF_NUM_INTRAOP_THREADS: number,
    OMP_NUM_THREADS: number,
    XLA_FLAGS: `--xla_cpu_multi_thread_eigen=${threads > 1} intra_op_parallelism_threads=${number}`,
  };
}

/** @type {(model: string, mode: 'compiled' | 'eager', env: NodeJS.ProcessEnv) => Participant} */
function mine(model, mode, env) {
  const script = path.join(root, 'misc', 'bench', 'ours.mjs');
  return {
    label: mode === 'compiled' ? 'ours' : 'ours, eager',
    kind: mode === 'compiled' ? 'ours' : 'eager',
    slow: false,
    start: data =>
      new Runner(`ours, ${mode}, ${model}`, process.execPath, [script, model, data, mode], env),
  };
}

const peersFolder = path.join(root, 'misc', 'reference', 'peers');
