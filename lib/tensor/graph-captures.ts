/**
 * What a recorded function takes from outside without naming it as an input: variables, tensors, constants.
 * Source: the captures of tf.function's FuncGraph, tensorflow/python/framework/func_graph.py.   Lesson: none.
 */
import {createHash} from 'node:crypto';
import type {Graph} from './graph';
import {dtypeNumber, type Binding, type Handle, type NativeBackend} from './native-backend';
import type {tf} from './tf';

/** A tensor from outside that is fed at every run: a variable, or one too large for a constant. */
export interface Captured {
  readonly output: string;
  readonly handle: () => number;
  /** Tells two large tensors apart; '' for a variable. */
  readonly digest: string;
  readonly release: () => void;
}

/** Larger tensors from outside are fed at every run, which copies nothing, not written out. */
export const LARGEST_CONSTANT = 2 ** 20;

/** The captures of one recording. */
export class Captures {
  /** What is fed at every run, in the order of its capture. */
  readonly fed: Captured[] = [];
  private readonly bound = new Map<tf.Variable, string>();
  private readonly binding: Binding;

  constructor(
    private readonly backend: NativeBackend,
    private readonly graph: Graph,
  ) {
    this.binding = backend.binding;
  }

  /** Says which output of the graph holds a variable. */
  bind(variable: tf.Variable, output: string): void {
    this.bound.set(variable, output);
  }

  /** The output that holds a variable: the one it is bound to, or an input. */
  variable(variable: tf.Variable): string {
    const bound = this.bound.get(variable);
    if (bound !== undefined) return bound;
    const output = this.input(variable);
    const handle = () => this.backend.getInputTensorIds([variable])[0]!;
    this.fed.push({output, handle, digest: '', release: () => undefined});
    this.bound.set(variable, output);
    return output;
  }

  /**
   * The output that holds another tensor: a constant, or where it is large an input, or a Fill if all its
   * numbers are equal, such as the ones that gradients begin with.
   * @param id its handle
   */
  tensor(id: number, tensor: tf.TensorInfo): string {
    const bytes = bytesOf(this.binding.tensorDataSync(id));
    const dtype = dtypeNumber(tensor.dtype);
    if (bytes.byteLength <= LARGEST_CONSTANT) {
      return this.graph.constant({shape: [...tensor.shape], dtype, bytes});
    }
    if (isUniform(bytes, bytes.byteLength / tensor.shape.reduce((size, n) => size * n, 1))) {
      return this.graph.fill(tensor.shape, dtype, bytes);
    }
    const output = this.input(tensor);
    const held = this.hold(id, dtype);
    const digest = createHash('sha1').update(bytes).digest('hex');
    const release = () => this.binding.deleteTensor(held.id);
    this.fed.push({output, handle: () => held.id, digest, release});
    return output;
  }

  /** Frees the handles held for large tensors. */
  release(): void {
    for (const {release} of this.fed) release();
  }

  private input({shape, dtype}: tf.TensorInfo): string {
    return this.graph.placeholder(`captured_${this.fed.length}`, shape, dtypeNumber(dtype));
  }

  private hold(id: number, dtype: number): Handle {
    const type = {name: 'T', type: this.binding.TF_ATTR_TYPE, value: dtype};
    return this.binding.executeOp('Identity', [type], [id], 1)[0]!;
  }
}

/** Whether the bytes repeat after so many. */
function isUniform(bytes: Uint8Array, size: number): boolean {
  const [from, to] = [bytes.subarray(size), bytes.subarray(0, bytes.byteLength - size)];
  return Buffer.compare(from, to) === 0;
}

/** The bytes of values, without a copy. */
export function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
