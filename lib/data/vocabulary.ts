/**
 * Words as numbers: a vocabulary with the special tokens, and token tensors padded to one length.
 * Source: the special tokens of Sutskever et al. 2014 and Devlin et al. 2019.   Lesson: notebooks/04-bart-vae.
 */
import {tf} from '../tensor/tf';

/** Ids that every vocabulary has; MASK, 4, only where it was asked for. */
export const [PAD, SOS, EOS, UNK, MASK] = [0, 1, 2, 3, 4] as const;

const SPECIALS = ['[PAD]', '[SOS]', '[EOS]', '[UNK]', '[MASK]'] as const;

export interface VocabularyOptions {
  /** Whether there is a [MASK] token, id 4; false unless given. */
  readonly mask?: boolean;
}

export interface VocabularyFromTextsOptions extends VocabularyOptions {
  /** Rarer words become [UNK]; 1 unless given. */
  readonly minimumCount?: number;
  /** The largest size, special tokens among them: the most frequent words are kept. */
  readonly most?: number;
}

export interface TokenTensorOptions {
  /** T, with [SOS] and [EOS]; the longest text's unless given. */
  readonly length?: number;
  /** Cuts texts that are too long before the [EOS] in place of an error. */
  readonly truncate?: boolean;
}

/** Words and marks of a text: "it isn't, no?" has it, isn't, a comma, no, and a question mark. */
export function splitWords(text: string): string[] {
  return text.match(/\[[A-Z]+\]|[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*|[^\s\p{L}\p{N}]/gu) ?? [];
}

/** A fixed list of words, each with its id; letters keep their case. */
export class Vocabulary {
  /** [V] by id, the special tokens first */
  readonly words: readonly string[];
  private readonly ids: ReadonlyMap<string, number>;

  /**
   * @param words without special tokens; their order gives the ids
   * @throws RangeError when a word comes twice, is a special token or is not one word
   */
  constructor(words: readonly string[], {mask = false}: VocabularyOptions = {}) {
    this.words = [...SPECIALS.slice(0, mask ? 5 : 4), ...words];
    this.ids = new Map(this.words.map((word, id) => [word, id]));
    const bad = words.find(word => splitWords(word).length !== 1 || word !== word.trim());
    if (bad !== undefined) throw new RangeError(`Vocabulary: "${bad}" is not one word.`);
    const twice = this.words.find((word, id) => this.ids.get(word) !== id);
    if (twice !== undefined) throw new RangeError(`Vocabulary: "${twice}" comes twice.`);
  }

  /**
   * The words of these texts, the most frequent first, equally frequent ones in alphabetical order.
   * @throws RangeError when there is no word
   */
  static of(
    texts: Iterable<string>,
    {mask = false, minimumCount = 1, most = Infinity}: VocabularyFromTextsOptions = {},
  ): Vocabulary {
    const counts = new Map<string, number>();
    for (const text of texts) {
      for (const word of splitWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    for (const special of SPECIALS) counts.delete(special);
    const kept = [...counts].filter(([, count]) => count >= minimumCount);
    kept.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    const room = most - (mask ? 5 : 4);
    if (kept.length === 0 || room < 1) {
      throw new RangeError(`Vocabulary.of: ${kept.length} words for ${room} places.`);
    }
    return new Vocabulary(
      kept.slice(0, Math.min(kept.length, room)).map(([word]) => word),
      {mask},
    );
  }

  /** V */
  get size(): number {
    return this.words.length;
  }

  /** The id of a word, [UNK]'s where it is not known. */
  id(word: string): number {
    return this.ids.get(word) ?? UNK;
  }

  /** The ids of a text's words alone. */
  wordIds(text: string): number[] {
    return splitWords(text).map(word => this.id(word));
  }

  /** [SOS], the text's words, [EOS]. */
  encode(text: string): number[] {
    return [SOS, ...this.wordIds(text), EOS];
  }

  /**
   * The words up to the first [EOS], set apart by spaces; [PAD] and [SOS] are left out.
   * @throws RangeError when there is no such id
   */
  decode(ids: ArrayLike<number>): string {
    const all = Array.from(ids);
    const end = all.indexOf(EOS);
    const shown = (end < 0 ? all : all.slice(0, end)).filter(id => id !== PAD && id !== SOS);
    return shown.map(id => this.word(id)).join(' ');
  }

  /** The word of an id. @throws RangeError when there is no such id */
  word(id: number): string {
    const word = this.words[id];
    if (word === undefined) {
      throw new RangeError(`Vocabulary: there is no id ${id}, only 0 to ${this.size - 1}.`);
    }
    return word;
  }

  /**
   * Texts as ids: [SOS], words, [EOS], then [PAD] to the end.
   * @returns int32 [B, T]; caller disposes
   * @throws RangeError when a text does not fit into `length`, or there is none
   */
  tensor(texts: readonly string[], options: TokenTensorOptions = {}): tf.Tensor2D {
    return tokenTensor(
      texts.map(text => this.encode(text)),
      options,
    );
  }

  /** The text of each row of ids. @param ids int32 [B, T] */
  texts(ids: tf.Tensor2D): string[] {
    return ids.arraySync().map(row => this.decode(row));
  }
}

/**
 * Rows of ids of any length as one tensor, padded at the end.
 * @param rows [B] lists of ids
 * @returns int32 [B, T]; caller disposes
 * @throws RangeError when a row does not fit into `length`, or there is none
 */
export function tokenTensor(
  rows: readonly ArrayLike<number>[],
  {length, truncate = false}: TokenTensorOptions = {},
): tf.Tensor2D {
  if (rows.length === 0) throw new RangeError('tokenTensor: no rows.');
  const steps = length ?? rows.reduce((most, row) => Math.max(most, row.length), 0);
  const ids = new Int32Array(rows.length * steps).fill(PAD);
  for (const [index, row] of rows.entries()) {
    if (row.length > steps && !truncate) {
      throw new RangeError(
        `tokenTensor: row ${index} has ${row.length} tokens for a length of ${steps}. ` +
          'Give a larger length, leave long texts out, or set truncate.',
      );
    }
    const kept = Array.from(row).slice(0, steps);
    if (row.length > steps) kept[steps - 1] = row[row.length - 1]!;
    ids.set(kept, index * steps);
  }
  return tf.tensor2d(ids, [rows.length, steps], 'int32');
}
