/**
 * The WebAssembly backend, with the kernels that it lacks lent by the plain JavaScript backend.
 * Source: the kernel registry of tfjs-core.   Lesson: none; notebooks/00-orientation names the backends.
 */
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {setWasmPaths} from '@tensorflow/tfjs-backend-wasm';
import type {MathBackendCPU} from '@tensorflow/tfjs-backend-cpu';

/** What gradients need and the WebAssembly backend does not have: gather's, convolution's, einsum. */
const LENT = [
  'Conv2DBackpropFilter',
  'DepthwiseConv2dNativeBackpropFilter',
  'DepthwiseConv2dNativeBackpropInput',
  'Einsum',
  'UnsortedSegmentSum',
];

/** The side of a WebAssembly backend that a lent kernel writes to. */
interface WasmBackend extends tf.KernelBackend {
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array | Int32Array | Uint8Array;
}

/**
 * Starts the backend 'wasm' and lends it what training needs.
 * @returns what runs the kernels, for the report
 * @throws Error when WebAssembly does not start
 */
export async function startWasm(): Promise<string> {
  const folder = path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm'));
  setWasmPaths(`${folder}${path.sep}`);
  if (!(await tf.setBackend('wasm'))) throw new Error('the WebAssembly backend does not start');
  await tf.ready();
  const own = new Set(tf.getKernelsForBackend('wasm').map(({kernelName}) => kernelName));
  const missing = LENT.filter(name => !own.has(name));
  for (const name of missing) lend(name);
  return `WebAssembly (${missing.length} kernels lent by plain JavaScript)`;
}

/** Registers a kernel that copies its inputs out, runs the JavaScript kernel, and copies back. */
function lend(kernelName: string): void {
  const {kernelFunc} = tf.getKernel(kernelName, 'cpu');
  tf.registerKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({inputs, backend, attrs}) => {
      const wasm = backend as WasmBackend;
      const cpu = tf.findBackend('cpu') as MathBackendCPU;
      const copies: tf.NamedTensorInfoMap = {};
      for (const [name, info] of Object.entries(inputs)) {
        if (info === undefined) continue;
        const values = wasm.readSync(info.dataId) as tf.backend_util.TypedArray;
        copies[name] = cpu.makeTensorInfo(info.shape, info.dtype, values);
      }
      const result = kernelFunc({
        inputs: copies,
        backend: cpu,
        ...(attrs === undefined ? {} : {attrs}),
      });
      const output = Array.isArray(result) ? result[0] : result;
      if (output === undefined) throw new Error(`${kernelName}: the lent kernel gave no tensor.`);
      const back = wasm.makeOutput(output.shape, output.dtype);
      wasm.typedArrayFromHeap(back).set(cpu.readSync(output.dataId) as Float32Array);
      for (const info of [...Object.values(copies), output]) {
        if (info !== undefined) cpu.disposeIntermediateTensorInfo(info);
      }
      return back;
    },
  });
}
