/**
 * Where in a sequence a token stands: sinusoids of fixed wavelengths, or learnt vectors.
 * Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5; BART's offset of 2 (Lewis et al. 2019).   Lesson: notebooks/04.
 */
import type {Random} from '../tensor/random';
import {tf} from '../tensor/tf';
import type {Weights} from './weights';

export interface SinusoidConfig {
  /** T, how many positions */
  readonly steps: number;
  /** D, the length of the vectors */
  readonly width: number;
  /**
   * Where sines and cosines stand: 'interleaved' as in the paper (even columns sine, odd cosine), or in
   * 'halves' (first all sines, then all cosines) as in Tensor2Tensor.
   */
  readonly layout: 'interleaved' | 'halves';
}

/**
 * Sinusoidal positions: wavelengths from 2π to 10000 · 2π in a geometric series.
 *
 *   interleaved   P[t, 2i] = sin(t / 10000^(2i/D))   P[t, 2i + 1] = cos(t / 10000^(2i/D))
 *   halves        P[t, i] = sin(t / 10000^(i/(D/2 − 1)))   P[t, D/2 + i] = cos(the same)
 *
 * The two differ in more than the order of columns: in halves the longest wavelength is 10000 · 2π
 * exactly, interleaved it falls short of it by one step of the series.
 *
 * @returns [T, D]; caller disposes
 * @throws RangeError when a size is no positive integer, or in halves the width is odd or below 4
 */
export function sinusoidalPositions({steps, width, layout}: SinusoidConfig): tf.Tensor2D {
  demandSizes('sinusoidalPositions', {steps, width});
  if (layout === 'halves' && (width % 2 === 1 || width < 4)) {
    throw new RangeError(
      `sinusoidalPositions: width is ${width}, expected an even number from 4 on for halves.`,
    );
  }
  const half = width / 2;
  const number = (position: number, column: number): number => {
    const isInterleaved = layout === 'interleaved';
    const pair = isInterleaved ? Math.floor(column / 2) : column % half;
    const power = isInterleaved ? (2 * pair) / width : pair / (half - 1);
    const angle = position / 10000 ** power;
    const isSine = isInterleaved ? column % 2 === 0 : column < half;
    return isSine ? Math.sin(angle) : Math.cos(angle);
  };
  const numbers = Float32Array.from({length: steps * width}, (_, index) =>
    number(Math.floor(index / width), index % width),
  );
  return tf.tensor2d(numbers, [steps, width]);
}

export interface LearnedPositionsConfig {
  /** T, how many positions there are at most */
  readonly steps: number;
  /** D, the length of the vectors */
  readonly width: number;
  /** Rows of the table before that of the first position; 0 unless given, 2 in BART */
  readonly offset?: number;
  /** Standard deviation of the vectors at the start; 0.02 unless given, as in BART */
  readonly deviation?: number;
}

/** A learnt vector for each position. */
export class LearnedPositions {
  /** [offset + T, D] */
  readonly table: tf.Variable<tf.Rank.R2>;
  private readonly offset: number;

  /** @throws RangeError when a size is no positive integer, or the offset is negative */
  constructor(
    readonly config: LearnedPositionsConfig,
    random: Random,
  ) {
    const {steps, width, offset = 0, deviation = 0.02} = config;
    demandSizes('LearnedPositions', {steps, width});
    if (!Number.isInteger(offset) || offset < 0) {
      throw new RangeError(`LearnedPositions: offset is ${offset}, expected 0, 1, 2, ….`);
    }
    this.offset = offset;
    const start = () => random.normals<tf.Rank.R2>([offset + steps, width]);
    this.table = tf.tidy(() => tf.variable(start().mul<tf.Tensor2D>(deviation)));
  }

  /**
   * The vectors of consecutive positions.
   * @param steps how many
   * @param from  the first of them; what comes before was decoded earlier
   * @returns [T, D]
   * @throws RangeError when they run beyond the table
   */
  apply(steps: number, from = 0): tf.Tensor2D {
    if (from + steps > this.config.steps) {
      throw new RangeError(
        `LearnedPositions: positions run to ${from + steps - 1}, but there are ${this.config.steps}. Shorten the sequence.`,
      );
    }
    return this.table.slice([this.offset + from, 0], [steps, this.config.width]);
  }

  get weights(): Weights {
    return {table: this.table};
  }

  dispose(): void {
    this.table.dispose();
  }
}

function demandSizes(where: string, named: Readonly<Record<string, number>>): void {
  for (const [name, size] of Object.entries(named)) {
    if (!Number.isInteger(size) || size < 1) {
      throw new RangeError(`${where}: ${name} is ${size}, expected a positive integer.`);
    }
  }
}
