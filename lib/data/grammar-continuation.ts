/**
 * What may be said after a sentence: who did it goes on, as a pronoun, with something else, in the same tense.
 * Source: anaphora and agreement as in Huddleston & Pullum 2002, ch. 5; the relation is ours.   Lesson: notebooks/05-transformer-vae.
 */
import {FACTORS, finiteVerb, nounPhraseOf, parse, takes, type SentenceFactors} from './grammar';
import {ANIMATES, MANNERS, NOUNS, OBJECTS_OF_VERB, PLACES, VERBS} from './grammar-words';

/** What each factor of a continuation can be, by name. */
export const CONTINUATION_FACTORS = {
  /** After a sentence that says what was done, or what was not. */
  connective: ['then', 'instead'],
  pronoun: ['it', 'he', 'she', 'they'],
  verb: FACTORS.verb,
  tense: FACTORS.tense,
  object: FACTORS.object,
  objectNumber: FACTORS.objectNumber,
  objectDeterminer: FACTORS.objectDeterminer,
  place: ['none', 'there', ...PLACES],
  manner: FACTORS.manner,
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type ContinuationFactorName = keyof typeof CONTINUATION_FACTORS;

export const CONTINUATION_FACTOR_NAMES = Object.keys(
  CONTINUATION_FACTORS,
) as readonly ContinuationFactorName[];

/** A continuation before it has words: for each factor the index of its class. */
export type ContinuationFactors = Readonly<Record<ContinuationFactorName, number>>;

/** Which rule a continuation breaks; 'grammar': it is no continuation of anything. */
export type ContinuationFault = 'grammar' | 'connective' | 'pronoun' | 'tense' | 'verb' | 'place';

const [IT, HE, SHE, THEY] = [0, 1, 2, 3] as const;
const ANIMALS = ['cat', 'dog', 'fox', 'mouse', 'owl'];

/**
 * The words of these factors: "then they will write a letter there quietly".
 * @throws RangeError when a factor has no such class, or the verb does not take the object
 */
export function realizeContinuation(factors: ContinuationFactors): string {
  for (const name of CONTINUATION_FACTOR_NAMES) {
    if (CONTINUATION_FACTORS[name][factors[name]] === undefined) {
      throw new RangeError(
        `realizeContinuation: ${name} is ${factors[name]}, expected 0 to ${CONTINUATION_FACTORS[name].length - 1}.`,
      );
    }
  }
  if (!takes(factors.verb, factors.object)) {
    const [verb, object] = [FACTORS.verb[factors.verb]!, FACTORS.object[factors.object]!];
    throw new RangeError(`realizeContinuation: "${verb}" takes no object "${object}".`);
  }
  const name = (factor: ContinuationFactorName) => CONTINUATION_FACTORS[factor][factors[factor]]!;
  const number = factors.pronoun === THEY ? 1 : 0;
  const words = [
    name('connective'),
    name('pronoun'),
    ...finiteVerb(factors.verb, factors.tense, number),
    ...nounPhraseOf(factors.object, factors.objectNumber, factors.objectDeterminer),
    name('place'),
    name('manner'),
  ];
  return words.filter(word => word !== 'none').join(' ');
}

/** The factors of a continuation, or undefined where the text is none. */
export function parseContinuation(text: string): ContinuationFactors | undefined {
  const words = text.trim().split(/\s+/);
  const [connective, pronoun, ...rest] = words;
  const isThere = rest.includes('there');
  // With a subject before it and no "there", the rest is a sentence of the grammar.
  const number = pronoun === 'they' ? 'plural' : 'singular';
  const subject = number === 'plural' ? 'the cats' : 'the cat';
  const plain = rest.filter(word => word !== 'there').join(' ');
  const clause = parse(`${subject} ${plain}`);
  if (clause === undefined) return undefined;
  const {verb, tense, object, objectNumber, objectDeterminer, place, manner} = clause;
  const factors: ContinuationFactors = {
    connective: CONTINUATION_FACTORS.connective.findIndex(word => word === connective),
    pronoun: CONTINUATION_FACTORS.pronoun.findIndex(word => word === pronoun),
    verb,
    tense,
    object,
    objectNumber,
    objectDeterminer,
    place: isThere ? 1 : place === 0 ? 0 : 1 + place,
    manner,
  };
  if (factors.connective < 0 || factors.pronoun < 0) return undefined;
  return realizeContinuation(factors) === words.join(' ') ? factors : undefined;
}

/** What may continue a sentence: for each factor the classes that it may have, all independent but for the object. */
export type ContinuationChoices = Readonly<
  Record<Exclude<ContinuationFactorName, 'object'>, readonly number[]>
>;

/**
 * The choices that a statement leaves:
 * - "then" where it says that something was done, "instead" where it says that something was not;
 * - a pronoun for its subject: "they" for several, "it" for an animal, "he" or "she" for a person, free
 *   but for king and queen;
 * - its tense;
 * - a verb that takes another kind of object;
 * - "there" where it names a place; else any place or none;
 * - object and manner are free.
 */
export function continuationChoices(x: SentenceFactors): ContinuationChoices {
  const every = (names: readonly string[]) => names.map((_, index) => index);
  const kind = OBJECTS_OF_VERB[x.verb];
  const none = Array<number>(PLACES.length).fill(0); // as often as all places together
  return {
    connective: [FACTORS.polarity[x.polarity] === 'affirmative' ? 0 : 1],
    pronoun: pronouns(x),
    verb: every(FACTORS.verb).filter(verb => OBJECTS_OF_VERB[verb] !== kind),
    tense: [x.tense],
    objectNumber: every(FACTORS.objectNumber),
    objectDeterminer: every(FACTORS.objectDeterminer),
    place: x.place > 0 ? [1] : [...none, ...PLACES.map((_, index) => 2 + index)],
    manner: [...Array<number>(MANNERS.length).fill(0), ...every(FACTORS.manner).slice(1)],
  };
}

function pronouns({subject, number}: SentenceFactors): readonly number[] {
  const [name] = ANIMATES[subject]!;
  if (FACTORS.number[number] === 'plural') return [THEY];
  if (ANIMALS.includes(name)) return [IT];
  if (name === 'king') return [HE];
  return name === 'queen' ? [SHE] : [HE, SHE];
}

/**
 * Which rules y breaks as a continuation of x; none where it is a right one.
 * @param x a statement of the grammar
 * @param y any text
 * @throws RangeError when x is no statement of the grammar
 */
export function continuationFaults(x: string, y: string): ContinuationFault[] {
  const choices = continuationChoices(statement(x));
  const factors = parseContinuation(y);
  if (factors === undefined) return ['grammar'];
  const rules = ['connective', 'pronoun', 'tense', 'verb', 'place'] as const;
  return rules.filter(rule => !choices[rule].includes(factors[rule]));
}

/**
 * −log p(y | x), as `sentencePairs` draws: what the best model of y given x cannot go below on average.
 * @returns nats; Infinity where y is no continuation of x
 * @throws RangeError when x is no statement of the grammar
 */
export function continuationNats(x: string, y: string): number {
  const choices = continuationChoices(statement(x));
  const factors = parseContinuation(y);
  if (factors === undefined) return Infinity;
  const names = CONTINUATION_FACTOR_NAMES.filter(name => name !== 'object');
  const shares = names.map(name => {
    const allowed: readonly number[] = choices[name];
    return allowed.filter(index => index === factors[name]).length / allowed.length;
  });
  const objects = OBJECTS_OF_VERB[factors.verb]!.length;
  return shares.reduce((sum, share) => sum - Math.log(share), Math.log(objects));
}

/** The factors of a statement. @throws RangeError when the text is none */
export function statement(x: string): SentenceFactors {
  const factors = parse(x);
  if (factors === undefined || factors.mood !== 0) {
    throw new RangeError(`"${x}" is no statement of the grammar: nothing is said of what follows.`);
  }
  return factors;
}

/** Every word that a continuation can hold, sorted. */
export function continuationWords(): string[] {
  const {connective, pronoun} = CONTINUATION_FACTORS;
  const phrases = [...connective, ...pronoun, 'there', 'will', 'the', 'a', 'an', 'some', 'this'];
  const others = ['these', ...NOUNS.flat(), ...VERBS.flat(), ...PLACES, ...MANNERS];
  return [...new Set([...phrases, ...others].flatMap(phrase => phrase.split(' ')))].sort();
}
