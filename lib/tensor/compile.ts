/**
 * `tf.function` for TensorFlow.js: a function of named tensors, recorded once and run as one graph.
 * Source: Agrawal et al. 2019, arXiv:1903.01855; the tf.function guide.   Lesson: notebooks/01-dense-vae.
 */
import {recordTwice} from './graph-frozen';
import type {Captured} from './graph-captures';
import {isRecording} from './graph-recorder';
import {RecordingError} from './graph-refusals';
import {GraphSession} from './graph-session';
import {simplify} from './graph-simplify';
import {dtypeNumber, nativeBackend, type NativeBackend} from './native-backend';
import {RecordingCache, type Recording, type RecordingReport} from './recording-cache';
import type {NamedTensors} from './shapes';
import {tf} from './tf';

/** A compiled function: called like the one it was made from; the caller disposes what it returns. */
export interface Compiled<I extends NamedTensors, O extends NamedTensors> {
  (inputs: I): O;
  /** One report a signature of shapes and dtypes; empty where the function runs eagerly. */
  readonly recordings: readonly RecordingReport[];
  /** Frees the graphs. A later call records anew. */
  dispose(): void;
}

/**
 * Compiles a pure function of named tensors.
 *
 *   const encode = compile(({x}: {x: tf.Tensor2D}) => vae.encode(x));
 *   const {mean, logVar} = encode({x: images});
 *
 * The first call with inputs of new shapes or dtypes runs the function twice, op by op, to record
 * it; later calls run the graph. Variables used inside are read anew at every call. Other tensors
 * from outside become constants; numbers from outside too, so what changes must be an input.
 * Inside another recording, inside `tf.grad`, and on backends without graphs it just runs.
 *
 * Worth it from a few dozen calls on: recording costs about what three to ten eager calls cost.
 *
 * @throws RecordingError when the function reads a tensor's value, draws in JavaScript, makes or
 *   assigns a variable, or returns something other than tensors
 */
export function compile<I extends NamedTensors, O extends NamedTensors>(
  fn: (inputs: I) => O,
): Compiled<I, O> {
  const what = `compile(${fn.name || 'function'})`;
  const cache = new RecordingCache<CompiledGraph<O>>(what);
  const call = (inputs: I): O => {
    const backend = nativeBackend();
    if (backend === undefined || isRecording() || tf.engine().state.gradientDepth > 0) {
      return tf.tidy(() => cloned(tensorsOf(what, fn(inputs))));
    }
    const graph = cache.get(inputs, signature => {
      return new CompiledGraph<O>(backend, what, signature, inputs, given => fn(given as I));
    });
    return graph.run(inputs);
  };
  const dispose = () => cache.dispose();
  return Object.defineProperty(Object.assign(call, {dispose}), 'recordings', {
    get: () => cache.reports,
  }) as Compiled<I, O>;
}

/** Demands an object of tensors. @throws RecordingError naming what it got instead */
export function tensorsOf<O extends NamedTensors>(what: string, outputs: O): O {
  if (typeof outputs !== 'object' || outputs === null || outputs instanceof tf.Tensor) {
    const got = (outputs as unknown) instanceof tf.Tensor ? 'a bare tensor' : typeof outputs;
    throw new RecordingError(`${what}: returns ${got}, expected an object of named tensors.`);
  }
  if ((outputs as unknown) instanceof Promise) {
    throw new RecordingError(`${what}: returns a promise; a graph has no await. Wait outside.`);
  }
  for (const [name, output] of Object.entries(outputs)) {
    if (!(output instanceof tf.Tensor)) {
      throw new RecordingError(
        `${what}: the output ${name} is ${typeof output}, expected a tensor.`,
      );
    }
  }
  return outputs;
}

/** The caller disposes what it gets, and that must not be an input or a variable. */
function cloned<O extends NamedTensors>(outputs: O): O {
  const clones = Object.entries(outputs).map(([name, output]) => [name, output.clone()] as const);
  return Object.fromEntries(clones) as unknown as O;
}

/** One recording of a function, loaded. */
class CompiledGraph<O extends NamedTensors> implements Recording {
  readonly report: RecordingReport;
  private readonly session: GraphSession;
  private readonly captured: readonly Captured[];
  private readonly outputNames: readonly string[];
  private readonly feeds: string;
  private readonly fetches: string;

  constructor(
    private readonly backend: NativeBackend,
    what: string,
    signature: string,
    inputs: NamedTensors,
    fn: (inputs: NamedTensors) => O,
  ) {
    const start = performance.now();
    const names = Object.keys(inputs);
    const {recorder, result} = recordTwice(backend, what, recorder => {
      const outputs: string[] = [];
      tf.tidy(() => {
        const given = names.map((name, index) => {
          return [name, recorder.input(inputs[name]!, `input_${index}`)] as const;
        });
        const made = recorder.record(() => tensorsOf(what, fn(Object.fromEntries(given))));
        const places = Object.values(made).map(tensor => recorder.output(tensor));
        const resolve = simplify(recorder.graph, places);
        Object.entries(made).forEach(([name, tensor], which) => {
          const type = {type: dtypeNumber(tensor.dtype)};
          recorder.graph.add('Identity', [resolve(places[which]!)], {T: type}, `output_${which}`);
          outputs.push(name);
        });
      });
      return outputs;
    });
    this.outputNames = result;
    this.captured = recorder.captured;
    const fed = [
      ...names.map((_, index) => `input_${index}:0`),
      ...this.captured.map(({output}) => output),
    ];
    this.feeds = fed.join(',');
    this.fetches = result.map((_, index) => `output_${index}:0`).join(',');
    this.session = new GraphSession(backend, recorder.graph);
    this.report = {
      signature,
      operations: recorder.graph.nodes.length,
      bytes: this.session.bytes,
      milliseconds: performance.now() - start,
    };
  }

  run(inputs: NamedTensors): O {
    const {backend} = this;
    const ids = backend.getInputTensorIds(Object.values(inputs));
    for (const {handle} of this.captured) ids.push(handle());
    const handles = this.session.run(ids, this.feeds, this.fetches);
    const outputs = this.outputNames.map((name, index) => {
      return [name, backend.createOutputTensor(handles[index]!)] as const;
    });
    return Object.fromEntries(outputs) as unknown as O;
  }

  dispose(): void {
    this.session.dispose();
    for (const {release} of this.captured) release();
  }
}
