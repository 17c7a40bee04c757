/**
 * Pairs x → y: a sentence and one of the many that may follow it, with the factors of both.
 * Source: ours; one-to-many as in dialogue, Zhao et al. 2017 (arXiv:1703.10960).   Lesson: notebooks/05-transformer-vae.
 */
import type {Random} from '../tensor/random';
import {grammarWords} from './grammar';
import {
  CONTINUATION_FACTOR_NAMES,
  CONTINUATION_FACTORS,
  continuationChoices,
  continuationWords,
  parseContinuation,
  realizeContinuation,
  statement,
  type ContinuationFactorName,
  type ContinuationFactors,
} from './grammar-continuation';
import {OBJECTS_OF_VERB} from './grammar-words';
import {
  randomOf,
  sentenceRows,
  sentences,
  type Factor,
  type Factors,
  type SentencesOptions,
} from './sentences';

/** A sentence and what follows it. */
export interface TextPair {
  readonly x: string;
  readonly y: string;
}

export type ContinuationColumns = Readonly<Record<ContinuationFactorName, Factor>>;

export interface SentencePairs {
  /** [N] no two with the same x */
  readonly pairs: readonly TextPair[];
  /** Of x. */
  readonly factors: Factors;
  /** Of y. */
  readonly continuations: ContinuationColumns;
}

/**
 * Draws pairs: x is a statement of the grammar, and y goes on from it. What x decides about y and what
 * it leaves free is said at `continuationChoices`; `continuationFaults` checks it, and
 * `continuationNats` says how many nats the choice of y is worth. A pair is held out where its x is.
 *
 * @throws RangeError as `sentences` does
 */
export function sentencePairs(options: SentencesOptions): SentencePairs {
  const random = randomOf('sentencePairs', options);
  const {count, split = 'train', only} = options;
  const statements = {...only, mood: ['statement']};
  const {texts, factors} = sentences({random, count, split, only: statements});
  const stream = random.stream('continuations');
  const pairs = texts.map(x => ({x, y: continuation(x, stream)}));
  return {pairs, factors, continuations: continuationColumns(pairs.map(({y}) => y))};
}

/**
 * Draws one continuation of a statement. Draw several to see what is free.
 * @throws RangeError when x is no statement of the grammar
 */
export function continuation(x: string, random: Random): string {
  const choices = continuationChoices(statement(x));
  const of = (indices: readonly number[]) => indices[random.integer(indices.length)]!;
  const drawn = Object.entries(choices).map(([name, indices]) => [name, of(indices)] as const);
  const free = Object.fromEntries(drawn) as Omit<ContinuationFactors, 'object'>;
  return realizeContinuation({...free, object: of(OBJECTS_OF_VERB[free.verb]!)});
}

/** The factors of continuations, as one column each. @throws RangeError when a text is none */
export function continuationColumns(texts: readonly string[]): ContinuationColumns {
  const rows = texts.map(text => {
    const factors = parseContinuation(text);
    if (factors === undefined) throw new RangeError(`"${text}" is no continuation.`);
    return factors;
  });
  const column = (name: ContinuationFactorName): Factor => ({
    names: CONTINUATION_FACTORS[name],
    indices: Int32Array.from(rows, row => row[name]),
  });
  return Object.fromEntries(
    CONTINUATION_FACTOR_NAMES.map(name => [name, column(name)]),
  ) as unknown as ContinuationColumns;
}

/**
 * One record a pair, x and y beside their factors by name (those of y begin with "y."): what a table
 * or `pl.DataFrame(pairRows(…))` takes.
 */
export function pairRows({pairs, factors, continuations}: SentencePairs): Record<string, string>[] {
  const texts = pairs.map(({x}) => x);
  return sentenceRows({texts, factors}).map(({text, ...named}, row) => {
    const following = CONTINUATION_FACTOR_NAMES.map(name => {
      const {names, indices} = continuations[name];
      return [`y.${name}`, names[indices[row]!]!] as const;
    });
    return {x: text, y: pairs[row]!.y, ...named, ...Object.fromEntries(following)};
  });
}

/** Every word and mark that x or y can hold, sorted: `new Vocabulary(pairWords())` knows them all. */
export function pairWords(): string[] {
  return [...new Set([...grammarWords(), ...continuationWords()])].sort();
}
