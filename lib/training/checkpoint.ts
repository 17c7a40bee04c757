/**
 * Checkpoints: weights, or a whole training's state, as a safetensors file that is written whole.
 * Source: https://github.com/huggingface/safetensors; Python reads these files too.   Lesson: notebooks/01-dense-vae.
 */
import {assignWeights, differences, type Weights} from '../layers/weights';
import {ShapeError, type NamedTensors} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {readSafetensors, writeSafetensors, type NamedArray} from './safetensors';

/** Facts beside the tensors, as texts, e.g. {epoch: '3', seed: '42'}. */
export type Metadata = Readonly<Record<string, string>>;

/** What goes on after a stop: a training step has these two. */
export interface Resumable {
  /** Weights, optimizer and step count; the caller disposes. */
  state(): NamedTensors;
  restore(state: NamedTensors): void;
}

export interface Checkpoint {
  /** The caller disposes. */
  readonly tensors: NamedTensors;
  readonly metadata: Metadata;
}

/**
 * Writes tensors under their names. The file holds the old checkpoint or the new one, never a part.
 *
 *   saveCheckpoint('data/weights/dense-vae.safetensors', vae.weights, {seed: '42'});
 *
 * @throws Error naming the path when it cannot be written; TypeError for a dtype other than
 *   float32, int32 and bool
 */
export function saveCheckpoint(path: string, tensors: NamedTensors, metadata: Metadata = {}): void {
  const arrays = Object.entries(tensors).map(
    ([name, tensor]) => [name, toArray(name, tensor)] as const,
  );
  writeSafetensors(path, {tensors: Object.fromEntries(arrays), metadata});
}

/**
 * Reads a checkpoint as new tensors.
 * @throws SafetensorsError when the file is damaged; TypeError when it holds other numbers than ours
 */
export function loadCheckpoint(path: string): Checkpoint {
  const {tensors, metadata} = readSafetensors(path);
  const arrays = Object.entries(tensors).map(([name, array]) => {
    return [name, toTensor(`${path}: ${name}`, array)] as const;
  });
  return {tensors: Object.fromEntries(arrays), metadata};
}

/**
 * Sets weights to a checkpoint's. Nothing is set unless all fits.
 *
 *   loadWeights('data/weights/dense-vae.safetensors', vae.weights);
 *   loadWeights('build/run.safetensors', vae.weights, 'weight.');   // from a training's state
 *
 * @param prefix what the names in the file begin with; tensors without it are left alone
 * @returns the metadata
 * @throws ShapeError naming the file and every missing, unexpected and misshapen tensor
 */
export function loadWeights(path: string, weights: Weights, prefix = ''): Metadata {
  const {tensors, metadata} = loadCheckpoint(path);
  try {
    const own = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
    const values = Object.fromEntries(
      own.map(([name, value]) => [name.slice(prefix.length), value]),
    );
    const problems = differences(weights, values);
    if (problems.length > 0) {
      throw new ShapeError(
        `loadWeights: ${path} holds another model's weights. ${problems.join(' ')}`,
      );
    }
    assignWeights(weights, values);
    return metadata;
  } finally {
    tf.dispose({...tensors});
  }
}

/** Writes a training's whole state, so that `resumeTraining` goes on exactly from here. */
export function saveTraining(path: string, training: Resumable, metadata: Metadata = {}): void {
  const state = training.state();
  try {
    saveCheckpoint(path, state, metadata);
  } finally {
    tf.dispose({...state});
  }
}

/** Puts a training back where `saveTraining` found it. @returns the metadata */
export function resumeTraining(path: string, training: Resumable): Metadata {
  const {tensors, metadata} = loadCheckpoint(path);
  try {
    training.restore(tensors);
    return metadata;
  } finally {
    tf.dispose({...tensors});
  }
}

function toArray(name: string, tensor: tf.Tensor): NamedArray {
  const {dtype, shape} = tensor;
  switch (dtype) {
    case 'float32':
      return {dtype: 'F32', shape, data: tensor.dataSync<'float32'>()};
    case 'int32':
      return {dtype: 'I32', shape, data: tensor.dataSync<'int32'>()};
    case 'bool':
      return {dtype: 'BOOL', shape, data: Uint8Array.from(tensor.dataSync())};
    default:
      throw new TypeError(`saveCheckpoint: ${name} is ${dtype}, expected float32, int32 or bool.`);
  }
}

function toTensor(name: string, {dtype, shape, data}: NamedArray): tf.Tensor {
  const sizes = [...shape];
  switch (dtype) {
    case 'F32':
      return tf.tensor(data, sizes, 'float32');
    case 'I32':
      return tf.tensor(data, sizes, 'int32');
    case 'BOOL':
      return tf.tensor(data, sizes, 'bool');
    default:
      throw new TypeError(`loadCheckpoint: ${name} is ${dtype}, expected F32, I32 or BOOL.`);
  }
}
