/**
 * Weights under dotted names: joined from parts, counted, and set from given values.
 * Source: tfjs does not find a model's variables by itself, so each model lists them.   Lesson: notebooks/01-dense-vae.
 */
import {ShapeError, type NamedTensors} from '../tensor/shapes';
import {type tf} from '../tensor/tf';

/** Variables under dotted names, e.g. 'encoder.hidden.kernel', in a fixed order. */
export type Weights = Readonly<Record<string, tf.Variable>>;

/** What owns weights: a layer or a model. */
export interface Weighted {
  readonly weights: Weights;
}

/**
 * The weights of several parts, each name led by its part's.
 *
 *   joinWeights({'encoder.hidden': dense})   // 'encoder.hidden.kernel', 'encoder.hidden.bias'
 */
export function joinWeights(parts: Readonly<Record<string, Weighted>>): Weights {
  const joined: Record<string, tf.Variable> = {};
  for (const [part, {weights}] of Object.entries(parts)) {
    for (const [name, variable] of Object.entries(weights)) joined[`${part}.${name}`] = variable;
  }
  return joined;
}

/** How many numbers the weights hold. */
export function countWeights(weights: Weights): number {
  return Object.values(weights).reduce((count, {size}) => count + size, 0);
}

/**
 * Sets all weights to given values; nothing is set unless every name and shape fits.
 * @param values one tensor for each name, and no other; still the caller's afterwards
 * @throws ShapeError listing each missing, unexpected and misshapen tensor
 */
export function assignWeights(weights: Weights, values: NamedTensors): void {
  const problems = differences(weights, values);
  if (problems.length > 0) {
    throw new ShapeError(`assignWeights: the values do not fit. ${problems.join(' ')}`);
  }
  for (const [name, variable] of Object.entries(weights)) {
    const value = values[name];
    // a variable that is assigned to itself would lose its numbers
    if (value !== undefined && value !== variable) variable.assign(value);
  }
}

/** What keeps tensors from taking another set's values, one sentence a kind. */
export function differences(
  wanted: Readonly<Record<string, {readonly shape: readonly number[]}>>,
  got: Readonly<Record<string, {readonly shape: readonly number[]}>>,
): string[] {
  const missing = Object.keys(wanted).filter(name => !Object.hasOwn(got, name));
  const unexpected = Object.keys(got).filter(name => !Object.hasOwn(wanted, name));
  const misshapen = Object.entries(wanted).flatMap(([name, {shape}]) => {
    const other = Object.hasOwn(got, name) ? got[name]?.shape : undefined;
    if (other === undefined || `${other.join()}` === `${shape.join()}`) return [];
    return [`${name} has shape [${other.join(',')}], expected [${shape.join(',')}].`];
  });
  return [
    ...(missing.length > 0 ? [`Missing: ${missing.join(', ')}.`] : []),
    ...(unexpected.length > 0 ? [`Unexpected: ${unexpected.join(', ')}.`] : []),
    ...misshapen,
  ];
}
