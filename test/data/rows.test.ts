import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {binarized, bernoulli, Rows} from 'latent-lib/data/rows';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';

before(ready);

const bytes = new Rows(Uint8Array.of(0, 51, 102, 153, 204, 255), 2);

test('bytes become numbers from 0 to 1, floats stay as they are', () => {
  const x = bytes.tensor([2, 0]);
  assert.deepEqual(x.shape, [2, 2]);
  assert.equal(x.dtype, 'float32');
  assert.deepEqual(Array.from(x.dataSync()), Array.from(Float32Array.of(0.8, 1, 0, 0.2)));
  x.dispose();
  const floats = new Rows(Float32Array.of(-1.5, 0, 2, 300), 2);
  assert.deepEqual(Array.from(floats.floats([1, 1])), [2, 300, 2, 300]);
});

test('without indices all rows come, and only their tensor is made', () => {
  const tensors = tf.memory().numTensors;
  const x = bytes.tensor();
  assert.deepEqual(x.shape, [3, 2]);
  assert.equal(tf.memory().numTensors, tensors + 1);
  x.dispose();
});

test('a slice is a view of the same memory', () => {
  const middle = bytes.slice(1, 3);
  assert.equal(middle.count, 2);
  assert.equal(middle.values.buffer, bytes.values.buffer);
  assert.deepEqual([...middle.values], [102, 153, 204, 255]);
  assert.equal(bytes.slice(3, 3).count, 0);
});

test('rows that are not there are refused', () => {
  assert.throws(() => new Rows(new Uint8Array(5), 2), /Rows: 5 values are no whole rows of 2\./);
  assert.throws(() => new Rows(new Uint8Array(5), 0), /Rows: width is 0, expected a positive/);
  for (const index of [3, -1, 0.5, NaN]) {
    assert.throws(() => bytes.floats([index]), {
      message: `Rows: there is no row ${index}, only 0 to 2.`,
    });
  }
  for (const [start, end] of [
    [-1, 2],
    [0, 4],
    [2, 1],
    [0.5, 1],
  ] as const) {
    assert.throws(() => bytes.slice(start, end), /Rows\.slice: .* is not within 0 to 3\./);
  }
});

test('static binarisation draws each value with its probability, once and for all', () => {
  const grey = new Rows(new Uint8Array(40_000).fill(51), 4);
  const bits = binarized(grey, new Random(1));
  assert.equal(bits.width, 4);
  assert.ok(bits.values.every(value => value === 0 || value === 255));
  const share = Array.from(bits.values).reduce((sum, bit) => sum + bit / 255, 0) / 40_000;
  assert.ok(Math.abs(share - 0.2) < 0.006, `share of ones ${share}`); // three standard errors
  assert.deepEqual(binarized(grey, new Random(1)).values, bits.values);
  assert.notDeepEqual(binarized(grey, new Random(2)).values, bits.values);
  const sure = new Rows(
    Uint8Array.from({length: 1000}, (_, i) => 255 * (i % 2)),
    10,
  );
  assert.deepEqual(binarized(sure, new Random(3)).values, sure.values);
});

test('what is no probability is refused', () => {
  for (const value of [-0.1, 1.1, NaN]) {
    assert.throws(() => bernoulli(value, new Random(1)), /is no probability, expected 0 to 1\./);
  }
  assert.throws(() => binarized(new Rows(Float32Array.of(2), 1), new Random(1)), RangeError);
});
