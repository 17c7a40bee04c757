/**
 * TensorFlow.js on the best backend that this machine has, chosen once, when this file is first imported.
 * Order: native TensorFlow (tfjs-node-gpu), WebAssembly, plain JavaScript.   Lesson: notebooks/00-orientation.
 */
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import {mayUseKernels, suitsOwnProducts} from './kernel-files';
import {startWasm} from './wasm';

export {tf};

/** The backends in order of preference; the variable LATENT_BACKEND names one to use instead. */
export const BACKENDS = ['tensorflow', 'wasm', 'cpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** Which backend was taken, and why not a better one. */
export interface BackendReport {
  readonly name: BackendName;
  /** What runs the kernels, with its version, e.g. 'TensorFlow 2.21.0 on CPU'. */
  readonly engine: string;
  readonly gpu: boolean;
  /** Why each better backend was not taken. */
  readonly passedOver: readonly {readonly name: BackendName; readonly why: string}[];
}

const candidates = wantedBackends(process.env['LATENT_BACKEND']);
const nativeFailure = candidates.includes('tensorflow') ? loadNative() : undefined;
let settled: Promise<BackendReport> | undefined;

/**
 * Waits until the backend can compute, and says which it is. Await it before the first tensor.
 * @throws Error when no wanted backend starts
 */
export function ready(): Promise<BackendReport> {
  settled ??= settle();
  return settled;
}

/** One line for a lesson's first cell: 'TensorFlow 2.21.0 on CPU (tfjs 4.22.0, Node 22.1.0)'. */
export async function describeBackend(): Promise<string> {
  const {engine, passedOver} = await ready();
  const reasons = passedOver.map(({name, why}) => ` Not ${name}: ${why.split('\n')[0] ?? ''}`);
  return `${engine} (tfjs ${tf.version.tfjs}, Node ${process.versions.node}).${reasons.join('')}`;
}

async function settle(): Promise<BackendReport> {
  const passedOver: {name: BackendName; why: string}[] = [];
  for (const name of candidates) {
    try {
      const engine = await start(name);
      return {name, engine, gpu: engine.endsWith('GPU'), passedOver};
    } catch (error) {
      passedOver.push({name, why: error instanceof Error ? error.message : String(error)});
    }
  }
  const reasons = passedOver.map(({name, why}) => `  ${name}: ${why}`).join('\n');
  throw new Error(`No backend starts. Run \`npm run doctor\`.\n${reasons}`);
}

async function start(name: BackendName): Promise<string> {
  if (name === 'tensorflow') {
    if (nativeFailure !== undefined) throw nativeFailure;
    const {binding, isUsingGpuDevice} = tf.backend() as tf.KernelBackend & {
      binding: {TF_Version: string};
      isUsingGpuDevice: boolean;
    };
    return `TensorFlow ${binding.TF_Version} on ${isUsingGpuDevice ? 'GPU' : 'CPU'}`;
  }
  tf.env().set('PROD', true); // or tfjs prints an advertisement for its native backend
  if (name === 'wasm') return startWasm();
  if (!(await tf.setBackend('cpu'))) throw new Error('the plain JavaScript backend does not start');
  return 'plain JavaScript';
}

function wantedBackends(forced: string | undefined): readonly BackendName[] {
  if (forced === undefined || forced === '') return BACKENDS;
  const known = BACKENDS.find(name => name === forced);
  if (known === undefined) {
    throw new RangeError(`LATENT_BACKEND is "${forced}", expected one of ${BACKENDS.join(', ')}.`);
  }
  return [known];
}

/**
 * Loads the native addon, which registers itself as the backend; returns why it could not.
 *
 * Porting note: tfjs-node 4.22 calls two functions that Node 23 removed from util, and TensorFlow
 * reads its environment once, when it is loaded, so both are prepared here. Measured with
 * `npm run bench` on two cores: small kernels are fastest on one thread and without oneDNN, large
 * matrix products, those of transformers, on two (LATENT_THREADS=2) and with it. Our own kernels call a
 * second core by themselves, so that where they multiply, two means TensorFlow's one and theirs. On
 * one a graph runs in the calling thread, which −1 means, in half the overhead.
 */
function loadNative(): Error | undefined {
  const legacy = util as unknown as Record<string, unknown>;
  legacy['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  legacy['isArray'] ??= Array.isArray;
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  try {
    const asked = process.env['LATENT_THREADS'] ?? '1';
    const threads = asked === '2' && mayUseKernels() && suitsOwnProducts() ? '1' : asked;
    process.env['TF_ENABLE_ONEDNN_OPTS'] ??= asked === '1' ? '0' : '1';
    process.env['TF_NUM_INTRAOP_THREADS'] ??= threads;
    process.env['TF_NUM_INTEROP_THREADS'] ??= threads === '1' ? '-1' : threads;
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- only here, and only if it can
    require('@tensorflow/tfjs-node-gpu');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
