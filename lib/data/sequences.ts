/**
 * Three kinds of sequences under one interface: digits as text, lines of Python, sentences as headlines.
 * Source: the data of Fraser-Greenlee/transformer-vae: mnist-text, python-lines, news-category.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import {Random} from '../tensor/random';
import type {Digits} from './digits';
import {FACTORS, grammarWords, isGrammatical} from './grammar';
import {
  imagesToTexts,
  textOfTokens,
  textToImage,
  textTokens,
  textWords,
  tokensOfText,
  type TextDirection,
  type TextSide,
} from './mnist-text';
import {arePythonLines, pythonLines} from './python-lines';
import type {Rows} from './rows';
import {SequenceCodec} from './sequence-codec';
import {sentences} from './sentences';
import {splitWords} from './vocabulary';

/** Texts of one split. */
export interface SequenceSet {
  readonly texts: readonly string[];
  /** [N, T] whole numbers: `rows.tensor().toInt()` are the ids */
  readonly ids: Rows;
  /** [N] what a probe is asked to tell from the latents, where the data know it */
  readonly labels?: ArrayLike<number>;
}

export interface SequenceData {
  /** One line for the lesson. */
  readonly description: string;
  readonly codec: SequenceCodec;
  readonly train: SequenceSet;
  readonly test: SequenceSet;
  /** What the labels are, by number. */
  readonly classes?: readonly string[];
  /** Which texts are valid, for kinds of data that can tell; one answer a text. */
  readonly valid?: (texts: readonly string[]) => Promise<boolean[]>;
  /** The picture that a text is, where it is one: [side²] in 0 … 1. */
  readonly picture?: (text: string) => Float32Array | undefined;
}

export interface MnistSequencesOptions {
  readonly side: TextSide;
  /** Which ways each digit is written; both unless given, as in the source. */
  readonly directions?: readonly TextDirection[];
}

/** Digits as text; the labels are the digits. A digit written twice stays in one split. */
export function mnistSequences(digits: Digits, options: MnistSequencesOptions): SequenceData {
  const {side, directions = ['down', 'up']} = options;
  const codec = new SequenceCodec(textWords(side), textTokens(side), {
    split: tokensOfText,
    join: textOfTokens,
  });
  const set = (split: 'train' | 'test'): SequenceSet => {
    const {images, labels} = digits[split];
    const texts = imagesToTexts(images, side, directions);
    const each = Array.from(labels).flatMap(label => directions.map(() => label));
    return {texts, ids: codec.rows(texts), labels: Uint8Array.from(each)};
  };
  return {
    description: `${digits.description} Written as text of ${side} × ${side} pixels, ${codec.length} tokens, ${directions.join(' and ')}.`,
    codec,
    train: set('train'),
    test: set('test'),
    classes: Array.from({length: 10}, (_, digit) => String(digit)),
    valid: texts => Promise.resolve(texts.map(text => textToImage(text, side) !== undefined)),
    picture: text => textToImage(text, side)?.grey,
  };
}

export interface TextSequencesOptions {
  /** T, the end included; longer texts are left out */
  readonly length: number;
  readonly train: number;
  readonly test: number;
}

/** Lines of Python, character by character; valid is what Python's parser takes. */
export async function pythonSequences(options: TextSequencesOptions): Promise<SequenceData> {
  const {length, train, test} = options;
  const count = train + test;
  const {lines, description} = await pythonLines({
    count,
    shortest: Math.min(4, length),
    longest: length,
  });
  const printable = Array.from({length: 95}, (_, n) => String.fromCharCode(32 + n));
  const characters = {
    split: (text: string) => Array.from(text),
    join: (tokens: readonly string[]) => tokens.join(''),
  };
  const codec = new SequenceCodec(printable, length, characters);
  return {
    ...splitUp(lines, codec, {train, test}, 'pythonSequences'),
    description: `${description} At most ${length} characters.`,
    codec,
    valid: arePythonLines,
  };
}

/**
 * Sentences of the grammar in place of headlines; the labels are their verbs. Those that are longer
 * than T are left out, so there may be fewer than asked for.
 * @throws RangeError when none is short enough
 */
export function headlineSequences(
  options: TextSequencesOptions & {readonly seed?: number},
): SequenceData {
  const {length, train, test, seed = 9} = options;
  const made = (split: 'train' | 'held-out', count: number) => {
    const {texts, factors} = sentences({random: new Random(seed).stream(split), split, count});
    const all = texts.map((text, row) => ({text, verb: factors.verb.indices[row]!}));
    return all.filter(({text}) => splitWords(text).length <= length);
  };
  const [seen, unseen] = [made('train', train), made('held-out', test)];
  if (seen.length === 0 || unseen.length === 0) {
    throw new RangeError(`headlineSequences: no sentence has ${length} words or less.`);
  }
  const codec = wordCodec(grammarWords(), length);
  const set = (rows: typeof seen): SequenceSet => ({
    texts: rows.map(({text}) => text),
    ids: codec.rows(rows.map(({text}) => text)),
    labels: Int32Array.from(rows, ({verb}) => verb),
  });
  return {
    description: `${seen.length} sentences of the grammar, ${unseen.length} held out, ${codec.size} words.`,
    codec,
    train: set(seen),
    test: set(unseen),
    classes: FACTORS.verb,
    valid: texts => Promise.resolve(texts.map(isGrammatical)),
  };
}

/**
 * Texts of the user's, word by word. Nothing says which are valid, so only form can be measured.
 * @throws RangeError when fewer than two texts fit into T
 */
export function textSequences(
  texts: readonly string[],
  {length, train, test}: TextSequencesOptions,
  most = 5000,
): SequenceData {
  const counts = new Map<string, number>();
  const fitting = [...new Set(texts)].filter(text => splitWords(text).length <= length);
  for (const word of fitting.flatMap(splitWords)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const frequent = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, most);
  const codec = wordCodec(
    frequent.map(([word]) => word),
    length,
  );
  return {
    ...splitUp(fitting, codec, {train, test}, 'textSequences'),
    description: `${fitting.length} of ${texts.length} texts have at most ${length} words.`,
    codec,
  };
}

function wordCodec(words: readonly string[], length: number): SequenceCodec {
  return new SequenceCodec(words, length, {split: splitWords, join: tokens => tokens.join(' ')});
}

/** The last texts are held out; where there are too few, both parts shrink alike. */
function splitUp(
  texts: readonly string[],
  codec: SequenceCodec,
  {train, test}: {readonly train: number; readonly test: number},
  where: string,
): {readonly train: SequenceSet; readonly test: SequenceSet} {
  if (texts.length < 2)
    throw new RangeError(`${where}: ${texts.length} texts, expected two or more.`);
  const share = Math.min(1, texts.length / (train + test));
  const heldOut = Math.max(1, Math.floor(test * share));
  const seen = Math.min(train, texts.length - heldOut);
  const set = (part: readonly string[]) => ({texts: part, ids: codec.rows(part)});
  return {train: set(texts.slice(0, seen)), test: set(texts.slice(seen, seen + heldOut))};
}
