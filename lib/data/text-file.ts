/**
 * A text file of the user's own, one sentence a line: read strictly, with errors that name the line.
 * Source: UTF-8 as in RFC 3629.   Lesson: notebooks/04-bart-vae.
 */
import {readFile} from 'node:fs/promises';
import {shown} from './folder';
import {isHeldOut} from './sentences';
import {splitWords} from './vocabulary';

/** A file that is no text, or a line that cannot be used. The message names file and line. */
export class TextFileError extends Error {
  override readonly name = 'TextFileError';
}

export interface TextOptions {
  /** Makes all letters small, so that "The" and "the" are one word; false unless given. */
  readonly lowerCase?: boolean;
  /** The most words and marks of a text; 60 unless given. */
  readonly longest?: number;
  /** What to do with a longer one: 'refuse' it with an error unless given, or 'skip' it. */
  readonly tooLong?: 'refuse' | 'skip';
}

/**
 * The lines of a file that are not blank, with white space at their ends and between words reduced.
 * @throws TextFileError when there is no such file, it is no UTF-8 text, it is blank, or a line is too long
 */
export async function readSentences(file: string, options: TextOptions = {}): Promise<string[]> {
  const lines = (await readText(file)).split(/\r\n|\n|\r/);
  return usable(file, 'line', lines, options);
}

/**
 * A file's text, without a byte order mark.
 * @throws TextFileError when there is no such file, or it is no UTF-8 text
 */
export async function readText(file: string): Promise<string> {
  const bytes = await readBytes(file);
  const start = bytes.subarray(0, 2).toString('latin1');
  if (start === '\xff\xfe' || start === '\xfe\xff') {
    throw new TextFileError(`${shown(file)}: this is UTF-16 text. Save it as UTF-8.`);
  }
  try {
    const text = new TextDecoder('utf-8', {fatal: true}).decode(bytes);
    const zero = text.indexOf('\0');
    if (zero < 0) return text;
    const line = text.slice(0, zero).split('\n').length;
    throw new TextFileError(`${shown(file)}: line ${line} holds a zero byte: no text file.`);
  } catch (error) {
    if (error instanceof TextFileError) throw error;
    const line = brokenLine(bytes);
    throw new TextFileError(
      `${shown(file)}: line ${line} is no UTF-8. If it is text, save it as UTF-8.`,
    );
  }
}

/**
 * Texts that are fit to train on, tidied; blank ones are left out.
 * @param kind what one of them is in the file: 'line', 'row'
 * @throws TextFileError when one is too long, or none is left
 */
export function usable(
  file: string,
  kind: string,
  texts: readonly string[],
  options: TextOptions,
): string[] {
  const kept = texts.flatMap((text, index) => {
    return usableText(file, `${kind} ${index + 1}`, text, options) ?? [];
  });
  if (kept.length === 0) {
    const why = texts.length > 1 ? `none of ${texts.length} ${kind}s can be used` : 'it is empty';
    throw new TextFileError(`${shown(file)}: ${why}.`);
  }
  return kept;
}

/** One text, tidied; undefined where it is blank, or too long and to be skipped. */
export function usableText(
  file: string,
  place: string,
  raw: string,
  {lowerCase = false, longest = 60, tooLong = 'refuse'}: TextOptions,
): string | undefined {
  if (!Number.isInteger(longest) || longest < 1) {
    throw new RangeError(`longest is ${longest}, expected a positive integer.`);
  }
  const text = raw.trim().replace(/\s+/g, ' ');
  const count = splitWords(text).length;
  if (count === 0) return undefined;
  if (count <= longest) return lowerCase ? text.toLowerCase() : text;
  if (tooLong === 'skip') return undefined;
  throw new TextFileError(
    `${shown(file)}: ${place} has ${count} words and marks, more than ${longest}: ` +
      `"${text.slice(0, 40)}…". Give a larger \`longest\`, or tooLong: 'skip'.`,
  );
}

export interface TextSplit {
  readonly train: string[];
  readonly heldOut: string[];
}

/**
 * Puts about a tenth of the texts aside. Equal texts fall on the same side, whatever else there is, and
 * are kept once.
 */
export function splitTexts(texts: Iterable<string>): TextSplit {
  const train: string[] = [];
  const heldOut: string[] = [];
  for (const text of new Set(texts)) (isHeldOut(text) ? heldOut : train).push(text);
  return {train, heldOut};
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const {code, message} = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code ?? message})`;
    throw new TextFileError(`${shown(file)}: ${why}.`, {cause: error});
  }
}

/** The number of the first line that is no UTF-8; no character of UTF-8 contains a line feed's byte. */
function brokenLine(bytes: Buffer): number {
  const decoder = new TextDecoder('utf-8', {fatal: true});
  for (let start = 0, line = 1; start < bytes.length; line++) {
    const feed = bytes.indexOf(10, start);
    const end = feed < 0 ? bytes.length : feed + 1;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch {
      return line;
    }
    start = end;
  }
  return 1;
}
