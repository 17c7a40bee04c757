/**
 * What a text may not say next, or must: least lengths, no repeats, a forced first or last token.
 * Source: Paulus et al. 2017, arXiv:1705.04304 (no repeats); the processors of transformers.   Lesson: notebooks/04-bart-vae.
 */

export interface TokenRules {
  /** The fewest ids in a text, start and end among them; 0 unless given */
  readonly minLength?: number | undefined;
  /** The most ids, start and end among them */
  readonly maxLength: number;
  /** So many ids in a row come once in a text at most; 0, the default, allows all */
  readonly noRepeatNgram?: number | undefined;
  /** The first id after the start's */
  readonly forcedBosId?: number | undefined;
  /** The last id of a text that is as long as allowed */
  readonly forcedEosId?: number | undefined;
  /** What ends a text */
  readonly endId: number;
}

/** Whether the rules say anything after so many ids; where they do not, no score need be looked at. */
export function rulesApply(rules: TokenRules, length: number): boolean {
  const {minLength = 0, maxLength, noRepeatNgram = 0, forcedBosId, forcedEosId} = rules;
  return (
    length < minLength ||
    (noRepeatNgram > 0 && length >= noRepeatNgram) ||
    (forcedBosId !== undefined && length === 1) ||
    (forcedEosId !== undefined && length === maxLength - 1)
  );
}

/**
 * Applies the rules to the scores of one text's next token, in place: −∞ forbids.
 * @param ids    the text so far, the start's id first
 * @param scores [V]
 */
export function applyRules(rules: TokenRules, ids: readonly number[], scores: Float32Array): void {
  const {minLength = 0, maxLength, noRepeatNgram = 0, forcedBosId, forcedEosId, endId} = rules;
  if (noRepeatNgram > 0) for (const id of repeats(ids, noRepeatNgram)) scores[id] = -Infinity;
  if (ids.length < minLength) scores[endId] = -Infinity;
  const forced = ids.length === maxLength - 1 ? forcedEosId : undefined;
  const id = ids.length === 1 && forced === undefined ? forcedBosId : forced;
  if (id !== undefined) scores.fill(-Infinity).fill(0, id, id + 1);
}

/** What would complete a run of `count` ids that the text has already. */
function repeats(ids: readonly number[], count: number): number[] {
  const from = ids.length - count + 1; // where the run that is under way began
  if (from < 1) return [];
  const found: number[] = [];
  for (let start = 0; start + count <= ids.length; start++) {
    let same = 0;
    while (same < count - 1 && ids[start + same] === ids[from + same]) same++;
    if (same === count - 1) found.push(ids[start + same]!);
  }
  return found;
}
