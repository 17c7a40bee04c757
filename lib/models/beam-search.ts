/**
 * Beam search: the few most likely beginnings of a text, all continued, the best kept at every token.
 * Source: Graves 2012, arXiv:1211.3711; Wu et al. 2016 (length); rules of stopping as in transformers 5.   Lesson: notebooks/04-bart-vae.
 */

/** A text that a search found. */
export interface Hypothesis {
  /** From the start's id; the end's is last unless the text was cut off */
  readonly ids: readonly number[];
  /** Σ log p of its tokens in nats, divided by (how many there are) ^ lengthPenalty */
  readonly score: number;
}

/**
 * Scores of every next token.
 * @param rows    R texts so far, all of one length
 * @param parents [R] which of the last call's rows each was; undefined at the first call
 * @returns [R, V] row by row; log p, or −∞ for what is forbidden
 */
export type NextScores = (
  rows: readonly (readonly number[])[],
  parents: Int32Array | undefined,
) => Float32Array;

export interface BeamSearchOptions {
  /** B, how many texts are looked for at once */
  readonly batch: number;
  /** How many beginnings are followed for each */
  readonly beams: number;
  /** V */
  readonly vocabulary: number;
  /** The id that all texts begin with, and the one that ends them */
  readonly startId: number;
  readonly endId: number;
  /** The most ids in a text, start and end among them */
  readonly maxLength: number;
  /** Above 0 favours long texts, since log p is negative; 1 unless given: log p a token */
  readonly lengthPenalty?: number | undefined;
  /**
   * When a text's search ends: with true as soon as there are as many finished texts as beams; with
   * false, the default, when the best beam as it is cannot beat the worst of them; with 'never' when
   * it could not at any length either.
   */
  readonly earlyStopping?: boolean | 'never' | undefined;
}

/** A beginning that is followed. */
interface Beam {
  readonly ids: readonly number[];
  /** Σ log p, in single precision as it is summed elsewhere */
  readonly total: number;
  /** The row of the last call that it goes on from */
  readonly parent: number;
}

/** One text's search. */
interface Search {
  beams: Beam[];
  /** The best finished texts, best first, at most as many as beams */
  readonly finished: Hypothesis[];
  isDone: boolean;
}

/** Lower than any sum of log p: keeps the copies of the first beginning out of the first choice. */
const NEVER = -1e9;

/**
 * The best text for each of the batch.
 *
 * @param next called with batch · beams rows: those of the first text, then those of the second, …
 * @returns B texts
 * @throws RangeError when a number is out of its range
 */
export function beamSearch(options: BeamSearchOptions, next: NextScores): Hypothesis[] {
  const {batch, beams, vocabulary, startId, maxLength} = options;
  for (const [name, value] of Object.entries({batch, beams, vocabulary, maxLength})) {
    const least = name === 'maxLength' ? 2 : 1;
    if (!Number.isInteger(value) || value < least) {
      throw new RangeError(
        `beamSearch: ${name} is ${value}, expected an integer from ${least} on.`,
      );
    }
  }
  const searches = Array.from({length: batch}, (): Search => {
    const first = {ids: [startId], parent: 0};
    const copies = Array.from({length: beams}, (_, index) => ({
      ...first,
      total: index === 0 ? 0 : NEVER,
    }));
    return {beams: copies, finished: [], isDone: false};
  });
  let parents: Int32Array | undefined;
  for (let length = 1; length < maxLength && searches.some(({isDone}) => !isDone); length++) {
    const rows = searches.flatMap(search => search.beams);
    const scores = next(
      rows.map(({ids}) => ids),
      parents,
    );
    const width = beams * vocabulary;
    searches.forEach((search, index) => {
      advance(search, scores.subarray(index * width, (index + 1) * width), options);
    });
    const firstRow = (index: number) => Math.floor(index / beams) * beams;
    const moved = searches.flatMap(search => search.beams);
    parents = Int32Array.from(moved, ({parent}, index) => firstRow(index) + parent);
  }
  return searches.map(({finished}) => finished[0]!);
}

/** One token more for one text. @param scores [beams, V] */
function advance(search: Search, scores: Float32Array, options: BeamSearchOptions): void {
  const {beams: width, vocabulary, endId, maxLength, lengthPenalty = 1} = options;
  const length = search.beams[0]!.ids.length + 1; // with the new token
  const totals = search.beams.map(({total}) => total);
  // of 2 · beams candidates at most half end their text, so that as many beams can go on
  const candidates = best(scores, totals, vocabulary, 2 * width).map((place): Beam => {
    const parent = Math.floor(place / vocabulary);
    const ids = [...search.beams[parent]!.ids, place % vocabulary];
    return {ids, parent, total: Math.fround(totals[parent]! + scores[place]!)};
  });
  const isEnd = ({ids}: Beam) => ids[length - 1] === endId || length === maxLength;
  const going = candidates.filter(candidate => !isEnd(candidate));
  const ended = candidates.slice(0, width).filter(isEnd);
  if (!search.isDone) {
    for (const {ids, total} of ended) {
      search.finished.push({ids, score: Math.fround(total / (length - 1) ** lengthPenalty)});
    }
    search.finished.sort((a, b) => b.score - a.score); // stable: of equal ones the earlier
    search.finished.splice(width);
    search.isDone = length === maxLength || !canImprove(search.finished, going[0]!, options);
  }
  if (going.length > 0) search.beams = going.slice(0, width);
}

/** Whether to go on, given the best beam that has not ended. */
function canImprove(
  finished: readonly Hypothesis[],
  {ids, total}: Beam,
  {beams, maxLength, earlyStopping = false, lengthPenalty = 1}: BeamSearchOptions,
): boolean {
  if (finished.length < beams) return true;
  if (earlyStopping === true) return false;
  const atAnyLength = earlyStopping === 'never' && lengthPenalty > 0;
  const tokens = (atAnyLength ? maxLength : ids.length) - 1;
  return Math.fround(total / tokens ** lengthPenalty) > finished.at(-1)!.score;
}

/** The places of the highest sums of beam and token, highest first, the first of equal ones. */
function best(
  scores: Float32Array,
  totals: readonly number[],
  vocabulary: number,
  count: number,
): number[] {
  const places: number[] = [];
  const values: number[] = [];
  for (let place = 0; place < scores.length; place++) {
    const value = Math.fround(totals[Math.floor(place / vocabulary)]! + scores[place]!);
    if (places.length === count && !(value > values[count - 1]!)) continue;
    let at = values.length;
    while (at > 0 && value > values[at - 1]!) at--;
    values.splice(at, 0, value);
    places.splice(at, 0, place);
    values.length = places.length = Math.min(values.length, count);
  }
  return places;
}
