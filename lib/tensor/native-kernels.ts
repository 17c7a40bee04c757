/**
 * The project's own TensorFlow kernels, where the set-up has compiled them: misc/native/kernels.cc.
 * Source: TensorFlow's guide to custom ops.   Lesson: none.
 *
 * They make compiled training steps faster and change nothing else. LATENT_KERNELS=0 does without.
 */
import fs from 'node:fs';
import path from 'node:path';
import {nativeBackend} from './native-backend';

/** What this library expects; a file that was built from another source says another number. */
const VERSION = 1;

let loaded: boolean | undefined;

/** Whether graphs may use LatentAdam and LatentAdamProduct. They run on the processor, not on a GPU. */
export function hasNativeKernels(): boolean {
  loaded ??= load();
  return loaded;
}

function load(): boolean {
  const backend = nativeBackend();
  if (backend === undefined || backend.isUsingGpuDevice) return false;
  if (process.env['LATENT_KERNELS'] === '0') return false;
  const folder = path.dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  const file = path.join(folder, 'lib', 'napi-v8', 'latent_kernels.node');
  if (!fs.existsSync(file)) return false;
  const addon = {exports: {} as {version?: number}};
  try {
    process.dlopen(addon, file);
  } catch {
    return false; // built for another TensorFlow: its own kernels do
  }
  return addon.exports.version === VERSION;
}
