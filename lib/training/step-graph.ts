/**
 * One recording of a training step: forward, backward and update as a single graph.
 * Source: ResourceApplyAdam and its kin in tensorflow/core/kernels/training_ops.cc.   Lesson: none.
 */
import {control, isTrue, type Graph} from '../tensor/graph';
import {recordTwice} from '../tensor/graph-frozen';
import type {Captured} from '../tensor/graph-captures';
import type {Recorder} from '../tensor/graph-recorder';
import {GraphSession} from '../tensor/graph-session';
import {isPlainProduct} from '../tensor/graph-rules';
import {simplify} from '../tensor/graph-simplify';
import {addVariables, joined, type VariableNodes} from '../tensor/graph-variable-nodes';
import {GraphVariables} from '../tensor/graph-variables';
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
  const places = weights.map((variable, which) => ({variable, name: `weight_${which}`}));
  for (const {variable, name} of places) {
    recorder.bind(variable, `${name}:0`); // the node is added below
    graph.shapes.set(`${name}:0`, variable.shape);
  }
  const stepSize = graph.placeholder(STEP_SIZE, [], DTYPE.float32);
  const recorded = {termNames: [] as string[], variables: [] as VariableNodes[]};
  tf.tidy(() => {
    const given = Object.entries(inputs).map(([name, tensor], index) => {
      return [name, recorder.input(tensor, `input_${index}`)] as const;
    });
    const {terms, gradients} = recorder.record(() => perform(Object.fromEntries(given)));
    const gradientOutputs = gradients.map(tensor => tensor && recorder.output(tensor));
    const termOutputs = Object.values(terms).map(term => recorder.output(term));
    const known = gradientOutputs.filter(output => output !== undefined);
    const resolve = simplify(graph, [...known, ...termOutputs]);
    const updates: string[] = [];
    const variables = blocks(weights, gradientOutputs).flatMap((block, number) => {
      const held = addVariables(graph, at(places, block), `block_${number}`);
      const slotBlocks = optimizer.slots.map((_, slot) => {
        const ofBlock = block.map(which => ({
          variable: slots[which]![slot]!,
          name: `slot_${which}_${slot}`,
        }));
        return addVariables(graph, ofBlock, `slots_${number}_${slot}`);
      });
      const found = at(gradientOutputs, block)
        .filter(output => output !== undefined)
        .map(resolve);
      if (found.length > 0) {
        const product = found.length === 1 ? thinProduct(graph, found[0]!) : undefined;
        const place = {
          product,
          weight: held.resource,
          slots: slotBlocks.map(({resource}) => resource),
          gradient: found.length === 1 ? found[0]! : joined(graph, found),
          stepSize,
          after: held.members.flatMap(({value}) => readersOf(graph, value)),
        };
        updates.push(optimizer.kernel(graph, place));
      }
      return [held, ...slotBlocks].flatMap(({members}) => members);
    });
    const values = termOutputs.map(resolve);
    const attributes = {N: {int: values.length}, T: {type: DTYPE.float32}, axis: {int: 0}};
    graph.add('Pack', [...values, ...updates.map(control)], attributes, TERMS);
    tf.dispose({terms, gradients});
    recorded.termNames.push(...Object.keys(terms));
    recorded.variables.push(...variables);
  });
  return recorded;
}

/** Factors of a gradient with more rows than this are multiplied by TensorFlow. */
const THIN = 4;

/** The factors of a gradient that is leftᵀ · right with few rows, and that nothing else reads. */
function thinProduct(graph: Graph, gradient: string): {left: string; right: string} | undefined {
  const node = graph.nodes.find(({name}) => `${name}:0` === gradient);
  const [left = '', right = ''] = node?.inputs ?? [];
  const {transpose_a, transpose_b} = node?.attributes ?? {};
  if (!isPlainProduct(node) || !isTrue(transpose_a) || isTrue(transpose_b)) {
    return undefined;
  }
  const rows = graph.shapes.get(left)?.[0];
  const isRead = graph.nodes.some(({inputs}) => inputs.includes(gradient));
  return rows === undefined || rows > THIN || isRead ? undefined : {left, right};
}

/** Weights below this size share one resource: a kernel's call costs more than their update. */
const SMALL = 4096;

/** Which weights are held and updated together: each large one alone, all small ones in one block. */
function blocks(
  weights: readonly tf.Variable[],
  gradients: readonly (string | undefined)[],
): readonly (readonly number[])[] {
  const all = weights.map((_, which) => which);
  const isSmall = (which: number) => weights[which]!.size < SMALL && gradients[which] !== undefined;
  const small = all.filter(isSmall);
  const alone = all.filter(which => !isSmall(which)).map(which => [which]);
  return small.length > 0 ? [...alone, small] : alone;
}

function at<T>(values: readonly T[], indices: readonly number[]): T[] {
  return indices.map(index => values[index]!);
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
