/**
 * The attributes of recorded ops: tfjs-node's form to the graph's, with those it leaves to eager TensorFlow filled in.
 * Source: the op definitions in tensorflow/core/ops.   Lesson: none.
 */
import type {Attribute} from './graph';
import {DTYPE, type Binding, type Handle, type OpAttribute} from './native-backend';

/** The attributes of a recorded op, complete enough for a graph. */
export function attributesOf(
  binding: Binding,
  op: string,
  given: readonly OpAttribute[],
  results: readonly Handle[],
): Record<string, Attribute> {
  const attributes = Object.fromEntries(
    given.map(attribute => [attribute.name, convert(binding, op, attribute)]),
  );
  // Porting note: tfjs-node's ExpandDims names no types; eager TensorFlow infers them, a graph does not.
  if (op === 'ExpandDims') {
    attributes['T'] ??= {type: results[0]?.dtype ?? DTYPE.float32};
    attributes['Tdim'] ??= {type: DTYPE.int32};
  }
  return attributes;
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
