/**
 * The project's own TensorFlow kernels, where the set-up has compiled them: misc/native/kernels.cc.
 * Source: TensorFlow's guide to custom ops.   Lesson: none.
 *
 * They make compiled training steps faster and change nothing else. LATENT_KERNELS=0 does without.
 */
import fs from 'node:fs';
import os from 'node:os';
import {kernelFile, suitsOwnProducts} from './kernel-files';
import {nativeBackend} from './native-backend';

/** What this library expects; a file that was built from another source says another number. */
const VERSION = 6;

/** Whether graphs may use the kernels, and if not, why. */
export interface KernelReport {
  readonly used: boolean;
  /** Whether graphs use their products of matrices, too: where they are faster than TensorFlow's. */
  readonly multiplies: boolean;
  /** Empty where they are used. */
  readonly why: string;
}

let loaded: KernelReport | undefined;

/**
 * Whether a graph that is recorded now may use them. They run on the processor, not on a GPU. A graph
 * that was recorded before keeps the kernels that it has.
 */
export function nativeKernels(): KernelReport {
  const backend = nativeBackend();
  if (backend === undefined) return without('the backend is not native TensorFlow');
  if (backend.isUsingGpuDevice) return without('they are not for a GPU');
  if (process.env['LATENT_KERNELS'] === '0') return without('LATENT_KERNELS is 0');
  loaded ??= loadKernels(kernelFile(backend.binding.TF_Version));
  return loaded;
}

/**
 * Loads a file of kernels; nothing happens where it does not suit.
 * @param version which one is wanted
 */
export function loadKernels(file: string, version = VERSION): KernelReport {
  if (!fs.existsSync(file)) return without('they are not built');
  const addon = {exports: {} as {version?: number}};
  try {
    // All symbols now: one that is missing later would end the process.
    process.dlopen(addon, file, os.constants.dlopen.RTLD_NOW);
  } catch (error) {
    return without(`they do not load: ${error instanceof Error ? error.message : String(error)}`);
  }
  const got = addon.exports.version;
  if (got !== version) return without(`they are version ${got}, expected ${version}`);
  return {used: true, multiplies: multipliesHere(), why: ''};
}

/** They share their work with one more thread, so another op beside them would be in their way. */
function multipliesHere(): boolean {
  return suitsOwnProducts() && process.env['TF_NUM_INTEROP_THREADS'] === '-1';
}

function without(why: string): KernelReport {
  return {used: false, multiplies: false, why};
}
