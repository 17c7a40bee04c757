/**
 * The inside of the native backend that graph recording stands on: its binding to TensorFlow's C API.
 * Source: tfjs-node 4.22, nodejs_kernel_backend.ts and binding/tfjs_backend.cc.   Lesson: none.
 */
import {tf} from './tf';

/** TensorFlow's numbers for the dtypes that tfjs has (tensorflow/core/framework/types.proto). */
export const DTYPE = {float32: 1, int32: 3, int64: 9, bool: 10} as const;

/** A tensor that TensorFlow holds: its handle's id, and what it is. */
export interface Handle {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** An attribute of an op as tfjs-node passes it. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** The native functions; ids count up and are never given twice. */
export interface Binding {
  createTensor(shape: number[], dtype: number, values: ArrayBufferView): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array;
  executeOp(name: string, attributes: OpAttribute[], inputs: number[], outputs: number): Handle[];
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(session: number): void;
  runSavedModel(session: number, inputs: number[], feeds: string, fetches: string): Handle[];
  getNumOfSavedModels(): number;
  getNumOfTensors(): number;
  readonly TF_Version: string;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
}

/** What the backend keeps for a dataId: values not yet uploaded, or the id of a handle. */
export interface TensorEntry {
  readonly shape: number[];
  readonly dtype: number;
  values: tf.backend_util.BackendValues | null;
  id: number;
  refCount: number;
}

/** The backend 'tensorflow'. */
export interface NativeBackend extends tf.KernelBackend {
  binding: Binding;
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: {
    get(dataId: object): TensorEntry;
    set(dataId: object, entry: TensorEntry): void;
    has(dataId: object): boolean;
  };
  /** The handles of tensors; uploads values that still wait in JavaScript. */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  /** A tfjs tensor that owns the handle. */
  createOutputTensor(handle: Handle): tf.Tensor;
  executeSingleOutput(
    name: string,
    attributes: OpAttribute[],
    inputs: readonly tf.TensorInfo[],
  ): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: OpAttribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
}

/** The native backend, or undefined where another one computes. */
export function nativeBackend(): NativeBackend | undefined {
  const backend = tf.backend() as Partial<NativeBackend> & tf.KernelBackend;
  return backend.binding === undefined ? undefined : (backend as NativeBackend);
}

/** TensorFlow's number for a tfjs dtype. @throws TypeError for strings and complex numbers */
export function dtypeNumber(dtype: tf.DataType): number {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return DTYPE[dtype];
  throw new TypeError(`A graph holds float32, int32 and bool; got a tensor of ${dtype}.`);
}
