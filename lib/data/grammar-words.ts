/**
 * The words of the grammar: nouns, verbs with the objects that they take, and what may stand beside them.
 * Source: the regular and irregular forms of English; the choice is ours.   Lesson: notebooks/04-bart-vae.
 */

/** [singular, plural] */
export type Noun = readonly [string, string];

/** [base, third person singular, past] */
export type Verb = readonly [string, string, string];

/** Who acts, and who is acted upon. */
export const ANIMATES: readonly Noun[] = [
  ['cat', 'cats'],
  ['dog', 'dogs'],
  ['fox', 'foxes'],
  ['mouse', 'mice'],
  ['owl', 'owls'],
  ['child', 'children'],
  ['farmer', 'farmers'],
  ['teacher', 'teachers'],
  ['sailor', 'sailors'],
  ['artist', 'artists'],
  ['king', 'kings'],
  ['queen', 'queens'],
  ['baker', 'bakers'],
  ['student', 'students'],
];

const FOODS: readonly Noun[] = [
  ['apple', 'apples'],
  ['cake', 'cakes'],
  ['egg', 'eggs'],
];

const TEXTS: readonly Noun[] = [
  ['letter', 'letters'],
  ['story', 'stories'],
  ['song', 'songs'],
  ['poem', 'poems'],
];

const TOOLS: readonly Noun[] = [
  ['basket', 'baskets'],
  ['lamp', 'lamps'],
  ['umbrella', 'umbrellas'],
  ['boat', 'boats'],
];

/** Whatever can be an object; the first are the animates. */
export const NOUNS: readonly Noun[] = [...ANIMATES, ...FOODS, ...TEXTS, ...TOOLS];

/**
 * Verbs by the objects that they take. None has a past that is also its base: "the cats read" would
 * have two tenses.
 */
const TAKING: readonly (readonly [readonly Noun[], readonly Verb[]])[] = [
  [
    ANIMATES,
    [
      ['chase', 'chases', 'chased'],
      ['see', 'sees', 'saw'],
      ['help', 'helps', 'helped'],
      ['follow', 'follows', 'followed'],
      ['meet', 'meets', 'met'],
    ],
  ],
  [
    FOODS,
    [
      ['eat', 'eats', 'ate'],
      ['cook', 'cooks', 'cooked'],
    ],
  ],
  [
    TEXTS,
    [
      ['write', 'writes', 'wrote'],
      ['hear', 'hears', 'heard'],
      ['forget', 'forgets', 'forgot'],
    ],
  ],
  [
    TOOLS,
    [
      ['carry', 'carries', 'carried'],
      ['paint', 'paints', 'painted'],
      ['break', 'breaks', 'broke'],
      ['find', 'finds', 'found'],
    ],
  ],
];

export const VERBS: readonly Verb[] = TAKING.flatMap(([, verbs]) => verbs);

/** For each verb, the indices in NOUNS of what can be its object. */
export const OBJECTS_OF_VERB: readonly (readonly number[])[] = TAKING.flatMap(([nouns, verbs]) => {
  const indices = nouns.map(noun => NOUNS.indexOf(noun));
  return verbs.map(() => indices);
});

export const ADJECTIVES = ['old', 'young', 'happy', 'angry', 'small', 'tall', 'clever', 'honest'];

/** Whole phrases: a place has its preposition. */
export const PLACES = [
  'in the garden',
  'near the river',
  'at the market',
  'behind the house',
  'in the kitchen',
  'under the tree',
  'on the hill',
  'beside the road',
];

export const MANNERS = ['quietly', 'slowly', 'gladly', 'carefully', 'bravely', 'suddenly'];

/** For each kind of determiner: [singular, plural]. "a" is "an" before a vowel's sound. */
export const DETERMINERS: Readonly<Record<'definite' | 'indefinite' | 'demonstrative', Noun>> = {
  definite: ['the', 'the'],
  indefinite: ['a', 'some'],
  demonstrative: ['this', 'these'],
};

/** "an honest king", "an old cat": the words here that begin with a vowel's sound. */
export function indefiniteArticle(nextWord: string): 'a' | 'an' {
  return /^[aeiou]|^hon/.test(nextWord) ? 'an' : 'a';
}
