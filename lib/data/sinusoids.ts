/**
 * Noisy sinusoids of random frequency and phase, with the two factors that made each of them.
 * Source: AdamGabrys/WorkshopOnSignalReconstructionWithVAE@bca94a2, notebook 1.   Lesson: notebooks/02-gru-sinusoids.
 */
import type {Random} from '../tensor/random';
import {Rows} from './rows';

/** The defaults are the source's. */
export interface SinusoidOptions {
  /** T, in samples; 50 unless given. */
  readonly length?: number;
  /** Radians a sample: mean 0.5 and standard deviation 0.05 unless given. */
  readonly frequency?: NormalFactor;
  /** Radians: mean 3 and standard deviation 1.5 unless given. */
  readonly phase?: NormalFactor;
  /** Width of the uniform noise; 0.1 unless given. */
  readonly noise?: number;
  /**
   * The source adds noise from [0, noise), which lifts every signal by noise / 2 on average. With
   * true it comes from [−noise / 2, noise / 2) instead.
   */
  readonly centredNoise?: boolean;
}

export interface NormalFactor {
  readonly mean: number;
  readonly deviation: number;
}

export interface Sinusoids {
  /** [N, T] */
  readonly signals: Rows;
  /** The factors, [N] each: radians a sample, radians. Equal to a table's columns. */
  readonly factors: {readonly frequency: Float64Array; readonly phase: Float64Array};
}

/**
 * Draws signals: x[n] = sin(n · frequency + phase) + noise, n = 0 … T − 1.
 *
 * The factors come from streams of their own: another length or noise leaves them as they are, and
 * the first signals of many are those of few.
 *
 * @throws RangeError when an option is out of range
 */
export function sinusoids(
  count: number,
  random: Random,
  {
    length = 50,
    frequency = {mean: 0.5, deviation: 0.05},
    phase = {mean: 3, deviation: 1.5},
    noise = 0.1,
    centredNoise = false,
  }: SinusoidOptions = {},
): Sinusoids {
  for (const [name, value] of Object.entries({count, length})) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`sinusoids: ${name} is ${value}, expected a positive integer.`);
    }
  }
  const widths = {
    noise,
    'frequency.deviation': frequency.deviation,
    'phase.deviation': phase.deviation,
  };
  for (const [name, value] of Object.entries(widths)) {
    if (!(value >= 0 && value < Infinity)) {
      throw new RangeError(`sinusoids: ${name} is ${value}, expected a number from 0.`);
    }
  }
  const draw = (name: string, {mean, deviation}: NormalFactor) => {
    const stream = random.stream(name);
    return Float64Array.from({length: count}, () => mean + deviation * stream.normal());
  };
  const factors = {frequency: draw('frequency', frequency), phase: draw('phase', phase)};
  const uniform = random.stream('noise');
  const lowest = centredNoise ? -noise / 2 : 0;
  const values = new Float32Array(count * length);
  for (let index = 0; index < values.length; index++) {
    const signal = Math.floor(index / length);
    const angle = (index % length) * factors.frequency[signal]! + factors.phase[signal]!;
    values[index] = Math.sin(angle) + lowest + noise * uniform.uniform();
  }
  return {signals: new Rows(values, length), factors};
}
