/**
 * Tables of the user's own: headlines from a column of a CSV file, pairs from two of a CSV or TSV file.
 * Source: RFC 4180, as polars reads it.   Lesson: notebooks/05-transformer-vae, notebooks/06-mmd-transformer-vae.
 */
import {createHash} from 'node:crypto';
import path from 'node:path';
import pl from 'nodejs-polars';
import {shown} from './folder';
import type {TextPair} from './sentence-pairs';
import {readText, TextFileError, usable, usableText, type TextOptions} from './text-file';

export interface HeadlineOptions extends TextOptions {
  /** The column's name in the file's first row; 'headline' unless given. */
  readonly column?: string;
}

/**
 * The texts of one column of a CSV file with a header, quoted or not; empty cells are left out.
 * @throws TextFileError when the file cannot be read, has no such column, or a text is too long
 */
export async function readHeadlines(
  file: string,
  {column = 'headline', ...options}: HeadlineOptions = {},
): Promise<string[]> {
  const table = await readTable(file, ',', true);
  return usable(file, 'row', cells(file, table, column), options);
}

export interface PairOptions extends TextOptions {
  /**
   * The names of x's and y's columns in the file's first row. Without it the file has no header, and
   * two columns.
   */
  readonly columns?: readonly [string, string];
}

/**
 * Pairs from a .csv file, quoted where needed, or a .tsv file, in which quotes are letters like others.
 * @throws TextFileError when the file cannot be read, has no such columns, or a row lacks x or y or is too long
 */
export async function readPairs(file: string, options: PairOptions = {}): Promise<TextPair[]> {
  const {columns, ...limits} = options;
  const ending = path.extname(file).toLowerCase();
  if (ending !== '.csv' && ending !== '.tsv') {
    throw new TextFileError(`${shown(file)}: a file of pairs ends in .csv or .tsv.`);
  }
  const table = await readTable(file, ending === '.csv' ? ',' : '\t', columns !== undefined);
  if (columns === undefined && table.width !== 2) {
    throw new TextFileError(
      `${shown(file)}: it has ${table.width} columns. Name two of its first row by \`columns\`.`,
    );
  }
  const [x, y] = columns ?? (table.columns as [string, string]);
  const [xs, ys] = [cells(file, table, x), cells(file, table, y)];
  const pairs = xs.flatMap((cell, row) => {
    const both = [cell, ys[row]!];
    if (both.every(text => text.trim() === '')) return [];
    const missing = both.findIndex(text => text.trim() === '');
    if (missing >= 0) {
      throw new TextFileError(
        `${shown(file)}: row ${row + 1} has no ${missing === 0 ? 'x' : 'y'}.`,
      );
    }
    const [first, second] = both.map(text => usableText(file, `row ${row + 1}`, text, limits));
    return first === undefined || second === undefined ? [] : [{x: first, y: second}];
  });
  if (pairs.length === 0) throw new TextFileError(`${shown(file)}: no pair can be used.`);
  return pairs;
}

export interface PairSplit {
  readonly train: TextPair[];
  readonly heldOut: TextPair[];
}

/**
 * Puts the pairs of about a tenth of the x aside, by a hash of x: all answers to one x fall on the same
 * side, whatever else there is. A pair that comes again is kept once.
 */
export function splitPairs(pairs: Iterable<TextPair>): PairSplit {
  const train: TextPair[] = [];
  const heldOut: TextPair[] = [];
  const once = new Map(Array.from(pairs, pair => [`${pair.x}\t${pair.y}`, pair] as const));
  for (const pair of once.values()) (isAside(pair.x) ? heldOut : train).push(pair);
  return {train, heldOut};
}

/** A cryptographic hash, since the x of a file may differ by one letter. */
function isAside(x: string): boolean {
  return createHash('sha256').update(x).digest().readUInt32LE(0) % 10 === 0;
}

type Table = ReturnType<typeof pl.readCSV>;

async function readTable(file: string, separator: string, hasHeader: boolean): Promise<Table> {
  const text = await readText(file); // says on which line a file is no text
  if (text.trim() === '') throw new TextFileError(`${shown(file)}: it is empty.`);
  try {
    return pl.readCSV(Buffer.from(text), {
      inferSchemaLength: 0, // all columns are texts
      truncateRaggedLines: false,
      hasHeader,
      sep: separator,
      ...(separator === '\t' ? {quoteChar: ''} : {}),
    });
  } catch (error) {
    const why = (error as Error).message.split('\n')[0] ?? '';
    throw new TextFileError(`${shown(file)}: no table: ${why}`, {cause: error});
  }
}

function cells(file: string, table: Table, column: string): string[] {
  if (!table.columns.includes(column)) {
    throw new TextFileError(
      `${shown(file)}: there is no column "${column}", only ${table.columns.join(', ')}.`,
    );
  }
  const values = table.getColumn(column).toArray() as (string | null)[];
  return values.map(value => value ?? '');
}
