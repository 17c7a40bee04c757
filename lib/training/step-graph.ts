/**
 * One recording of a training step: forward, backward and update as a single graph.
 * Source: ResourceApplyAdam and its kin in tensorflow/core/kernels/training_ops.cc.   Lesson: none.
 */
import {control, type Graph} from '../tensor/graph';
import {recordTwice} from '../tensor/graph-frozen';
import type {Captured, Recorder} from '../tensor/graph-recorder';
import {GraphSession} from '../tensor/graph-session';
import {simplify} from '../tensor/graph-simplify';
import {addVariable, GraphVariables, type VariableNodes} from '../tensor/graph-variables';
import {DTYPE, nativeBackend, type NativeBackend} from '../tensor/native-backend';
import type {Recording, RecordingReport} from '../tensor/recording-cache';
import type {NamedTensors} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import type {OptimizerConfig} from './optimizer';

/** What one evaluation of a loss gives. */
export interface Differentiated {
  readonly terms: Record<string, tf.Scalar>;
  readonly gradients: (tf.Tensor | undefined)[];
}

/** What is recorded. */
export interface TrainingGraphOptions {
  readonly signature: string;
  readonly inputs: NamedTensors;
  readonly weights: readonly tf.Variable[];
  readonly slots: readonly (readonly tf.Variable[])[];
  readonly optimizer: OptimizerConfig;
  /** Evaluates the loss and its gradients. */
  readonly perform: (inputs: NamedTensors) => Differentiated;
}

const STEP_SIZE = 'step_size';
const TERMS = 'terms';

/** A recorded training step, loaded. */
export class TrainingGraph implements Recording {
  readonly report: RecordingReport;
  private readonly backend: NativeBackend;
  private readonly session: GraphSession;
  private readonly variables: GraphVariables;
  private readonly captured: readonly Captured[];
  private readonly termNames: readonly string[];
  private readonly feeds: string;

  constructor(options: TrainingGraphOptions) {
    const backend = nativeBackend();
    if (backend === undefined) throw new Error('TrainingGraph: the backend has no graphs.');
    const start = performance.now();
    const {recorder, result} = recordTwice(backend, 'trainingStep(loss)', recorder =>
      recordStep(recorder, options),
    );
    this.backend = backend;
    this.captured = recorder.captured;
    this.termNames = result.termNames;
    this.feeds = [
      ...Object.keys(options.inputs).map((_, index) => `input_${index}:0`),
      ...this.captured.map(({output}) => output),
      `${STEP_SIZE}:0`,
    ].join(',');
    this.session = new GraphSession(backend, recorder.graph);
    this.variables = new GraphVariables(backend, this.session, result.variables);
    this.report = {
      signature: options.signature,
      operations: recorder.graph.nodes.length,
      bytes: this.session.bytes,
      milliseconds: performance.now() - start,
    };
  }

  run(inputs: NamedTensors, stepSize: number): Record<string, number> {
    const {backend} = this;
    this.variables.beforeRun();
    const ids = backend.getInputTensorIds(Object.values(inputs));
    for (const {handle} of this.captured) ids.push(handle());
    const size = backend.binding.createTensor([], DTYPE.float32, Float32Array.of(stepSize));
    ids.push(size);
    try {
      const [terms] = this.session.run(ids, this.feeds, `${TERMS}:0`);
      const values = backend.binding.tensorDataSync(terms!.id);
      backend.binding.deleteTensor(terms!.id);
      return Object.fromEntries(this.termNames.map((name, index) => [name, values[index]!]));
    } finally {
      backend.binding.deleteTensor(size);
      this.variables.afterRun();
    }
  }

  dispose(): void {
    this.variables.release();
    this.session.dispose();
    for (const {release} of this.captured) release();
  }
}

function recordStep(
  recorder: Recorder,
  {inputs, weights, slots, optimizer, perform}: TrainingGraphOptions,
): {termNames: readonly string[]; variables: readonly VariableNodes[]} {
  const {graph} = recorder;
  const weightNodes = weights.map((weight, which) => {
    const nodes = addVariable(graph, weight, `weight_${which}`);
    recorder.bind(weight, nodes.value);
    return nodes;
  });
  const slotNodes = slots.map((ofWeight, which) =>
    ofWeight.map((slot, index) => addVariable(graph, slot, `slot_${which}_${index}`)),
  );
  const stepSize = graph.placeholder(STEP_SIZE, [], DTYPE.float32);
  const termNames: string[] = [];
  tf.tidy(() => {
    const given = Object.entries(inputs).map(([name, tensor], index) => {
      return [name, recorder.input(tensor, `input_${index}`)] as const;
    });
    const {terms, gradients} = recorder.record(() => perform(Object.fromEntries(given)));
    const gradientOutputs = gradients.map(tensor => tensor && recorder.output(tensor));
    const termOutputs = Object.values(terms).map(term => recorder.output(term));
    const resolve = simplify(graph);
    const updates = weightNodes.flatMap(({resource, value}, which) => {
      const gradient = gradientOutputs[which];
      if (gradient === undefined) return [];
      const place = {
        weight: resource,
        slots: slotNodes[which]!.map(slot => slot.resource),
        gradient: resolve(gradient),
        stepSize,
        after: readersOf(graph, value),
      };
      return [optimizer.kernel(graph, place)];
    });
    const values = termOutputs.map(resolve);
    const attributes = {N: {int: values.length}, T: {type: DTYPE.float32}, axis: {int: 0}};
    graph.add('Pack', [...values, ...updates.map(control)], attributes, TERMS);
    termNames.push(...Object.keys(terms));
    tf.dispose({terms, gradients});
  });
  return {termNames, variables: [...weightNodes, ...slotNodes.flat()]};
}

/**
 * Whatever uses a weight runs before its update: then TensorFlow updates in place, and need not
 * copy the weight because somebody still holds its value. A view of it holds it, too.
 */
function readersOf(graph: Graph, value: string): string[] {
  const readers = graph.nodes.filter(({inputs}) => inputs.includes(value));
  return readers.flatMap(({name, op}) => {
    return VIEWS.has(op) ? readersOf(graph, `${name}:0`) : [control(name)];
  });
}

/** Ops whose result shares the memory of their input. */
const VIEWS = new Set(['ExpandDims', 'Identity', 'Reshape', 'Squeeze']);
