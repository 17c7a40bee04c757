/**
 * Medians and spreads of step times, and ratios that survive a machine that is sometimes busy.
 */

/**
 * @param {readonly number[]} values
 * @param {number} fraction 0.5 for the median
 */
export function quantile(values, fraction) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * fraction;
  const [low, high] = [sorted[Math.floor(place)] ?? NaN, sorted[Math.ceil(place)] ?? NaN];
  return low + (high - low) * (place - Math.floor(place));
}

/** @param {readonly number[]} values */
export const median = values => quantile(values, 0.5);

/**
 * How many times longer the others took than we did: a ratio of medians for each round, in which
 * both ran one after the other, so that what slowed the machine slowed both.
 * @param {readonly (readonly number[])[]} others times of each round
 * @param {readonly (readonly number[])[]} ours
 */
export function ratio(others, ours) {
  const ratios = others.map((times, round) => median(times) / median(ours[round] ?? []));
  return {median: median(ratios), low: quantile(ratios, 0.1), high: quantile(ratios, 0.9)};
}
