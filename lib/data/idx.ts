/**
 * Reads IDX files, the format of MNIST: a big-endian header, then the values; plain or gzip-compressed.
 * Source: LeCun, Cortes & Burges, "The MNIST database", section on the file formats.   Lesson: notebooks/01-dense-vae.
 */
import {readFile} from 'node:fs/promises';
import {gunzip} from 'node:zlib';

/** A file does not hold what it should. The message names the file, what it holds, what it should, and a remedy. */
export class IdxError extends Error {
  override readonly name = 'IdxError';
}

/** An array of unsigned bytes with its shape, first axis slowest: [N, 28, 28] for images, [N] for labels. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

/** What the caller knows beforehand. */
export interface IdxExpectation {
  /** The shape; undefined on an axis accepts any length there. */
  readonly shape?: readonly (number | undefined)[];
  /** What to do about a bad file; the end of every error's message. */
  readonly remedy?: string;
}

const REMEDY = 'Delete it and get it again (data/README.md).';
const UNSIGNED_BYTE = 0x08;
const DTYPES: Readonly<Record<number, string>> = {
  0x08: 'unsigned byte',
  0x09: 'signed byte',
  0x0b: '16-bit integer',
  0x0c: '32-bit integer',
  0x0d: '32-bit float',
  0x0e: '64-bit float',
};

/** More than any file of ours, less than what would exhaust the memory of a small machine. */
const MOST_BYTES = 2 ** 30;

/**
 * Reads an IDX file of unsigned bytes from disk.
 * @throws IdxError when it is no such file; the system's own error (ENOENT, EACCES) when it cannot be read
 */
export async function readIdx(path: string, expected: IdxExpectation = {}): Promise<IdxArray> {
  return parseIdx(await gunzipped(await readFile(path), path, expected.remedy), path, expected);
}

/**
 * The bytes themselves, or what they hold where they are gzip-compressed (they begin with 1f 8b).
 * @throws IdxError when the compressed stream is broken, cut short, or followed by other bytes
 */
export function gunzipped(
  bytes: Uint8Array,
  name: string,
  remedy: string = REMEDY,
): Promise<Uint8Array> {
  if (!(bytes[0] === 0x1f && bytes[1] === 0x8b)) return Promise.resolve(bytes);
  // With {info: true} the result also carries the engine, which counts the bytes that it consumed.
  const options = {info: true, maxOutputLength: MOST_BYTES};
  return new Promise((resolve, reject) => {
    gunzip(bytes, options, (error, result: unknown) => {
      if (error !== null) {
        const got = `is no sound gzip file (${error.message})`;
        reject(new IdxError(`${name}: ${got}, expected a whole one. ${remedy}`));
        return;
      }
      const {buffer, engine} = result as {buffer: Uint8Array; engine: {bytesWritten: number}};
      const trailing = bytes.length - engine.bytesWritten;
      if (trailing > 0) {
        const got = `has ${trailing} trailing bytes after the compressed data`;
        reject(new IdxError(`${name}: ${got}, expected none. ${remedy}`));
        return;
      }
      resolve(buffer);
    });
  });
}

/**
 * Parses the uncompressed bytes of an IDX file. The values are a view of `bytes`, not a copy.
 *
 *   00 00, a byte for the type, a byte for the number of axes, 4 bytes for the length of each, the values
 *
 * @param name the file's name, for errors
 * @throws IdxError on a wrong magic number, type or shape, and on missing or trailing bytes
 */
export function parseIdx(
  bytes: Uint8Array,
  name: string,
  {shape: wanted, remedy = REMEDY}: IdxExpectation = {},
): IdxArray {
  const fail = (got: string, want: string): never => {
    throw new IdxError(`${name}: ${got}, expected ${want}. ${remedy}`);
  };
  if (bytes.length < 4) fail(`has ${bytes.length} bytes`, 'at least the 4 of the magic number');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0);
  const type = (magic >>> 8) & 0xff;
  const axes = magic & 0xff;
  if (magic >>> 16 !== 0 || DTYPES[type] === undefined || axes === 0) {
    const start = `starts with ${hex(bytes.subarray(0, 4))}${looksLikeText(bytes)}`;
    fail(start, `the magic number of an IDX file, 00 00 08 ${hex([wanted?.length ?? 3])}`);
  }
  if (type !== UNSIGNED_BYTE) {
    fail(`holds values of type ${hex([type])} (${DTYPES[type]})`, '08 (unsigned byte)');
  }
  if (wanted !== undefined && axes !== wanted.length) {
    fail(`has ${axes} axes`, `${wanted.length}, shape [${written(wanted)}]`);
  }
  const header = 4 + 4 * axes;
  if (bytes.length < header) fail(`has ${bytes.length} bytes`, `a header of ${header}`);
  const shape = Array.from({length: axes}, (_, axis) => view.getUint32(4 + 4 * axis));
  if (wanted?.some((length, axis) => length !== undefined && length !== shape[axis])) {
    fail(`has shape [${shape.join(',')}]`, `[${written(wanted)}]`);
  }
  const size = shape.reduce((product, length) => product * length, 1);
  const difference = bytes.length - header - size;
  if (difference !== 0) {
    const what = difference < 0 ? `is cut short by ${-difference}` : `has ${difference} trailing`;
    fail(`${what} bytes`, `${header + size} for shape [${shape.join(',')}], got ${bytes.length}`);
  }
  return {shape, values: bytes.subarray(header)};
}

function hex(bytes: Iterable<number>): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ');
}

function written(shape: readonly (number | undefined)[]): string {
  return shape.map(length => length ?? 'any').join(',');
}

/** A web page saved under the name of the file is the usual accident: show how it begins. */
function looksLikeText(bytes: Uint8Array): string {
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  return /^[\x20-\x7e\r\n\t]+$/.test(start) ? ` (${JSON.stringify(start)})` : '';
}
