/**
 * The safetensors format: named arrays behind a JSON header, checked before a byte is believed.
 * Source: the format's description at https://github.com/huggingface/safetensors.   Lesson: none; checkpoints use it.
 */
import fs from 'node:fs';
import {writeWhole} from './write-whole';

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

export interface SafetensorsContent {
  readonly tensors: Readonly<Record<string, NamedArray>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes an element, in the order in which the Python package lays arrays out, last first. */
const BYTES = {BOOL: 1, U8: 1, I32: 4, F32: 4, F64: 8, I64: 8} as const;
type Dtype = keyof typeof BYTES;
const LAYOUT = (Object.keys(BYTES) as Dtype[]).reverse();

/** The format's own limit on the header. */
const LONGEST_HEADER = 100_000_000;

/**
 * The bytes of a file, equal to what the Python package writes: wide numbers first, then by name.
 * @throws RangeError when an array's length does not fit its shape, or a name is '__metadata__'
 */
export function encodeSafetensors({tensors, metadata}: SafetensorsContent): Buffer {
  const entries = Object.entries(tensors).sort(
    ([a, {dtype: left}], [b, {dtype: right}]) =>
      LAYOUT.indexOf(left) - LAYOUT.indexOf(right) ||
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  const header: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) header.push(['__metadata__', metadata]);
  let end = 0;
  for (const [name, {dtype, shape, data}] of entries) {
    if (name === '__metadata__' || data.length !== product(shape)) {
      throw new RangeError(
        `encodeSafetensors: "${name}" has ${data.length} numbers for the shape [${shape.join(',')}].`,
      );
    }
    const start = end;
    end += data.length * BYTES[dtype];
    header.push([name, {dtype, shape, data_offsets: [start, end]}]);
  }
  // Object.fromEntries would move names that look like numbers to the front
  const members = header.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const json = Buffer.from(`{${members.join(',')}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + padded + end, ' ');
  bytes.writeBigUInt64LE(BigInt(padded));
  json.copy(bytes, 8);
  let offset = 8 + padded;
  for (const [, {data}] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/**
 * The arrays and the metadata of a file's bytes.
 * @param where the file's name, for errors
 * @throws SafetensorsError saying what is wrong and where
 */
export function decodeSafetensors(bytes: Uint8Array, where = 'safetensors'): SafetensorsContent {
  const fail = (what: string): never => {
    throw new SafetensorsError(`${where}: ${what}`);
  };
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 8) return fail(`${buffer.length} bytes are no safetensors file.`);
  const length = buffer.readBigUInt64LE();
  if (length > LONGEST_HEADER) return fail('no safetensors file: the header would be too long.');
  const start = 8 + Number(length);
  if (start > buffer.length) return fail(`cut short in the header, at ${buffer.length} bytes.`);
  const header = parseHeader(buffer.toString('utf8', 8, start), fail);
  const {__metadata__: metadata = {}, ...rest} = header;
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
  if (start + expected !== buffer.length) {
    return fail(`${buffer.length} bytes long, expected ${start + expected}: cut short or damaged.`);
  }
  const tensors = placed.map(({name, dtype, shape, begin, end}): [string, NamedArray] => {
    const own = Uint8Array.from(buffer.subarray(start + begin, start + end)).buffer;
    return [name, toArray(dtype, shape, own)];
  });
  return {
    tensors: Object.fromEntries(tensors),
    metadata: metadata as Readonly<Record<string, string>>,
  };
}

/** Reads a file. @throws SafetensorsError when it is damaged; the system's error when it cannot be read */
export function readSafetensors(path: string): SafetensorsContent {
  return decodeSafetensors(fs.readFileSync(path), path);
}

/** Writes a file whole: when it fails, or the process is killed, the old file stays as it was. */
export function writeSafetensors(path: string, content: SafetensorsContent): void {
  writeWhole(path, encodeSafetensors(content));
}

type Fail = (what: string) => never;

function parseHeader(text: string, fail: Fail): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    return fail('the header is no JSON: no safetensors file, or a damaged one.');
  }
  return isRecord(header) ? header : fail('the header is no JSON object.');
}

function place(name: string, entry: unknown, fail: Fail) {
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

function toArray(dtype: Dtype, shape: readonly number[], bytes: ArrayBuffer): NamedArray {
  switch (dtype) {
    case 'BOOL':
    case 'U8':
      return {dtype, shape, data: new Uint8Array(bytes)};
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(size => Number.isSafeInteger(size) && size >= 0);
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, size) => total * size, 1);
}
