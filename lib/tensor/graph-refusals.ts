/**
 * What a recording would freeze silently, and so refuses: draws, reads and variables of JavaScript's.
 * Source: what tf.function leaves to its reader, tensorflow.org/guide/function.   Lesson: none.
 */
import {tf} from './tf';

/** A function cannot be recorded as it is; the message says what to do. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
}

/** Ops of tfjs that draw in JavaScript, where a recording would repeat one draw for ever. */
const RANDOM_OPS = new Set(
  [
    'dropout',
    'multinomial',
    'rand',
    'randomGamma',
    'randomNormal',
    'randomStandardNormal',
    'randomUniform',
    'randomUniformInt',
    'truncatedNormal',
  ].map(name => `${name}__op`),
);

/** @throws RecordingError when tfjs is drawing numbers now, told by the op in whose scope they arrive */
export function refuseDrawing(what: string): void {
  const drawing = tf.engine().state.scopeStack.find(({name}) => RANDOM_OPS.has(name));
  if (drawing === undefined) return;
  throw new RecordingError(
    `${what}: tf.${drawing.name.replace('__op', '')} draws in JavaScript, so a recording ` +
      'would repeat the same numbers for ever. Pass the noise as an input, or draw it with ' +
      'statelessNormal or statelessUniform from a seed that is an input.',
  );
}

/** @throws RecordingError always: a value is being read */
export function refuseReading(what: string): never {
  throw new RecordingError(
    `${what}: a tensor's value is read (dataSync, data, array, print), so a recording would ` +
      'keep that value for ever. Compute with the tensor, or return it and read it outside.',
  );
}

/**
 * @param before  the variables there were before the function ran, by name
 * @param dataIds what each of them held
 * @throws RecordingError when the function made a variable or assigned one
 */
export function refuseChangedVariables(
  what: string,
  before: Readonly<Record<string, tf.Variable>>,
  dataIds: ReadonlyMap<tf.Variable, object>,
): void {
  const made = disposeNewVariables(before);
  if (made.length > 0) {
    const names = made.map(({name}) => name).join(', ');
    throw new RecordingError(
      `${what}: creates ${made.length} variable(s) inside (${names}). Create them outside, once.`,
    );
  }
  for (const [variable, dataId] of dataIds) {
    if (variable.dataId !== dataId && !variable.isDisposed) {
      throw new RecordingError(
        `${what}: assigns the variable ${variable.name} inside. Return the new value and assign it outside.`,
      );
    }
  }
}

/** Frees the variables that were not there before. @returns them */
export function disposeNewVariables(before: Readonly<Record<string, tf.Variable>>): tf.Variable[] {
  const made = Object.values(tf.engine().registeredVariables).filter(
    variable => before[variable.name] !== variable,
  );
  for (const variable of made) variable.dispose();
  return made;
}
