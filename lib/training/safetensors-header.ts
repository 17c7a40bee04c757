/**
 * The header of a safetensors file: what it holds, of what type and where, checked before it is believed.
 * Source: the format's description at https://github.com/huggingface/safetensors.   Lesson: none; checkpoints use it.
 */
import {widenBfloat16, widenFloat16} from './half-precision';

/** The bytes are no safetensors file, or a damaged one. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
}

/** Numbers with a shape; 'BOOL' holds 0 and 1. */
export type NamedArray =
  | {readonly dtype: 'BOOL' | 'U8'; readonly shape: readonly number[]; readonly data: Uint8Array}
  | {readonly dtype: 'I32'; readonly shape: readonly number[]; readonly data: Int32Array}
  | {readonly dtype: 'F32'; readonly shape: readonly number[]; readonly data: Float32Array}
  | {readonly dtype: 'I64'; readonly shape: readonly number[]; readonly data: BigInt64Array}
  | {readonly dtype: 'F64'; readonly shape: readonly number[]; readonly data: Float64Array};

/** Bytes an element, in the order in which the Python package lays arrays out, last first. */
export const BYTES = {
  BOOL: 1,
  U8: 1,
  F16: 2,
  BF16: 2,
  I32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
} as const;
export type Dtype = keyof typeof BYTES;
export const LAYOUT = (Object.keys(BYTES) as Dtype[]).reverse();

/** The format's own limit on the header. */
const LONGEST_HEADER = 100_000_000;

/** Where an array lies: `begin` to `end` in bytes, counted from the end of the header. */
export interface Placed {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  /** Where the arrays' bytes begin in the file. */
  readonly start: number;
  /** In the order of their places, without a gap. */
  readonly placed: readonly Placed[];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads the header and checks it against the file's length.
 * @param where the file's name, for errors
 * @param total the file's length in bytes
 * @param read  the bytes from `start` up to `end`
 * @throws SafetensorsError saying what is wrong and where
 */
export function parseHeader(
  where: string,
  total: number,
  read: (start: number, end: number) => Buffer,
): Header {
  const fail = (what: string): never => {
    throw new SafetensorsError(`${where}: ${what}`);
  };
  if (total < 8) return fail(`${total} bytes are no safetensors file.`);
  const length = read(0, 8).readBigUInt64LE();
  if (length > LONGEST_HEADER) return fail('no safetensors file: the header would be too long.');
  const start = 8 + Number(length);
  if (start > total) return fail(`cut short in the header, at ${total} bytes.`);
  const {__metadata__: metadata = {}, ...rest} = parseJson(read(8, start).toString('utf8'), fail);
  if (!isRecord(metadata) || Object.values(metadata).some(value => typeof value !== 'string')) {
    return fail('__metadata__ is no map of texts.');
  }
  const placed = Object.entries(rest).map(([name, entry]) => place(name, entry, fail));
  placed.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let expected = 0;
  for (const {name, begin, end} of placed) {
    if (begin !== expected) fail(`"${name}" starts at ${begin}, expected ${expected}.`);
    expected = end;
  }
  if (start + expected !== total) {
    return fail(`${total} bytes long, expected ${start + expected}: cut short or damaged.`);
  }
  return {start, placed, metadata: metadata as Readonly<Record<string, string>>};
}

/** Bytes of the array's own as its numbers; half precision is widened, which changes no number. */
export function toArray({dtype, shape}: Placed, bytes: ArrayBuffer): NamedArray {
  switch (dtype) {
    case 'BOOL':
    case 'U8':
      return {dtype, shape, data: new Uint8Array(bytes)};
    case 'F16':
      return {dtype: 'F32', shape, data: widenFloat16(new Uint16Array(bytes))};
    case 'BF16':
      return {dtype: 'F32', shape, data: widenBfloat16(new Uint16Array(bytes))};
    case 'I32':
      return {dtype, shape, data: new Int32Array(bytes)};
    case 'F32':
      return {dtype, shape, data: new Float32Array(bytes)};
    case 'I64':
      return {dtype, shape, data: new BigInt64Array(bytes)};
    case 'F64':
      return {dtype, shape, data: new Float64Array(bytes)};
  }
}

export function product(shape: readonly number[]): number {
  return shape.reduce((total, size) => total * size, 1);
}

type Fail = (what: string) => never;

function parseJson(text: string, fail: Fail): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    return fail('the header is no JSON: no safetensors file, or a damaged one.');
  }
  return isRecord(header) ? header : fail('the header is no JSON object.');
}

function place(name: string, entry: unknown, fail: Fail): Placed {
  if (!isRecord(entry)) return fail(`"${name}" has no description.`);
  const {dtype, shape, data_offsets: offsets} = entry;
  const known = LAYOUT.find(candidate => candidate === dtype);
  if (known === undefined) {
    return fail(`"${name}" is of type ${String(dtype)}, expected one of ${LAYOUT.join(', ')}.`);
  }
  if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
    return fail(`"${name}" has a shape or offsets that are no lists of sizes.`);
  }
  const [begin = 0, end = 0] = offsets;
  if (end - begin !== product(shape) * BYTES[known]) {
    return fail(`"${name}" has ${end - begin} bytes for [${shape.join(',')}] of type ${known}.`);
  }
  return {name, dtype: known, shape, begin, end};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(size => Number.isSafeInteger(size) && size >= 0);
}
