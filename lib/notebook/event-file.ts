/**
 * TensorBoard's event files: records with checksums around protocol-buffer messages.
 * Source: tensorflow/core/util/event.proto, summary.proto and record_writer.cc.   Lesson: none.
 */
import fs from 'node:fs';
import path from 'node:path';

/** What one event says, under a tag; tags with slashes are grouped. */
export type Summary =
  | {readonly kind: 'scalar'; readonly value: number}
  | {readonly kind: 'histogram'; readonly values: readonly number[]}
  | {readonly kind: 'text'; readonly text: string}
  | {
      readonly kind: 'image';
      readonly png: Uint8Array;
      readonly width: number;
      readonly height: number;
    };

/** An event file that grows by whole records; a killed run leaves a file that still reads. */
export class EventFile {
  readonly path: string;
  private readonly file: number;

  /** @param folder made if it is not there; each run has its own */
  constructor(folder: string) {
    fs.mkdirSync(folder, {recursive: true});
    const seconds = Math.floor(Date.now() / 1000);
    const name = `events.out.tfevents.${seconds}.latent.${process.pid}.${serial++}.v2`;
    this.path = path.join(folder, name);
    this.file = fs.openSync(this.path, 'wx');
    this.append(Buffer.concat([wallTime(), bytes(3, Buffer.from('brain.Event:2'))]));
  }

  /** Appends one event. @throws RangeError when a histogram has no finite value */
  write(tag: string, step: number, summary: Summary): void {
    const value = Buffer.concat([bytes(1, Buffer.from(tag)), summaryFields(summary)]);
    this.append(Buffer.concat([wallTime(), varintField(2, step), bytes(5, bytes(1, value))]));
  }

  close(): void {
    fs.closeSync(this.file);
  }

  private append(event: Buffer): void {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(event.length));
    fs.writeSync(this.file, Buffer.concat([length, checksum(length), event, checksum(event)]));
  }
}

let serial = 0;

/** The fields of Summary.Value behind its tag. */
function summaryFields(summary: Summary): Buffer {
  if (summary.kind === 'scalar') return float(2, summary.value);
  if (summary.kind === 'histogram') return bytes(5, histogram(summary.values));
  if (summary.kind === 'text') return text(summary.text);
  const {png, width, height} = summary;
  return bytes(
    4,
    Buffer.concat([
      ...[varintField(1, height), varintField(2, width), varintField(3, 3)],
      bytes(4, Buffer.from(png)),
    ]),
  );
}

/**
 * A string, marked for TensorBoard's text plugin, which reads Markdown. It is a tensor without axes: a
 * list of one string would be shown as a table around it.
 */
function text(content: string): Buffer {
  const plugin = bytes(1, bytes(1, Buffer.from('text')));
  const shape = bytes(2, Buffer.alloc(0));
  const tensor = [varintField(1, 7), shape, bytes(8, Buffer.from(content))]; // DT_STRING
  return Buffer.concat([bytes(8, Buffer.concat(tensor)), bytes(9, plugin)]);
}

const BUCKETS = 40;

/** HistogramProto with buckets of equal width. */
function histogram(values: readonly number[]): Buffer {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) throw new RangeError('TensorBoard: a histogram without finite values.');
  const low = finite.reduce((least, value) => Math.min(least, value), Infinity);
  const high = finite.reduce((most, value) => Math.max(most, value), -Infinity);
  const width = (high - low) / BUCKETS || 1;
  const counts = new Array<number>(BUCKETS).fill(0);
  for (const value of finite) {
    counts[Math.min(BUCKETS - 1, Math.floor((value - low) / width))]! += 1;
  }
  const limits = counts.map((_, n) => low + (n + 1) * width);
  const sum = finite.reduce((total, value) => total + value, 0);
  const squares = finite.reduce((total, value) => total + value * value, 0);
  return Buffer.concat([
    ...[double(1, low), double(2, high), double(3, finite.length)],
    ...[double(4, sum), double(5, squares), doubles(6, limits), doubles(7, counts)],
  ]);
}

const wallTime = () => double(1, Date.now() / 1000);

// Protocol-buffer wire format: a key of field number and type, then the value.

function varint(value: number): Buffer {
  const out: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...out, Number(rest)]);
}

const key = (field: number, type: number) => varint(field * 8 + type);

/** @param value a whole number, not negative */
const varintField = (field: number, value: number) => Buffer.concat([key(field, 0), varint(value)]);

const bytes = (field: number, content: Buffer) =>
  Buffer.concat([key(field, 2), varint(content.length), content]);

function double(field: number, value: number): Buffer {
  const content = Buffer.alloc(8);
  content.writeDoubleLE(value);
  return Buffer.concat([key(field, 1), content]);
}

function doubles(field: number, values: readonly number[]): Buffer {
  return bytes(field, Buffer.from(Float64Array.from(values).buffer));
}

function float(field: number, value: number): Buffer {
  const content = Buffer.alloc(4);
  content.writeFloatLE(value);
  return Buffer.concat([key(field, 5), content]);
}

const CASTAGNOLI = Uint32Array.from({length: 256}, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0x82f63b78 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** CRC-32C, turned and shifted as TFRecord wants it, little-endian. */
function checksum(content: Uint8Array): Buffer {
  let crc = 0xffffffff;
  for (const byte of content) crc = CASTAGNOLI[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  crc = (crc ^ 0xffffffff) >>> 0;
  const masked = ((((crc >>> 15) | (crc << 17)) >>> 0) + 0xa282ead8) >>> 0;
  const out = Buffer.alloc(4);
  out.writeUInt32LE(masked);
  return out;
}
