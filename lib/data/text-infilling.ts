/**
 * Text infilling: spans of a sentence are cut out, and one MASK stands for each. BART's pretraining.
 * Source: Lewis et al. 2020, sect. 2.2 (arXiv:1910.13461).   Lesson: notebooks/04-bart-vae.
 */
import type {Random} from '../tensor/random';

export interface InfillingOptions {
  /** The id that stands for a span. */
  readonly mask: number;
  /** Which part of the tokens is cut out, 0.3 unless given. */
  readonly share?: number;
  /** λ, the mean length of a span, 3 unless given. */
  readonly meanSpan?: number;
}

/**
 * Cuts spans of Poisson(λ) tokens until the share is used up. The MASK does not say how many tokens
 * it stands for: a span of length 0 puts one where nothing is missing. A span may swallow a MASK that
 * is there already. Each span uses up one token at least, and the last is cut to what is left.
 *
 * @param ids a sentence without its marks of start and end
 * @returns the damaged sentence, new
 * @throws RangeError when share is not in 0 … 1, or meanSpan is negative
 */
export function infill(
  ids: readonly number[],
  {mask, share = 0.3, meanSpan = 3}: InfillingOptions,
  random: Random,
): number[] {
  if (!(share >= 0 && share <= 1)) {
    throw new RangeError(`infill: share is ${share}, expected a number from 0 to 1.`);
  }
  const damaged = [...ids];
  let left = Math.ceil(share * ids.length);
  while (left > 0) {
    const span = Math.min(poisson(meanSpan, random), left, damaged.length);
    const start = random.integer(damaged.length + 1 - span);
    damaged.splice(start, span, mask);
    left -= Math.max(1, span);
  }
  return damaged;
}

/**
 * A draw from the Poisson distribution: how many uniforms can be multiplied before exp(−mean) is passed.
 * @throws RangeError when mean is not in 0 … 700
 * @see Knuth, The Art of Computer Programming, vol. 2, sect. 3.4.1
 */
export function poisson(mean: number, random: Random): number {
  if (!(mean >= 0 && mean <= 700)) {
    throw new RangeError(`poisson: mean is ${mean}, expected a number from 0 to 700.`);
  }
  const limit = Math.exp(-mean);
  let product = random.uniform();
  let count = 0;
  while (product > limit) {
    product *= random.uniform();
    count += 1;
  }
  return count;
}
