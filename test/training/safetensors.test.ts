import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {test} from 'node:test';
import {
  decodeSafetensors,
  encodeSafetensors,
  SafetensorsError,
  type NamedArray,
} from 'latent-lib/training/safetensors';
import {SafetensorsFile} from 'latent-lib/training/safetensors-file';
import {loadGolden, type Golden} from '../helpers/parity';

const golden = loadGolden('safetensors') as Golden & {
  readonly base64: string;
  readonly metadata: Record<string, string>;
  readonly half: {readonly base64: string; readonly wide: Readonly<Record<string, string>>};
};
const written = Buffer.from(golden.base64, 'base64');

/** A file from a header and a number of zero bytes. */
function file(header: unknown, bytes: number): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(bytes)]);
}

test('a file of the Python package is read: names, shapes, values, metadata', () => {
  const {tensors, metadata} = decodeSafetensors(written);
  assert.deepEqual(metadata, golden.metadata);
  assert.deepEqual(Object.keys(tensors).sort(), Object.keys(golden.expected).sort());
  for (const [name, {shape, values}] of Object.entries(golden.expected)) {
    const {dtype, shape: got, data} = tensors[name]!;
    assert.deepEqual(got, shape, name);
    const numbers = Array.from(data as ArrayLike<number | bigint>, Number);
    // the golden JSON keeps nine digits, so a double is compared to that
    const same = numbers.map(value => (dtype === 'F64' ? Number(value.toPrecision(9)) : value));
    const want = dtype === 'F32' ? Array.from(Float32Array.from(values)) : values;
    assert.deepEqual(same, want, name);
  }
});

test('half precision is widened to the same numbers, bit for bit', () => {
  const {tensors} = decodeSafetensors(Buffer.from(golden.half.base64, 'base64'));
  assert.deepEqual(Object.keys(tensors).sort(), ['bfloat16', 'float16']);
  for (const [name, wide] of Object.entries(golden.half.wide)) {
    const {dtype, data} = tensors[name]!;
    assert.equal(dtype, 'F32');
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    assert.equal(Buffer.from(bytes).toString('base64'), wide, name);
  }
});

test('an open file gives one array at a time, the same as all at once', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'safetensors-'));
  try {
    const where = path.join(folder, 'x.safetensors');
    fs.writeFileSync(where, written);
    const open = SafetensorsFile.open(where);
    const {tensors, metadata} = decodeSafetensors(written);
    assert.deepEqual(open.metadata, metadata);
    assert.deepEqual(open.names.sort(), Object.keys(tensors).sort());
    for (const [name, array] of Object.entries(tensors)) {
      assert.deepEqual(open.shape(name), array.shape);
      assert.deepEqual(open.read(name), array);
    }
    assert.throws(() => open.read('nothing'), /x\.safetensors: there is no "nothing"/);
    open.close();
    for (const length of [0, 7, 30, written.length - 1]) {
      fs.writeFileSync(where, written.subarray(0, length));
      assert.throws(() => SafetensorsFile.open(where), SafetensorsError);
    }
  } finally {
    fs.rmSync(folder, {recursive: true});
  }
});

test('what we write is what the Python package writes, byte for byte', () => {
  const content = decodeSafetensors(written);
  assert.ok(encodeSafetensors(content).equals(written));
  const names = Object.keys(content.tensors).reverse();
  const reversed = Object.fromEntries(names.map(name => [name, content.tensors[name]!]));
  assert.ok(encodeSafetensors({...content, tensors: reversed}).equals(written));
});

test('numbers start at a multiple of eight bytes, and an empty file is a file', () => {
  const bytes = encodeSafetensors({tensors: {}, metadata: {}});
  assert.equal(bytes.length % 8, 0);
  assert.deepEqual(decodeSafetensors(bytes), {tensors: {}, metadata: {}});
});

test('a view into a larger buffer is read and written as itself', () => {
  const all = Float32Array.from([1, 2, 3, 4]);
  const x: NamedArray = {dtype: 'F32', shape: [2], data: all.subarray(1, 3)};
  const bytes = encodeSafetensors({tensors: {x}, metadata: {}});
  const shifted = Buffer.concat([Buffer.alloc(3), bytes]).subarray(3);
  assert.deepEqual(decodeSafetensors(shifted).tensors['x']?.data, Float32Array.from([2, 3]));
});

test('a file cut anywhere, or longer than it says, is refused', () => {
  for (let length = 0; length < written.length; length += 7) {
    assert.throws(() => decodeSafetensors(written.subarray(0, length)), SafetensorsError);
  }
  const longer = Buffer.concat([written, Buffer.alloc(1)]);
  assert.throws(() => decodeSafetensors(longer, 'run.safetensors'), {
    name: 'SafetensorsError',
    message: `run.safetensors: ${longer.length} bytes long, expected ${written.length}: cut short or damaged.`,
  });
});

test('other files and damaged headers are refused with the reason', () => {
  const x = {dtype: 'F32', shape: [2], data_offsets: [0, 8]};
  const cases: readonly (readonly [Buffer, RegExp])[] = [
    [Buffer.from('PK\u0003\u0004 a zip file, not ours'), /header would be too long/],
    [file('{"x":', 0), /no JSON/],
    [file([1], 0), /no JSON object/],
    [file({x: 3}, 0), /"x" has no description/],
    [
      file({x: {...x, dtype: 'F8_E5M2'}}, 8),
      /"x" is of type F8_E5M2, expected one of I64, F64, F32/,
    ],
    [file({x: {...x, shape: [3]}}, 8), /"x" has 8 bytes for \[3\] of type F32/],
    [file({x: {...x, shape: [-2, -1]}}, 8), /no lists of sizes/],
    [file({x: {...x, data_offsets: [0, 8, 16]}}, 8), /no lists of sizes/],
    [file({x: {...x, data_offsets: [8, 16]}}, 16), /"x" starts at 8, expected 0/],
    [file({x, y: {...x, data_offsets: [4, 12]}}, 12), /"y" starts at 4, expected 8/],
    [file({x}, 4), /cut short or damaged/],
    [file({x, __metadata__: {epoch: 3}}, 8), /__metadata__ is no map of texts/],
  ];
  for (const [bytes, reason] of cases) {
    assert.throws(() => decodeSafetensors(bytes), reason);
    assert.throws(() => decodeSafetensors(bytes), SafetensorsError);
  }
});

test('an array that does not fill its shape is not written', () => {
  const x: NamedArray = {dtype: 'F32', shape: [2, 2], data: Float32Array.from([1, 2, 3])};
  assert.throws(() => encodeSafetensors({tensors: {x}, metadata: {}}), /"x" has 3 numbers/);
});
