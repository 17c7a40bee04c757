/**
 * Makes a recorded graph smaller: what tfjs composes of many ops becomes the one op that TensorFlow has.
 * Source: the gradients in tfjs-core/src/gradients and their kernels ReluGrad, SigmoidGrad, TanhGrad.   Lesson: none.
 *
 * Only what TensorFlow's own optimizer (grappler) leaves: it folds constants and drops repetitions.
 */
import {control, isTrue, type Attribute, type Graph, type GraphNode} from './graph';
import {DTYPE} from './native-backend';
import {nativeKernels} from './native-kernels';

/**
 * Simplifies a graph in place, before anything else is added to it.
 * @returns where an output of the graph is found now
 */
export function simplify(graph: Graph): (output: string) => string {
  const rewriting = new Rewriting(graph);
  const kept = graph.nodes.filter(node => {
    node.inputs = node.inputs.map(input => rewriting.resolve(input));
    for (const rule of RULES[node.op] ?? []) {
      const instead = rule(node, rewriting);
      if (instead !== undefined) {
        rewriting.replace(`${node.name}:0`, instead);
        return false;
      }
    }
    if (node.op === 'Relu') rewriting.rectified.set(node.inputs[0]!, `${node.name}:0`);
    return true;
  });
  graph.nodes.splice(0, graph.nodes.length, ...kept);
  return output => rewriting.resolve(output);
}

/** What rules see of a graph while it is rewritten. */
class Rewriting {
  /** Relu's output for its input. */
  readonly rectified = new Map<string, string>();
  private readonly nodes = new Map<string, GraphNode>();
  private readonly replaced = new Map<string, string>();

  constructor(private readonly graph: Graph) {
    for (const node of graph.nodes) this.nodes.set(`${node.name}:0`, node);
  }

  /** Where an output is found now, or what comes after a node that is gone: '^node'. */
  resolve(output: string): string {
    if (!output.startsWith('^')) return this.replaced.get(output) ?? output;
    const instead = this.replaced.get(`${output.slice(1)}:0`);
    return instead === undefined ? output : control(instead);
  }

  replace(output: string, instead: string): void {
    this.replaced.set(output, instead);
  }

  /** The node whose first output this is, if it has this op. */
  find(output: string | undefined, op: string): GraphNode | undefined {
    const node = this.nodes.get(output ?? '');
    return node?.op === op ? node : undefined;
  }

  shape(output: string | undefined): readonly number[] | undefined {
    return this.graph.shapes.get(output ?? '');
  }

  /** The numbers of an int32 constant. */
  integers(output: string | undefined): readonly number[] | undefined {
    const attribute = this.find(output, 'Const')?.attributes['value'];
    if (attribute === undefined || !('tensor' in attribute)) return undefined;
    const {bytes, dtype} = attribute.tensor;
    return dtype === DTYPE.int32 ? [...new Int32Array(bytes.slice().buffer)] : undefined;
  }

  /** Whether all numbers of a float32 constant, or of a Fill, are this one. */
  isConstant(output: string | undefined, value: number): boolean {
    const fill = this.find(output, 'Fill');
    if (fill !== undefined) return this.isConstant(fill.inputs[1], value);
    const attribute = this.find(output, 'Const')?.attributes['value'];
    if (attribute === undefined || !('tensor' in attribute)) return false;
    const {bytes} = attribute.tensor;
    const values = new Float32Array(bytes.slice().buffer);
    return values.length > 0 && values.every(number => number === value);
  }
}

/** Changes a node, or returns the output that stands for it and makes it needless. */
type Rule = (node: GraphNode, graph: Rewriting) => string | undefined;

/** A cast to the type it has. */
const sameType: Rule = ({inputs, attributes: {SrcT, DstT}}) =>
  JSON.stringify(SrcT) === JSON.stringify(DstT) ? inputs[0] : undefined;

/** A reshape to the shape it has, or of a reshape. */
const sameShape: Rule = (node, graph) => {
  const wanted = graph.shape(`${node.name}:0`)?.join();
  const fits = () => wanted !== undefined && graph.shape(node.inputs[0])?.join() === wanted;
  if (fits()) return node.inputs[0];
  const before = graph.find(node.inputs[0], 'Reshape');
  if (before === undefined) return undefined;
  node.inputs[0] = before.inputs[0]!;
  return fits() ? node.inputs[0] : undefined;
};

