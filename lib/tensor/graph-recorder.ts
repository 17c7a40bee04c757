/**
 * Records what a function of tensors does, op by op, as a TensorFlow graph.
 * Source: the tracing of tf.function (Agrawal et al. 2019, arXiv:1903.01855), at tfjs-node's binding.   Lesson: none.
 */
import {recordedNode} from './graph-attributes';
import {control, Graph} from './graph';
import {bytesOf, Captures, LARGEST_CONSTANT, type Captured} from './graph-captures';
import {
  disposeNewVariables,
  RecordingError,
  refuseChangedVariables,
  refuseDrawing,
  refuseReading,
} from './graph-refusals';
import {dtypeNumber, type Binding, type NativeBackend} from './native-backend';
import {tf} from './tf';

/**
 * While recording, an op of two inputs: the first as it is, once the second is there. In the graph it is
 * an Identity with a control input, which no other op of TensorFlow's stands for.
 */
export const IDENTITY_AFTER = 'IdentityAfter';

let active = false;

/** Whether a function is being recorded now. */
export function isRecording(): boolean {
  return active;
}

/** One recording: the graph, and where each tensor stands in it. */
export class Recorder {
  readonly graph = new Graph();
  private readonly outputs = new Map<number, string>();
  private readonly variables = new Map<object, tf.Variable>();
  private readonly captures: Captures;
  private readonly binding: Binding;

  /** @param what names the function in errors */
  constructor(
    private readonly backend: NativeBackend,
    private readonly what: string,
  ) {
    this.binding = backend.binding;
    this.captures = new Captures(backend, this.graph);
  }

  /** What comes from outside and is fed at every run. */
  get captured(): readonly Captured[] {
    return this.captures.fed;
  }

  /** An input of the graph, and the tensor to record with in its place; the caller disposes that. */
  input(tensor: tf.Tensor, name: string): tf.Tensor {
    const placeholder = this.graph.placeholder(name, tensor.shape, dtypeNumber(tensor.dtype));
    const alias = this.alias(tensor);
    this.outputs.set(this.idOf(alias), placeholder);
    return alias;
  }

  /** Says which output of the graph holds a variable. Other variables are fed at every run. */
  bind(variable: tf.Variable, output: string): void {
    this.captures.bind(variable, output);
  }

  /** The output that holds a tensor made while recording, or captured. */
  output(tensor: tf.Tensor): string {
    const id = this.idOf(tensor);
    return this.outputs.get(id) ?? this.capture(id, tensor);
  }

  /**
   * Runs the body once, eagerly, and writes down each op.
   * @throws RecordingError when it does what a graph cannot repeat
   */
  record<T>(body: () => T): T {
    if (active) throw new Error('Recorder: one recording at a time.');
    const engine = tf.engine();
    const registered = {...engine.registeredVariables};
    for (const variable of Object.values(registered)) this.watch(variable);
    const watched = new Map([...this.variables].map(([dataId, variable]) => [variable, dataId]));
    active = true;
    const restore = [
      override(this.backend, 'binding', this.recordingBinding()),
      override(this.backend, 'getInputTensorIds', tensors => this.idsOf(tensors)),
      override(this.backend, 'write', this.checkedWrite()),
      override(engine, 'readSync', () => refuseReading(this.what)),
      override(engine, 'read', () => refuseReading(this.what)),
    ];
    let result: T;
    try {
      result = body();
    } catch (error) {
      disposeNewVariables(registered);
      throw error;
    } finally {
      for (const undo of restore) undo();
      active = false;
    }
    refuseChangedVariables(this.what, registered, watched);
    return result;
  }

  /** Frees the handles held for large captured tensors. */
  release(): void {
    this.captures.release();
  }

  private idOf(tensor: tf.TensorInfo): number {
    return this.backend.getInputTensorIds([tensor])[0]!;
  }

