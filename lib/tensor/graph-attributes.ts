/**
 * What tfjs-node asks of eager TensorFlow, as nodes of a graph: attributes filled in, ops in their fastest form.
 * Source: the op definitions in tensorflow/core/ops.   Lesson: none.
 */
import type {Attribute} from './graph';
import {DTYPE, type Binding, type Handle, type OpAttribute} from './native-backend';

/** What a recorded op becomes in a graph. */
export interface Recorded {
  readonly op: string;
  readonly attributes: Record<string, Attribute>;
}

/** The node for an op that tfjs-node executed: complete, and in TensorFlow's fastest form. */
export function recordedNode(
  binding: Binding,
  op: string,
  given: readonly OpAttribute[],
  results: readonly Handle[],
): Recorded {
  const attributes = Object.fromEntries(
    given.map(attribute => [attribute.name, convert(binding, op, attribute)]),
  );
  const [result] = results;
  // Porting note: tfjs-node's ExpandDims names no types; eager TensorFlow infers them, a graph does not.
  if (op === 'ExpandDims') {
    attributes['T'] ??= {type: result?.dtype ?? DTYPE.float32};
    attributes['Tdim'] ??= {type: DTYPE.int32};
  }
  // tfjs multiplies plain matrices as batches of none.
  if (op === 'BatchMatMulV2' && result?.shape.length === 2) {
    const {T, adj_x, adj_y} = attributes;
    return {op: 'MatMul', attributes: {T: T!, transpose_a: adj_x!, transpose_b: adj_y!}};
  }
  return {op, attributes};
}

function convert(binding: Binding, op: string, {name, type, value}: OpAttribute): Attribute {
  const list = Array.isArray(value) ? (value as number[]) : undefined;
  switch (type) {
    case binding.TF_ATTR_TYPE:
      return list === undefined ? {type: value as number} : {types: list};
    case binding.TF_ATTR_INT:
      return list === undefined ? {int: value as number} : {ints: list};
    case binding.TF_ATTR_SHAPE:
      return {shape: value as number[]};
    case binding.TF_ATTR_FLOAT:
      return {float: value as number};
    case binding.TF_ATTR_BOOL:
      return {bool: Boolean(value)};
    case binding.TF_ATTR_STRING:
      return list === undefined ? {text: String(value)} : {texts: list.map(String)};
    default:
      throw new TypeError(`The attribute ${name} of ${op} has the unknown type ${type}.`);
  }
}
