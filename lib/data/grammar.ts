/**
 * A small English: from the factors of a sentence to its words, with agreement, and back.
 * Source: subject–verb agreement and do-support, Huddleston & Pullum 2002, ch. 3.   Lesson: notebooks/04-bart-vae.
 */
import {
  ADJECTIVES,
  ANIMATES,
  DETERMINERS,
  indefiniteArticle,
  MANNERS,
  NOUNS,
  OBJECTS_OF_VERB,
  PLACES,
  VERBS,
} from './grammar-words';

/** What each factor can be, by name; a sentence holds the index of one name for each. */
export const FACTORS = {
  subject: ANIMATES.map(([singular]) => singular),
  number: ['singular', 'plural'],
  determiner: Object.keys(DETERMINERS),
  adjective: ['none', ...ADJECTIVES],
  verb: VERBS.map(([base]) => base),
  tense: ['past', 'present', 'future'],
  polarity: ['affirmative', 'negative'],
  mood: ['statement', 'question'],
  object: NOUNS.map(([singular]) => singular),
  objectNumber: ['singular', 'plural'],
  objectDeterminer: Object.keys(DETERMINERS),
  place: ['none', ...PLACES],
  manner: ['none', ...MANNERS],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type FactorName = keyof typeof FACTORS;

/** The factors' names, in a fixed order. */
export const FACTOR_NAMES = Object.keys(FACTORS) as readonly FactorName[];

/** A sentence before it has words: for each factor the index of its class. */
export type SentenceFactors = Readonly<Record<FactorName, number>>;

/**
 * The sentence of these factors, words and marks set apart by single spaces:
 * "the old cats do not chase a dog near the river", "will this child write some letters quietly ?".
 *
 * @throws RangeError when a factor has no such class, or the verb does not take the object
 */
export function realize(factors: SentenceFactors): string {
  demandClasses(factors);
  const name = (factor: FactorName) => FACTORS[factor][factors[factor]]!;
  const {subject, number, determiner, verb, tense} = factors;
  const actor = nounPhraseOf(subject, number, determiner, optional(name('adjective')));
  const object = nounPhraseOf(factors.object, factors.objectNumber, factors.objectDeterminer);
  const rest = [...object, ...optional(name('place')), ...optional(name('manner'))];
  const not = name('polarity') === 'negative' ? ['not'] : [];
  const helped = [auxiliary(tense, number), VERBS[verb]![0]] as const;
  if (name('mood') === 'question') {
    return [helped[0], ...actor, ...not, helped[1], ...rest, '?'].join(' ');
  }
  const predicate =
    not.length > 0 ? [helped[0], ...not, helped[1]] : finiteVerb(verb, tense, number);
  return [...actor, ...predicate, ...rest].join(' ');
}

/** A verb in agreement, by indices: "chases", "chased", or "will" and "chase". */
export function finiteVerb(verb: number, tense: number, number: number): string[] {
  const [base, third, past] = VERBS[verb]!;
  const name = FACTORS.tense[tense];
  if (name === 'future') return ['will', base];
  return [name === 'past' ? past : number === 1 ? base : third];
}

/** A noun phrase in agreement, by indices: "an old cat", "these children". */
export function nounPhraseOf(
  noun: number,
  number: number,
  determiner: number,
  adjective: readonly string[] = [],
): string[] {
  const [form, article] = [NOUNS[noun]![number]!, Object.values(DETERMINERS)[determiner]![number]!];
  const rest = [...adjective, form];
  return [article === 'a' ? indefiniteArticle(rest[0]!) : article, ...rest];
}

/**
 * The factors of a sentence of this grammar, or undefined where the text is none: a word unknown, out
 * of order, in disagreement ("the cats chases", "a old cat") or with an object that its verb does not
 * take ("eats a letter"). `realize` gives the text back.
 *
 * @param text words and marks set apart by white space
 */
export function parse(text: string): SentenceFactors | undefined {
  const words = text.trim().split(/\s+/);
  // Each kind of word tells its factors; whether all of them stand in order, `realize` decides.
  const [subject, object, ...otherNouns] = words.flatMap(word => NOUN_FORMS.get(word) ?? []);
  const [determiner, objectDeterminer] = words.flatMap(word => DETERMINER_FORMS.get(word) ?? []);
  const [verb] = words.flatMap(word => VERB_FORMS.get(word) ?? []);
  if (subject === undefined || object === undefined || verb === undefined) return undefined;
  if (determiner === undefined || objectDeterminer === undefined) return undefined;
  if (otherNouns.length > 0) return undefined;
  const has = (word: string) => words.includes(word);
  const auxiliaryTense = has('will') ? 'future' : has('did') ? 'past' : undefined;
  const doesTense = has('do') || has('does') ? 'present' : undefined;
  const tense = auxiliaryTense ?? doesTense ?? (verb.isPast ? 'past' : 'present');
  const place = PLACES.findIndex(phrase => ` ${words.join(' ')} `.includes(` ${phrase} `));
  const factors: SentenceFactors = {
    subject: subject.index,
    number: subject.number,
    determiner,
    adjective: 1 + ADJECTIVES.findIndex(has),
    verb: verb.index,
    tense: FACTORS.tense.indexOf(tense),
    polarity: has('not') ? 1 : 0,
    mood: has('?') ? 1 : 0,
    object: object.index,
    objectNumber: object.number,
    objectDeterminer,
    place: 1 + place,
    manner: 1 + MANNERS.findIndex(has),
  };
  if (subject.index >= ANIMATES.length) return undefined;
  if (!takes(factors.verb, factors.object)) return undefined;
  return realize(factors) === words.join(' ') ? factors : undefined;
}

/** Whether a text is a sentence of this grammar. */
export function isGrammatical(text: string): boolean {
  return parse(text) !== undefined;
}

/** Whether a verb takes an object, by their indices: one eats apples, not letters. */
export function takes(verb: number, object: number): boolean {
  return OBJECTS_OF_VERB[verb]?.includes(object) ?? false;
}

/** Every word and mark that a sentence can hold, sorted. */
export function grammarWords(): string[] {
  const phrases = [...PLACES, ...MANNERS, ...ADJECTIVES, ...Object.values(DETERMINERS).flat()];
  const forms = [...NOUNS.flat(), ...VERBS.flat(), 'an', 'do', 'does', 'did', 'will', 'not', '?'];
  return [...new Set([...phrases.flatMap(phrase => phrase.split(' ')), ...forms])].sort();
}

interface NounForm {
  readonly index: number;
  readonly number: 0 | 1;
}

interface VerbForm {
  readonly index: number;
  readonly isPast: boolean;
}

const NOUN_FORMS = new Map<string, NounForm>(
  NOUNS.flatMap(([singular, plural], index): [string, NounForm][] => [
    [singular, {index, number: 0}],
    [plural, {index, number: 1}],
  ]),
);

const VERB_FORMS = new Map<string, VerbForm>(
  VERBS.flatMap(([base, third, past], index): [string, VerbForm][] => [
    [base, {index, isPast: false}],
    [third, {index, isPast: false}],
    [past, {index, isPast: true}],
  ]),
);

const DETERMINER_FORMS = new Map<string, number>([
  ...Object.values(DETERMINERS).flatMap(([singular, plural], index): [string, number][] => [
    [singular, index],
    [plural, index],
  ]),
  ['an', FACTORS.determiner.indexOf('indefinite')],
]);

/** The verb that carries tense and number where there is "not" or a question. */
function auxiliary(tense: number, number: number): string {
  const name = FACTORS.tense[tense];
  if (name === 'future') return 'will';
  return name === 'past' ? 'did' : number === 1 ? 'do' : 'does';
}

function optional(name: string): string[] {
  return name === 'none' ? [] : [name];
}

function demandClasses(factors: SentenceFactors): void {
  for (const factor of FACTOR_NAMES) {
    const index = factors[factor];
    if (FACTORS[factor][index] === undefined) {
      throw new RangeError(
        `realize: ${factor} is ${index}, expected 0 to ${FACTORS[factor].length - 1}.`,
      );
    }
  }
  if (!takes(factors.verb, factors.object)) {
    const [verb, object] = [FACTORS.verb[factors.verb]!, FACTORS.object[factors.object]!];
    throw new RangeError(`realize: "${verb}" takes no object "${object}".`);
  }
}