  /** Another handle of the same memory, so that one id stands for one place in the graph. */
  private alias(tensor: tf.Tensor): tf.Tensor {
    const type = {name: 'T', type: this.binding.TF_ATTR_TYPE, value: dtypeNumber(tensor.dtype)};
    return this.backend.executeSingleOutput('Identity', [type], [tensor]);
  }

  /** A clone shares its variable's dataId: give the variable one of its own, to know it by. */
  private watch(variable: tf.Variable): void {
    if (!this.backend.tensorMap.has(variable.dataId)) return;
    if (this.backend.tensorMap.get(variable.dataId).refCount > 1 && variable.dtype !== 'string') {
      const alias = this.alias(variable);
      variable.assign(alias);
      alias.dispose();
    }
    this.variables.set(variable.dataId, variable);
  }

  private recordingBinding(): Binding {
    const {binding, graph, outputs} = this;
    const executeOp: Binding['executeOp'] = (name, attributes, inputs, count) => {
      const sources = inputs.map(id => this.source(id, name));
      if (name === IDENTITY_AFTER) {
        inputs = inputs.slice(0, 1);
        sources[1] = control(sources[1]!);
        name = 'Identity';
      }
      const results = binding.executeOp(name, attributes, inputs, count);
      const recorded = recordedNode(binding, name, attributes, results);
      const node = graph.add(recorded.op, sources, recorded.attributes);
      results.forEach(({id, shape}, index) => {
        outputs.set(id, `${node}:${index}`);
        graph.shapes.set(`${node}:${index}`, shape);
      });
      return results;
    };
    const createTensor: Binding['createTensor'] = (shape, dtype, values) => {
      const id = binding.createTensor(shape, dtype, values);
      const bytes = Uint8Array.from(bytesOf(values));
      outputs.set(id, graph.constant({shape: [...shape], dtype, bytes}));
      return id;
    };
    return Object.create(binding, {
      executeOp: {value: executeOp},
      createTensor: {value: createTensor},
    }) as Binding;
  }

  private source(id: number, op: string): string {
    const output = this.outputs.get(id);
    if (output === undefined) throw new RecordingError(`${this.what}: ${op} has an input unseen.`);
    return output;
  }

  private idsOf(tensors: readonly tf.TensorInfo[]): number[] {
    const {backend} = this;
    const convert = Object.getPrototypeOf(backend) as NativeBackend;
    return tensors.map(tensor => {
      const known = backend.tensorMap.has(tensor.dataId);
      const entry = known ? backend.tensorMap.get(tensor.dataId) : undefined;
      const isLarge =
        ArrayBuffer.isView(entry?.values) && entry.values.byteLength > LARGEST_CONSTANT;
      const uploadUnseen = isLarge || this.variables.has(tensor.dataId);
      const recording = backend.binding;
      if (uploadUnseen) backend.binding = this.binding;
      const id = convert.getInputTensorIds.call(backend, [tensor])[0]!;
      backend.binding = recording;
      if (!this.outputs.has(id)) this.capture(id, tensor);
      return id;
    });
  }

  /** A tensor from outside: a variable or a large one becomes an input, the rest constants. */
  private capture(id: number, tensor: tf.TensorInfo): string {
    const variable = this.variables.get(tensor.dataId);
    const output =
      variable === undefined ? this.captures.tensor(id, tensor) : this.captures.variable(variable);
    this.outputs.set(id, output);
    return output;
  }

  /** Writes what arrives from JavaScript, unless it is drawn there. */
  private checkedWrite(): NativeBackend['write'] {
    const write = this.backend.write.bind(this.backend);
    return (values, shape, dtype) => {
      refuseDrawing(this.what);
      return write(values, shape, dtype);
    };
  }
}

/** Replaces a method or property of one object; the function returned undoes it. */
function override<T extends object, K extends keyof T>(object: T, key: K, value: T[K]): () => void {
  const own = Object.getOwnPropertyDescriptor(object, key);
  object[key] = value;
  return () => {
    if (own === undefined) delete object[key];
    else Object.defineProperty(object, key, own);
  };
}
