/**
 * Sentences drawn from the grammar, with the factors that made each of them: a corpus that needs no file.
 * Source: ours; the use of known factors as in dSprites (Matthey et al. 2017).   Lesson: notebooks/04-bart-vae.
 */
import {Random} from '../tensor/random';
import {
  FACTOR_NAMES,
  FACTORS,
  parse,
  realize,
  takes,
  type FactorName,
  type SentenceFactors,
} from './grammar';
import {OBJECTS_OF_VERB} from './grammar-words';

export type SentenceSplit = 'train' | 'held-out' | 'all';

export interface SentencesOptions {
  /** Draws the sentences; or give `seed`. */
  readonly random?: Random;
  readonly seed?: number;
  /** N */
  readonly count: number;
  /** 'train' unless given. A sentence is in one of the two for ever, whatever the seed: see `isHeldOut`. */
  readonly split?: SentenceSplit;
  /** Names of classes to keep to, e.g. {mood: ['statement'], manner: ['none']}. */
  readonly only?: Partial<Readonly<Record<FactorName, readonly string[]>>>;
}

/** A factor of N examples: which class each has. */
export interface Factor {
  /** [C] */
  readonly names: readonly string[];
  /** [N] indices of names */
  readonly indices: Int32Array;
}

export type Factors = Readonly<Record<FactorName, Factor>>;

export interface Sentences {
  /** [N] words and marks set apart by spaces; no two are equal */
  readonly texts: readonly string[];
  readonly factors: Factors;
}

/** How often each class of a factor is drawn, where not all are as likely. */
const SHARES: Partial<Readonly<Record<FactorName, (name: string) => number>>> = {
  adjective: name => (name === 'none' ? FACTORS.adjective.length - 1 : 1),
  polarity: name => (name === 'affirmative' ? 2 : 1),
  mood: name => (name === 'statement' ? 3 : 1),
  place: name => (name === 'none' ? FACTORS.place.length - 1 : 1),
  manner: name => (name === 'none' ? FACTORS.manner.length - 1 : 1),
};

/** So many draws without a new sentence mean that there are no more. */
const PATIENCE = 10_000;

/**
 * Draws distinct sentences of 5 to 12 words, and a question mark where they ask. There are about 350
 * million, so that a held-out one is new. Factors are drawn independently, but for the object, which
 * is one that the verb takes. The first sentences of many are those of few.
 *
 * @throws RangeError when the count is out of range, a name is unknown, or `only` leaves too few
 */
export function sentences(options: SentencesOptions): Sentences {
  const {count, split = 'train', only = {}} = options;
  const random = randomOf('sentences', options).stream('sentences');
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`sentences: count is ${count}, expected a positive integer.`);
  }
  const choices = allowed(only);
  const found = new Map<string, SentenceFactors>();
  for (let idle = 0; found.size < count; idle++) {
    if (idle === PATIENCE) {
      throw new RangeError(
        `sentences: ${count} wanted, but ${PATIENCE} draws in a row gave none beyond ${found.size}. ` +
          'Ask for fewer, or let `only` leave more.',
      );
    }
    const factors = draw(choices, random);
    if (factors === undefined) continue;
    const text = realize(factors);
    if (found.has(text) || (split !== 'all' && isHeldOut(text) !== (split === 'held-out')))
      continue;
    found.set(text, factors);
    idle = -1;
  }
  return {texts: [...found.keys()], factors: factorColumns([...found.values()])};
}

/** Whether a sentence belongs to the tenth that no training may see. Depends on its text alone. */
export function isHeldOut(text: string): boolean {
  return new Random(0, text).integer(10) === 0;
}

/**
 * −log p(text), as `sentences` draws without `only` and with the split 'all': what the best model of
 * the corpus cannot go below on average. A training sentence has −log 0.9 = 0.1 nats less.
 *
 * @returns nats; Infinity where the text is not of the grammar
 */
export function sentenceNats(text: string): number {
  const factors = parse(text);
  if (factors === undefined) return Infinity;
  const choices = allowed({});
  const names = FACTOR_NAMES.filter(name => name !== 'object');
  const shares = names.map(name => {
    return choices[name].filter(index => index === factors[name]).length / choices[name].length;
  });
  const objects = OBJECTS_OF_VERB[factors.verb]!.length;
  return shares.reduce((sum, share) => sum - Math.log(share), Math.log(objects));
}

/** The factors of sentences, as one column each. */
export function factorColumns(rows: readonly SentenceFactors[]): Factors {
  const column = (name: FactorName): Factor => ({
    names: FACTORS[name],
    indices: Int32Array.from(rows, row => row[name]),
  });
  return Object.fromEntries(FACTOR_NAMES.map(name => [name, column(name)])) as Factors;
}

/**
 * One record a sentence, factors by name: what a table or `pl.DataFrame(sentenceRows(…))` takes.
 * @throws RangeError when there are not as many texts as factors
 */
export function sentenceRows({texts, factors}: Sentences): Record<FactorName | 'text', string>[] {
  if (texts.length !== factors.subject.indices.length) {
    throw new RangeError(
      `sentenceRows: ${texts.length} texts with factors of ${factors.subject.indices.length}.`,
    );
  }
  return texts.map((text, row) => {
    const named = FACTOR_NAMES.map(name => {
      const {names, indices} = factors[name];
      return [name, names[indices[row]!]!] as const;
    });
    return {text, ...Object.fromEntries(named)} as Record<FactorName | 'text', string>;
  });
}

/** The caller's randomness, or that of a seed. @throws Error when there is neither, or both */
export function randomOf(
  where: string,
  {random, seed}: {readonly random?: Random; readonly seed?: number},
): Random {
  if ((random === undefined) === (seed === undefined)) {
    throw new Error(`${where}: give either random, e.g. new Random(42), or seed.`);
  }
  return random ?? new Random(seed ?? 0);
}

/** For each factor, the indices that may be drawn, each as often as its share says. */
type Choices = Readonly<Record<FactorName, readonly number[]>>;

function allowed(only: NonNullable<SentencesOptions['only']>): Choices {
  const stranger = Object.keys(only).find(name => !(name in FACTORS));
  if (stranger !== undefined) {
    throw new RangeError(
      `sentences: only names the factor ${stranger}; there are ${FACTOR_NAMES.join(', ')}.`,
    );
  }
  const entries = FACTOR_NAMES.map(factor => {
    const all: readonly string[] = FACTORS[factor];
    const names = only[factor] ?? all;
    const unknown = names.find(name => !all.includes(name));
    if (unknown !== undefined || names.length === 0) {
      throw new RangeError(
        `sentences: only.${factor} holds ${unknown ?? 'nothing'}; it can be ${all.join(', ')}.`,
      );
    }
    const share = SHARES[factor] ?? (() => 1);
    const indices = names.flatMap(name => Array<number>(share(name)).fill(all.indexOf(name)));
    return [factor, indices] as const;
  });
  return Object.fromEntries(entries) as unknown as Choices;
}

/** Draws each factor once; undefined where the verb takes none of the objects. */
function draw(choices: Choices, random: Random): SentenceFactors | undefined {
  const of = (indices: readonly number[]) => indices[random.integer(indices.length)]!;
  const drawn = FACTOR_NAMES.map(name => [name, of(choices[name])] as const);
  const factors = Object.fromEntries(drawn) as Record<FactorName, number>;
  const objects = choices.object.filter(object => takes(factors.verb, object));
  if (objects.length === 0) return undefined;
  return {...factors, object: of(objects)};
}