/** dy · step(x), where step is tfjs-node's composition, becomes ReluGrad. */
const reluGradient: Rule = (node, graph) => {
  const [dy, step] = node.inputs;
  const outer = graph.find(step, 'Select');
  const [isNan, x, inner] = outer?.inputs ?? [];
  const [greater, one, zero] = graph.find(inner, 'Select')?.inputs ?? [];
  const [compared, threshold] = graph.find(greater, 'Greater')?.inputs ?? [];
  if (
    x === undefined ||
    compared !== x ||
    graph.find(isNan, 'IsNan')?.inputs[0] !== x ||
    !graph.isConstant(threshold, 0) ||
    !graph.isConstant(one, 1) ||
    !graph.isConstant(zero, 0)
  ) {
    return undefined;
  }
  // Relu's result serves as well as its input, which then has one reader less and can be fused.
  become(node, 'ReluGrad', [dy!, graph.rectified.get(x) ?? x]);
  return undefined;
};

/** dy · (y · (1 − y)) becomes SigmoidGrad, dy · (1 − y²) TanhGrad. */
const saturatingGradient: Rule = (node, graph) => {
  for (const [dy, slope] of [node.inputs, [...node.inputs].reverse()]) {
    const [y, rest] = graph.find(slope, 'Mul')?.inputs ?? [];
    const [one, same] = graph.find(rest, 'Sub')?.inputs ?? [];
    if (same === y && graph.isConstant(one, 1) && graph.find(y, 'Sigmoid') !== undefined) {
      become(node, 'SigmoidGrad', [y!, dy!]);
      return undefined;
    }
    const [alsoOne, square] = graph.find(slope, 'Sub')?.inputs ?? [];
    const tanh = graph.find(square, 'Square')?.inputs[0];
    if (graph.isConstant(alsoOne, 1) && graph.find(tanh, 'Tanh') !== undefined) {
      become(node, 'TanhGrad', [tanh!, dy!]);
      return undefined;
    }
  }
  return undefined;
};

/** A product of matrices plus a vector becomes BiasAdd, which grappler fuses into the product. */
const bias: Rule = (node, graph) => {
  const [left, right] = node.inputs;
  const [sum, vector] = graph.find(left, 'MatMul') ? [left, right] : [right, left];
  const width = graph.shape(sum)?.[1];
  const shape = graph.shape(vector);
  if (graph.find(sum, 'MatMul') === undefined) return undefined;
  if (shape?.length !== 1 || shape[0] !== width) return undefined;
  become(node, 'BiasAdd', [sum!, vector!]);
  node.attributes['data_format'] = {text: 'NHWC'};
  return undefined;
};

/** A sum over all axes but the last becomes BiasAddGrad, which TensorFlow does up to three times as fast. */
const biasGradient: Rule = (node, graph) => {
  const {T, keep_dims: keepDims} = node.attributes;
  const [x, axes] = node.inputs;
  const others = graph.shape(x)?.slice(0, -1);
  if (others === undefined || others.length === 0) return undefined;
  if (T === undefined || !isFloat(T) || isTrue(keepDims)) return undefined;
  if (graph.integers(axes)?.join() !== others.map((_, axis) => axis).join()) return undefined;
  become(node, 'BiasAddGrad', [x!]);
  node.attributes = {T, data_format: {text: 'NHWC'}};
  return undefined;
};

/** Few rows times a large matrix: where our kernels are built, the one that reads the matrix once. */
const thinProduct: Rule = (node, graph) => {
  const {T, transpose_a, transpose_b} = node.attributes;
  const [rows = Infinity, inner = 0] = graph.shape(node.inputs[0]) ?? [];
  const columns = graph.shape(node.inputs[1])?.[1] ?? 0;
  const isThin = rows <= 4 && inner * columns >= LARGE_MATRIX;
  if (!isThin || !isFloat(T) || isTrue(transpose_a) || isTrue(transpose_b)) return undefined;
  if (!nativeKernels().used) return undefined;
  become(node, 'LatentThinProduct', node.inputs);
  node.attributes = {};
  return undefined;
};

/** In numbers; TensorFlow is as fast for smaller ones. */
const LARGE_MATRIX = 2 ** 15;

const RULES: Readonly<Record<string, readonly Rule[]>> = {
  Cast: [sameType],
  Reshape: [sameShape],
  Mul: [reluGradient, saturatingGradient],
  Add: [bias],
  AddV2: [bias],
  MatMul: [thinProduct],
  Sum: [biasGradient],
};

function isFloat(type: Attribute | undefined): boolean {
  return type !== undefined && 'type' in type && type.type === DTYPE.float32;
}

function become(node: GraphNode, op: string, inputs: string[]): void {
  node.op = op;
  node.inputs = inputs;
}
