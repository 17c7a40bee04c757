/**
 * BLEU: how many word sequences of a text its references share. Self-BLEU: how alike samples are.
 * Source: Papineni et al. 2002; Chen & Cherry 2014 (method 1); Zhu et al. 2018, arXiv:1802.01886.   Lesson: notebooks/05-transformer-vae.
 */

export interface BleuOptions {
  /** The longest n-gram; 4 unless given. */
  readonly order?: number;
  /**
   * What stands for a count of 0, of which one makes BLEU 0: nothing, or 'epsilon', a tenth of a match.
   * 'none' unless given; self-BLEU, which is about single sentences, has 'epsilon'.
   */
  readonly smoothing?: 'none' | 'epsilon';
}

/**
 * BLEU of a corpus: n-gram matches, clipped to the most that one reference has, over all texts together.
 *
 *   BLEU = exp(min(0, 1 − r/c)) · Πₙ (matchesₙ / totalₙ)^(1/order)
 *
 * c: words of the texts; r: of each text's reference of the nearest length, the shorter one of two. A text
 * and one reference make the BLEU of a sentence.
 *
 * @param texts      [N] words and marks set apart by white space
 * @param references [N] one reference or more for each
 * @returns 0 … 1
 * @throws RangeError when the lengths differ, a text has no reference, or the order is no positive integer
 */
export function bleu(
  texts: readonly string[],
  references: readonly (readonly string[])[],
  options: BleuOptions = {},
): number {
  const {order, smoothing} = settled('bleu', options);
  const bare = references.findIndex(own => own.length === 0);
  if (texts.length === 0 || texts.length !== references.length || bare >= 0) {
    throw new RangeError(
      bare >= 0
        ? `bleu: text ${bare} has no reference.`
        : `bleu: ${texts.length} texts, ${references.length} lists of references.`,
    );
  }
  const sums = new Matches(order);
  texts.forEach((text, index) => {
    const words = wordsOf(text);
    const others = references[index]!.map(wordsOf);
    sums.addLengths(words.length, nearest(words.length, others.map(({length}) => length))); // prettier-ignore
    for (let n = 1; n <= order; n++) {
      const most = new Map<string, number>();
      for (const counts of others.map(other => ngrams(other, n))) {
        for (const [gram, count] of counts) most.set(gram, Math.max(count, most.get(gram) ?? 0));
      }
      sums.add(n, ngrams(words, n), gram => most.get(gram) ?? 0);
    }
  });
  return sums.score(smoothing);
}

/**
 * The mean BLEU of each text with all the others as its references: 1 where all are equal, low where
 * they differ. Takes time in proportion to the number of texts.
 *
 * @param texts [N] words and marks set apart by white space
 * @returns 0 … 1; smoothed by 'epsilon' unless the options say otherwise
 * @throws RangeError when there are fewer than two texts, or the order is no positive integer
 */
export function selfBleu(texts: readonly string[], options: BleuOptions = {}): number {
  const {order, smoothing} = settled('selfBleu', {smoothing: 'epsilon', ...options});
  if (texts.length < 2) {
    throw new RangeError(`selfBleu: ${texts.length} texts, expected two at least.`);
  }
  const words = texts.map(wordsOf);
  const scores = words.map(() => new Matches(order));
  const ofLength = new Map<number, number>();
  for (const {length} of words) ofLength.set(length, 1 + (ofLength.get(length) ?? 0));
  words.forEach(({length}, index) => {
    const others = [...ofLength].filter(([other, count]) => other !== length || count > 1);
    scores[index]!.addLengths(length, nearest(length, others.map(([other]) => other))); // prettier-ignore
  });
  for (let n = 1; n <= order; n++) {
    const counts = words.map(own => ngrams(own, n));
    const most = new Map<string, Most>();
    counts.forEach((own, index) => {
      for (const [gram, count] of own) most.set(gram, raised(most.get(gram), count, index));
    });
    counts.forEach((own, index) => {
      scores[index]!.add(n, own, gram => {
        const {owner, first, second} = most.get(gram)!;
        return owner === index ? second : first;
      });
    });
  }
  return scores.reduce((sum, score) => sum + score.score(smoothing), 0) / texts.length;
}

/** The share of n-grams that occur for the first time, over all texts: 1 where none is repeated. */
export function distinctNgrams(texts: readonly string[], n: number): number {
  settled('distinctNgrams', {order: n});
  const seen = new Set<string>();
  let total = 0;
  for (const text of texts) {
    for (const [gram, count] of ngrams(wordsOf(text), n)) {
      seen.add(gram);
      total += count;
    }
  }
  return total === 0 ? NaN : seen.size / total;
}

/** The largest count of an n-gram in one text, in which, and the largest in any other. */
interface Most {
  readonly owner: number;
  readonly first: number;
  readonly second: number;
}

function raised(most: Most | undefined, count: number, owner: number): Most {
  if (most === undefined) return {owner, first: count, second: 0};
  if (count > most.first) return {owner, first: count, second: most.first};
  return {...most, second: Math.max(most.second, count)};
}

/** Sums over texts from which BLEU follows. */
class Matches {
  private readonly matches: number[];
  private readonly totals: number[];
  private length = 0;
  private referenceLength = 0;

  constructor(order: number) {
    this.matches = Array<number>(order).fill(0);
    this.totals = Array<number>(order).fill(0);
  }

  addLengths(length: number, referenceLength: number): void {
    this.length += length;
    this.referenceLength += referenceLength;
  }

  add(n: number, counts: ReadonlyMap<string, number>, most: (gram: string) => number): void {
    for (const [gram, count] of counts) {
      this.matches[n - 1]! += Math.min(count, most(gram));
      this.totals[n - 1]! += count;
    }
  }

  score(smoothing: 'none' | 'epsilon'): number {
    if (this.matches[0] === 0) return 0;
    const least = smoothing === 'none' ? 0 : 0.1;
    const logs = this.matches.map((count, index) => {
      return Math.log(Math.max(count, least) / Math.max(this.totals[index]!, 1));
    });
    const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
    return Math.exp(Math.min(0, 1 - this.referenceLength / this.length) + mean);
  }
}

function settled(where: string, {order = 4, smoothing = 'none'}: BleuOptions) {
  if (!Number.isInteger(order) || order < 1) {
    throw new RangeError(`${where}: the order is ${order}, expected a positive integer.`);
  }
  return {order, smoothing};
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter(word => word !== '');
}

function ngrams(words: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let start = 0; start + n <= words.length; start++) {
    const gram = words.slice(start, start + n).join(' ');
    counts.set(gram, 1 + (counts.get(gram) ?? 0));
  }
  return counts;
}

/** The nearest of some lengths; of two as near, the shorter. */
function nearest(length: number, others: readonly number[]): number {
  return others.reduce((best, other) => {
    const closer = Math.abs(other - length) - Math.abs(best - length);
    return closer < 0 || (closer === 0 && other < best) ? other : best;
  });
}
