import assert from 'node:assert/strict';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {gzipSync} from 'node:zlib';
import {IdxError, gunzipped, parseIdx, readIdx} from 'latent-lib/data/idx';
import {Random} from 'latent-lib/tensor/random';
import {idx} from './files';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'idx '));
});
after(() => rm(folder, {recursive: true}));

/** Runs and returns the message of the IdxError that comes. */
async function refusal(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    assert.ok(error instanceof IdxError, String(error));
    return error.message;
  }
  return assert.fail('was accepted');
}

test('what is written as IDX is read back, for any shape, plain and compressed', async () => {
  const random = new Random(11);
  for (let round = 0; round < 20; round++) {
    const shape = Array.from({length: 1 + random.integer(4)}, () => random.integer(5));
    const size = shape.reduce((product, length) => product * length, 1);
    const values = Uint8Array.from({length: size}, () => random.integer(256));
    const file = path.join(folder, 'round');
    for (const bytes of [idx(shape, values), gzipSync(idx(shape, values))]) {
      await writeFile(file, bytes);
      const array = await readIdx(file, {shape: shape.map(() => undefined)});
      assert.deepEqual(array.shape, shape);
      assert.deepEqual([...array.values], [...values]);
    }
  }
});

test('a file that is no IDX file is refused with its first bytes', async () => {
  const page = Buffer.from('<!doctype html><title>Sign in</title>');
  assert.equal(
    await refusal(() => parseIdx(page, 'images', {shape: [2, 2]})),
    'images: starts with 3c 21 64 6f ("<!doctype html><"), expected the magic number of an IDX ' +
      'file, 00 00 08 02. Delete it and get it again (data/README.md).',
  );
  assert.match(await refusal(() => parseIdx(new Uint8Array(3), 'f')), /f: has 3 bytes, expected/);
  for (const magic of ['01000801', '00010801', '00000701', '00000f01', '00000800']) {
    const bytes = Buffer.from(`${magic}0000000155`, 'hex');
    assert.match(await refusal(() => parseIdx(bytes, 'f')), /f: starts with .* magic number/);
  }
});

test('values of another type are refused by the name of the type', async () => {
  const bytes = Buffer.from('00000d010000000100000000', 'hex');
  assert.match(
    await refusal(() => parseIdx(bytes, 'f')),
    /f: holds values of type 0d \(32-bit float\), expected 08 \(unsigned byte\)\./,
  );
});

test('another shape than the one wanted is refused with both', async () => {
  const bytes = idx([2, 3], new Uint8Array(6));
  assert.match(
    await refusal(() => parseIdx(bytes, 'f', {shape: [undefined, 4]})),
    /f: has shape \[2,3\], expected \[any,4\]\./,
  );
  assert.match(
    await refusal(() => parseIdx(bytes, 'f', {shape: [6], remedy: 'Ask Ada.'})),
    /f: has 2 axes, expected 1, shape \[6\]\. Ask Ada\.$/,
  );
});

test('a file cut short at any byte is refused, and so is one with bytes to spare', async () => {
  const bytes = idx([2, 3], Uint8Array.of(1, 2, 3, 4, 5, 6));
  for (let length = 0; length < bytes.length; length++) {
    await refusal(() => parseIdx(bytes.subarray(0, length), 'f'));
  }
  assert.match(
    await refusal(() => parseIdx(bytes.subarray(0, -2), 'f')),
    /f: is cut short by 2 bytes, expected 18 for shape \[2,3\], got 16\./,
  );
  assert.match(
    await refusal(() => parseIdx(bytes.subarray(0, 7), 'f')),
    /f: has 7 bytes, expected a header of 12\./,
  );
  assert.match(
    await refusal(() => parseIdx(Buffer.concat([bytes, Buffer.from('!')]), 'f')),
    /f: has 1 trailing bytes, expected 18 for shape \[2,3\], got 19\./,
  );
});

test('sizes whose product is beyond any file are refused, not allocated', async () => {
  const bytes = Buffer.from('00000803ffffffffffffffffffffffff00', 'hex');
  assert.match(await refusal(() => parseIdx(bytes, 'f')), /f: is cut short by 7\.9\d*e\+28 bytes/);
});

test('a compressed file that is cut short, damaged or followed by more is refused', async () => {
  const whole = gzipSync(
    idx(
      [500],
      Uint8Array.from({length: 500}, (_, i) => (i * i) % 251),
    ),
  );
  const damaged = Buffer.from(whole);
  damaged[40] = damaged[40]! ^ 0xff;
  assert.match(
    await refusal(() => gunzipped(whole.subarray(0, 60), 'f.gz')),
    /f\.gz: is no sound gzip file \(unexpected end of file\), expected a whole one\./,
  );
  assert.match(await refusal(() => gunzipped(damaged, 'f.gz')), /f\.gz: is no sound gzip file/);
  assert.match(
    await refusal(() => gunzipped(Buffer.concat([whole, Buffer.from('xyz')]), 'f.gz')),
    /f\.gz: is no sound gzip file/,
  );
  assert.match(
    await refusal(() => gunzipped(Buffer.concat([whole, Buffer.alloc(3)]), 'f.gz')),
    /f\.gz: has 3 trailing bytes after the compressed data, expected none\./,
  );
  for (let length = 2; length < whole.length; length += 7) {
    await refusal(() => gunzipped(whole.subarray(0, length), 'f.gz'));
  }
});

test('a file that is not there gives the error of the system, with its path', async () => {
  await assert.rejects(readIdx(path.join(folder, 'none')), /ENOENT.*none/);
});
