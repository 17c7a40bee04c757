/**
 * A mean over examples with its standard error.
 * Source: none.   Lesson: notebooks/01-dense-vae.
 */

/** A number for each example, with what they say together. */
export interface Estimate {
  /** [N] in nats */
  readonly perExample: Float64Array;
  readonly mean: number;
  /** Of the mean, from the spread over examples. */
  readonly standardError: number;
}

/** The mean of [N] numbers and its standard error. */
export function estimate(perExample: Float64Array): Estimate {
  const count = perExample.length;
  const mean = perExample.reduce((sum, value) => sum + value, 0) / count;
  const squares = perExample.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {perExample, mean, standardError: Math.sqrt(squares / (count - 1) / count)};
}
