/**
 * Calls of the project's own TensorFlow kernels, in graphs that are being recorded.
 * Source: misc/native.   Lesson: none.
 *
 * Run eagerly, layers are made of TensorFlow's ops everywhere: what a kernel gives is held against them.
 */
import {isRecording} from './graph-recorder';
import {nativeBackend} from './native-backend';
import {nativeKernels} from './native-kernels';
import type {tf} from './tf';

/** Calls the kernel of that name; the caller disposes its outputs. */
export type KernelCall = (
  name: string,
  inputs: readonly tf.Tensor[],
  outputs: number,
) => tf.Tensor[];

/** How to call our kernels here: only while a graph is recorded, and where they are built. */
export function ownKernels(): KernelCall | undefined {
  const backend = isRecording() && nativeKernels().used ? nativeBackend() : undefined;
  if (backend === undefined) return undefined;
  return (name, inputs, outputs) => backend.executeMultipleOutputs(name, [], inputs, outputs);
}
