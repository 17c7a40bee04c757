/**
 * A TensorFlow graph as plain data: nodes that name their inputs, before it is written and loaded.
 * Source: tensorflow/core/framework/{graph,node_def,attr_value}.proto.   Lesson: none.
 */
import {DTYPE} from './native-backend';

/** The value of a node's attribute, by kind. Types are TensorFlow's numbers. */
export type Attribute =
  | {readonly type: number}
  | {readonly types: readonly number[]}
  | {readonly int: number}
  | {readonly ints: readonly number[]}
  | {readonly float: number}
  | {readonly bool: boolean}
  | {readonly text: string}
  | {readonly texts: readonly string[]}
  | {readonly shape: readonly number[]}
  | {readonly tensor: Constant};

/** A tensor written into the graph. */
export interface Constant {
  readonly shape: readonly number[];
  readonly dtype: number;
  /** Little-endian, row by row. */
  readonly bytes: Uint8Array;
}

/** One operation. Inputs are 'node:output'; '^node' means 'after that node'. */
export interface GraphNode {
  readonly name: string;
  op: string;
  inputs: string[];
  attributes: Record<string, Attribute>;
}

/** A graph under construction. Names are unique and depend on the order of calls only. */
export class Graph {
  readonly nodes: GraphNode[] = [];
  /** The shapes of outputs, where they are known. */
  readonly shapes = new Map<string, readonly number[]>();
  private readonly names = new Set<string>();

  /**
   * Adds a node and returns its name.
   * @throws Error when the name is taken
   */
  add(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    name = `${op}_${this.names.size}`,
  ): string {
    if (this.names.has(name)) throw new Error(`Graph: there are two nodes named ${name}.`);
    this.names.add(name);
    this.nodes.push({name, op, inputs: [...inputs], attributes: {...attributes}});
    return name;
  }

  /** Adds a constant and returns its output. */
  constant(constant: Constant, after: readonly string[] = [], name?: string): string {
    const attributes = {dtype: {type: constant.dtype}, value: {tensor: constant}};
    const output = `${this.add('Const', after.map(control), attributes, name)}:0`;
    this.shapes.set(output, constant.shape);
    return output;
  }

  /** Adds a float32 scalar and returns its output. */
  scalar(value: number): string {
    const bytes = new Uint8Array(Float32Array.of(value).buffer);
    return this.constant({shape: [], dtype: DTYPE.float32, bytes});
  }

  /** Adds a tensor whose numbers all are the first of `bytes`, and returns its output. */
  fill(shape: readonly number[], dtype: number, bytes: Uint8Array): string {
    const dims = new Uint8Array(Int32Array.from(shape).buffer);
    const size = dtype === DTYPE.bool ? 1 : 4;
    const inputs = [
      this.constant({shape: [shape.length], dtype: DTYPE.int32, bytes: dims}),
      this.constant({shape: [], dtype, bytes: bytes.slice(0, size)}),
    ];
    const attributes = {T: {type: dtype}, index_type: {type: DTYPE.int32}};
    const output = `${this.add('Fill', inputs, attributes)}:0`;
    this.shapes.set(output, shape);
    return output;
  }

  /** Adds an input that is fed at every run, and returns its output. */
  placeholder(name: string, shape: readonly number[], dtype: number): string {
    const output = `${this.add('Placeholder', [], {dtype: {type: dtype}, shape: {shape}}, name)}:0`;
    this.shapes.set(output, shape);
    return output;
  }
}

/** The input that only orders: '^node' for a node or one of its outputs. */
export function control(nodeOrOutput: string): string {
  return `^${nodeOrOutput.split(':')[0] ?? ''}`;
}

/** Whether an attribute is there and true. */
export function isTrue(attribute: Attribute | undefined): boolean {
  return attribute !== undefined && 'bool' in attribute && attribute.bool;
}

/** The number of bytes that a graph's constants take. */
export function constantBytes(graph: Graph): number {
  let bytes = 0;
  for (const {attributes} of graph.nodes) {
    const value = attributes['value'];
    if (value !== undefined && 'tensor' in value) bytes += value.tensor.bytes.byteLength;
  }
  return bytes;
}
