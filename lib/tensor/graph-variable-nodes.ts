/**
 * The nodes that hold variables in a graph: one resource each, or one for many small ones side by side.
 * Source: the resource variables of TensorFlow 2 (VarHandleOp, ReadVariableOp, AssignVariableOp).   Lesson: none.
 */
import type {Attribute, Constant, Graph} from './graph';
import {DTYPE, dtypeNumber} from './native-backend';
import type {tf} from './tf';

/** Where a variable stands in a graph. */
export interface VariableNodes {
  readonly variable: tf.Variable;
  /** The output that has its value. */
  readonly value: string;
  /** The placeholder that an upload feeds. */
  readonly feed: string;
  /** The output that an upload fetches; shared by variables that are uploaded together. */
  readonly uploaded: string;
}

/** Variables that one resource holds, so that one kernel updates them. */
export interface VariableBlock {
  /** The output of VarHandleOp. */
  readonly resource: string;
  readonly members: readonly VariableNodes[];
}

/** A variable, and the name of the node that is to have its value. */
export interface VariablePlace {
  readonly variable: tf.Variable;
  readonly name: string;
}

/** Adds variables of one dtype to a graph: one as it is, several in one long vector. */
export function addVariables(
  graph: Graph,
  places: readonly VariablePlace[],
  name: string,
): VariableBlock {
  const [first] = places;
  if (first === undefined) throw new RangeError('addVariables: there are no variables.');
  const dtype = {type: dtypeNumber(first.variable.dtype)};
  const size = places.reduce((sum, {variable}) => sum + variable.size, 0);
  const shape = {shape: places.length === 1 ? first.variable.shape : [size]};
  const names = {shared_name: {text: name}, container: {text: ''}};
  const resource = `${graph.add('VarHandleOp', [], {dtype, shape, ...names}, name)}:0`;
  const feeds = places.map(({variable, name}) => {
    return graph.placeholder(`${name}/feed`, variable.shape, dtype.type);
  });
  if (places.length === 1) graph.add('ReadVariableOp', [resource], {dtype}, first.name);
  else cut(graph, resource, places, dtype);
  const whole = places.length === 1 ? feeds[0]! : joined(graph, feeds);
  const assigned = graph.add('AssignVariableOp', [resource, whole], {dtype}, `${name}/assign`);
  const uploaded = graph.constant(NOTHING, [assigned], `${name}/uploaded`);
  const members = places.map(({variable, name}, which) => {
    return {variable, value: `${name}:0`, feed: feeds[which]!, uploaded};
  });
  return {resource, members};
}

/** One float32 vector of several outputs. */
export function joined(graph: Graph, outputs: readonly string[]): string {
  const flat = outputs.map(output => reshape(graph, output, [-1]));
  const attributes = {N: {int: flat.length}, T: {type: DTYPE.float32}, Tidx: {type: DTYPE.int32}};
  return `${graph.add('ConcatV2', [...flat, integers(graph, [], [0])], attributes)}:0`;
}

/** The variables' values, cut from the vector that holds them. */
function cut(
  graph: Graph,
  resource: string,
  places: readonly VariablePlace[],
  dtype: Attribute & {type: number},
): void {
  const vector = `${graph.add('ReadVariableOp', [resource], {dtype})}:0`;
  const lengths = places.map(({variable}) => variable.size);
  const inputs = [vector, integers(graph, [lengths.length], lengths), integers(graph, [], [0])];
  const attributes = {num_split: {int: lengths.length}, T: dtype, Tlen: {type: DTYPE.int32}};
  const pieces = graph.add('SplitV', inputs, attributes);
  places.forEach(({variable, name}, which) => {
    reshape(graph, `${pieces}:${which}`, variable.shape, name);
  });
}

function reshape(graph: Graph, output: string, shape: readonly number[], name?: string): string {
  const attributes = {T: {type: DTYPE.float32}, Tshape: {type: DTYPE.int32}};
  const wanted = integers(graph, [shape.length], shape);
  return `${graph.add('Reshape', [output, wanted], attributes, name)}:0`;
}

function integers(graph: Graph, shape: readonly number[], values: readonly number[]): string {
  const bytes = new Uint8Array(Int32Array.from(values).buffer);
  return graph.constant({shape, dtype: DTYPE.int32, bytes});
}

const NOTHING: Constant = {shape: [0], dtype: DTYPE.float32, bytes: new Uint8Array()};
