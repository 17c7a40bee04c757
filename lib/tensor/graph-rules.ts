/**
 * The rules by which a recorded graph is made smaller: what tfjs composes of many ops becomes the one op that
 * TensorFlow has, or we.
 * Source: the gradients in tfjs-core/src/gradients and their kernels ReluGrad, SigmoidGrad, TanhGrad;
 * misc/native for our own.   Lesson: none.
 */
import {isTrue, type Attribute, type GraphNode} from './graph';
import type {Rewriting} from './graph-simplify';
import {DTYPE} from './native-backend';
import {nativeKernels} from './native-kernels';

/** Changes a node, or returns the output that stands for it and makes it needless. */
export type Rule = (node: GraphNode, graph: Rewriting) => string | undefined;

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
  const mask = graph.rectified.get(x) ?? x;
  const product = ownProduct(graph, dy);
  if (product === undefined) become(node, 'ReluGrad', [dy!, mask]);
  else extend(node, product, mask, 'masks');
  return undefined;
};

/** dy · (y · (1 − y)) becomes SigmoidGrad, dy · (1 − y²) TanhGrad. */
const saturatingGradient: Rule = (node, graph) => {
  for (const [dy, slope] of [node.inputs, [...node.inputs].reverse()]) {
    const [y, rest] = graph.find(slope, 'Mul')?.inputs ?? [];
    const [one, same] = graph.find(rest, 'Sub')?.inputs ?? [];
    if (same === y && graph.isConstant(one, 1) && isSigmoid(graph.node(y))) {
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

/**
 * A product of matrices plus a vector becomes BiasAdd, which grappler fuses into the product; our own
 * product takes the vector itself. The product without it is not computed if nothing else reads it.
 */
const bias: Rule = (node, graph) => {
  const [left, right] = node.inputs;
  const isProduct = (output: string | undefined) => isPlainProduct(graph.node(output));
  const [sum, vector] = isProduct(left) ? [left, right] : [right, left];
  const width = graph.shape(sum)?.[1];
  const shape = graph.shape(vector);
  const product = graph.node(sum);
  if (product === undefined || !isPlainProduct(product)) return undefined;
  if (shape?.length !== 1 || shape[0] !== width) return undefined;
  if (product.op !== 'MatMul') {
    extend(node, product, vector!, 'biases');
    return undefined;
  }
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
  graph.biasGradients.set(x!, node);
  return undefined;
};

/** Few rows times a large matrix: where our kernels are built, the one that reads the matrix once. */
const thinProduct: Rule = (node, graph) => {
  const {T, transpose_a: transposeA, transpose_b: transposeB} = node.attributes;
  const [rows = Infinity] = graph.shape(node.inputs[0]) ?? [];
  const [height = 0, width = 0] = graph.shape(node.inputs[1]) ?? [];
  const isThin = rows <= 4 && height * width >= LARGE_MATRIX;
  if (!isThin || !isFloat(T) || isTrue(transposeA) || !nativeKernels().used) return undefined;
  become(node, 'LatentThinProduct', node.inputs);
  node.attributes = {transpose_b: {bool: isTrue(transposeB)}};
  return undefined;
};

/** The logistic function of a product of few rows is part of it. */
const thinSigmoid: Rule = (node, graph) => {
  const product = graph.find(node.inputs[0], 'LatentThinProduct');
  if (product === undefined || isSigmoid(product)) return undefined;
  become(node, 'LatentThinProduct', product.inputs);
  node.attributes = {...product.attributes, sigmoid: {bool: true}};
  return undefined;
};

/** A product of matrices: where ours is faster than TensorFlow's, ours. */
const product: Rule = (node, graph) => {
  const {T, transpose_a: transposeA, transpose_b: transposeB} = node.attributes;
  if (!nativeKernels().multiplies || !isFloat(T)) return undefined;
  const shape = graph.shape(`${node.name}:0`);
  if (shape === undefined || Math.min(...shape) < FEW) return undefined;
  become(node, 'LatentMatMul', node.inputs);
  node.attributes = {
    transpose_a: {bool: isTrue(transposeA)},
    transpose_b: {bool: isTrue(transposeB)},
  };
  if (isTrue(transposeA) && !isTrue(transposeB)) takeBiasGradient(node, graph, shape.slice(1));
  return undefined;
};

/** leftᵀ · right, the gradient of a weight, gives the sum of right's columns with it, that of a bias. */
function takeBiasGradient(product: GraphNode, graph: Rewriting, shape: readonly number[]): void {
  const [left, right] = product.inputs;
  const gradient = graph.biasGradients.get(right!);
  // A product of few rows may become part of an update; what is read already stays.
  const inner = graph.shape(left)?.[0] ?? 0;
  if (gradient === undefined || inner < FEW || graph.read.has(`${gradient.name}:0`)) return;
  product.attributes['sums'] = {int: 1};
  graph.setShape(`${product.name}:1`, shape);
  graph.replace(`${gradient.name}:0`, `${product.name}:1`);
}

/** A sum with a product that nothing else reads: the product starts from the other, in its shape. */
const startedProduct: Rule = (node, graph) => {
  for (const [sum, other] of [node.inputs, [...node.inputs].reverse()]) {
    const reshape = graph.hasOneReader(sum) ? graph.find(sum, 'Reshape') : undefined;
    const product = ownProduct(graph, reshape === undefined ? sum : reshape.inputs[0]);
    if (product === undefined || !haveOneShape(graph, node, other!)) continue;
    extend(node, product, other!, 'starts');
    return undefined;
  }
  return undefined;
};

/** A sum with what dropout leaves is part of it. */
const addedDropout: Rule = (node, graph) => {
  for (const [sum, other] of [node.inputs, [...node.inputs].reverse()]) {
    const dropped = graph.hasOneReader(sum) ? graph.find(sum, 'LatentDropout') : undefined;
    if (dropped?.inputs.length !== 3 || !haveOneShape(graph, node, other!)) continue;
    become(node, 'LatentDropout', [...dropped.inputs, other!]);
    node.attributes = {additions: {int: 1}};
    return undefined;
  }
  return undefined;
};

/**
 * The relu of a product of our own, with its bias, is part of it. Without the relu it is not computed, unless
 * something else reads it.
 */
const rectifiedProduct: Rule = (node, graph) => {
  const product = graph.find(node.inputs[0], 'LatentMatMul');
  if (product === undefined) return undefined;
  become(node, 'LatentMatMul', product.inputs);
  node.attributes = {...product.attributes, relu: {bool: true}};
  return undefined;
};

/** Rows or columns, for which a matrix is not worth copying into panels. */
const FEW = 8;

/** In numbers; TensorFlow is as fast for smaller ones. */
const LARGE_MATRIX = 2 ** 15;

const SUMS = [bias, startedProduct, addedDropout];

/** Which rules are tried for which op, in this order. */
export const RULES: Readonly<Record<string, readonly Rule[]>> = {
  Cast: [sameType],
  Reshape: [sameShape],
  Mul: [reluGradient, saturatingGradient],
  Add: SUMS,
  AddV2: SUMS,
  MatMul: [thinProduct, product],
  Relu: [rectifiedProduct],
  Sigmoid: [thinSigmoid],
  Sum: [biasGradient],
};

function isFloat(type: Attribute | undefined): boolean {
  return type !== undefined && 'type' in type && type.type === DTYPE.float32;
}

/** The product of our own that has this output, if it is nothing more and has one reader. */
function ownProduct(graph: Rewriting, output: string | undefined): GraphNode | undefined {
  const product = graph.hasOneReader(output) ? graph.find(output, 'LatentMatMul') : undefined;
  return isPlainProduct(product) ? product : undefined;
}

/** Whether an input of a sum is known to have the sum's shape, so that nothing is repeated. */
function haveOneShape(graph: Rewriting, sum: GraphNode, input: string): boolean {
  const shape = graph.shape(`${sum.name}:0`);
  return shape !== undefined && graph.shape(input)?.join() === shape.join();
}

/** Makes of a node the product with one input more. */
function extend(
  node: GraphNode,
  product: GraphNode,
  input: string,
  what: 'biases' | 'masks' | 'starts',
): void {
  become(node, product.op, [...product.inputs, input]);
  node.attributes = {...product.attributes, [what]: {int: 1}};
}

/** Whether a node is a product of two matrices and nothing more, by TensorFlow or ours. */
export function isPlainProduct(node: GraphNode | undefined): boolean {
  if (node?.op === 'LatentMatMul') {
    const {relu, sums} = node.attributes;
    return node.inputs.length === 2 && !isTrue(relu) && sums === undefined;
  }
  if (node?.op === 'LatentThinProduct') return node.inputs.length === 2 && !isSigmoid(node);
  return node?.op === 'MatMul';
}

function isSigmoid(node: GraphNode | undefined): boolean {
  return node?.op === 'Sigmoid' || isTrue(node?.attributes['sigmoid']);
}

function become(node: GraphNode, op: string, inputs: string[]): void {
  node.op = op;
  node.inputs = inputs;
}
