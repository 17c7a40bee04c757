/**
 * The safetensors format: named arrays behind a JSON header, written and read whole.
 * Source: the format's description at https://github.com/huggingface/safetensors.   Lesson: none; checkpoints use it.
 */
import fs from 'node:fs';
import {BYTES, LAYOUT, parseHeader, product, toArray, type NamedArray} from './safetensors-header';
import {writeWhole} from './write-whole';

export {SafetensorsError, type NamedArray} from './safetensors-header';

export interface SafetensorsContent {
  readonly tensors: Readonly<Record<string, NamedArray>>;
  readonly metadata: Readonly<Record<string, string>>;
}

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
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (from: number, to: number) => buffer.subarray(from, to);
  const {start, placed, metadata} = parseHeader(where, buffer.length, read);
  const tensors = placed.map((entry): [string, NamedArray] => {
    const own = Uint8Array.from(buffer.subarray(start + entry.begin, start + entry.end)).buffer;
    return [entry.name, toArray(entry, own)];
  });
  return {tensors: Object.fromEntries(tensors), metadata};
}

/** Reads a file. @throws SafetensorsError when it is damaged; the system's error when it cannot be read */
export function readSafetensors(path: string): SafetensorsContent {
  return decodeSafetensors(fs.readFileSync(path), path);
}

/** Writes a file whole: when it fails, or the process is killed, the old file stays as it was. */
export function writeSafetensors(path: string, content: SafetensorsContent): void {
  writeWhole(path, encodeSafetensors(content));
}
