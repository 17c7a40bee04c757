/**
 * Where the project's own TensorFlow kernels stand, and what they are good for on this processor. Asked
 * before TensorFlow is loaded, too, so nothing here needs it.
 * Source: misc/native, misc/setup/kernels.mjs.   Lesson: none.
 */
import fs from 'node:fs';
import path from 'node:path';

const PREFIX = 'latent-kernels-';

/** Where the set-up puts the kernels for a version of TensorFlow. */
export function kernelFile(tensorFlow: string): string {
  return path.join(kernelFolder(), `${PREFIX}${tensorFlow}.node`);
}

/** Whether there are kernels for some TensorFlow, and they are wanted. */
export function mayUseKernels(): boolean {
  if (process.env['LATENT_KERNELS'] === '0') return false;
  const folder = kernelFolder();
  return fs.existsSync(folder) && fs.readdirSync(folder).some(name => name.startsWith(PREFIX));
}

/**
 * Whether our products of matrices are faster here than TensorFlow's. They have loops for AVX2, and none for
 * AVX-512, which oneDNN has; and for no other family of processors were they measured.
 * @param processors what the system says of its processors
 */
export function suitsOwnProducts(processors = readProcessors()): boolean {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(processors)?.[1]?.split(' '));
  return flags.has('avx2') && flags.has('fma') && !flags.has('avx512f');
}

function kernelFolder(): string {
  const folder = path.dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  return path.join(folder, 'lib', 'napi-v8');
}

function readProcessors(): string {
  const file = '/proc/cpuinfo';
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
}
