/**
 * Texts as rows of token ids of one length, and back, for any way of splitting a text.
 * Source: none.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import {Rows} from './rows';
import {EOS, PAD, UNK} from './vocabulary';

/** How a text becomes tokens and tokens a text. */
export interface Spelling {
  split(text: string): string[];
  join(tokens: readonly string[]): string;
}

/** Token ids of one length and back: 0 pads, 2 ends a text that is shorter, 3 stands for what is unknown. */
export class SequenceCodec {
  /** [V] */
  readonly words: readonly string[];
  private readonly ids: ReadonlyMap<string, number>;

  /**
   * @param tokens all there are but the special ones, in the order of their ids
   * @param length T
   */
  constructor(
    tokens: readonly string[],
    readonly length: number,
    private readonly spelling: Spelling,
  ) {
    this.words = ['[PAD]', '[SOS]', '[EOS]', '[UNK]', ...tokens];
    this.ids = new Map(this.words.map((word, id) => [word, id]));
    if (this.ids.size < this.words.length) throw new RangeError('SequenceCodec: a token twice.');
    if (!Number.isInteger(length) || length < 1) {
      throw new RangeError(`SequenceCodec: length is ${length}, expected a positive integer.`);
    }
  }

  /** V */
  get size(): number {
    return this.words.length;
  }

  /** How many tokens a text has, without the end. */
  count(text: string): number {
    return this.spelling.split(text).length;
  }

  /**
   * The ids of a text, its end and padding.
   * @returns [T]
   * @throws RangeError when the text is longer than T
   */
  encode(text: string): Int32Array {
    const tokens = this.spelling.split(text);
    if (tokens.length > this.length) {
      throw new RangeError(
        `SequenceCodec.encode: ${tokens.length} tokens for a length of ${this.length}: ${text.slice(0, 40)}`,
      );
    }
    const ids = new Int32Array(this.length).fill(PAD);
    tokens.forEach((token, at) => (ids[at] = this.ids.get(token) ?? UNK));
    if (tokens.length < this.length) ids[tokens.length] = EOS;
    return ids;
  }

  /** The text up to the first end or padding. @throws RangeError when there is no such id */
  decode(ids: ArrayLike<number>): string {
    const tokens: string[] = [];
    for (const id of Array.from(ids)) {
      const word = this.words[id];
      if (word === undefined) throw new RangeError(`SequenceCodec.decode: there is no id ${id}.`);
      if (id === EOS || id === PAD) break;
      tokens.push(word);
    }
    return this.spelling.join(tokens);
  }

  /** Texts as rows of ids, for `batches`: floats that are whole numbers. */
  rows(texts: readonly string[]): Rows {
    const values = new Float32Array(texts.length * this.length);
    texts.forEach((text, row) => values.set(this.encode(text), row * this.length));
    return new Rows(values, this.length);
  }
}
