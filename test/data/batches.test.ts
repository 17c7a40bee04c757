import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {batches, batchesPerEpoch, bufferShuffle, type BatchOptions} from 'latent-lib/data/batches';
import {Rows} from 'latent-lib/data/rows';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';

before(ready);

const rows = new Rows(
  Float32Array.from({length: 20}, (_, index) => index),
  2,
);
const random = () => new Random(9);

/** What came: the indices of each batch. */
const indices = (options: BatchOptions) =>
  [...batches(rows, options)].map(batch => [...batch.indices]);
const inOrder = (length: number) => [...Array(length).keys()];

test('without shuffling the rows come in order, the last batch smaller', () => {
  assert.deepEqual(indices({size: 4}), [
    [0, 1, 2, 3],
    [4, 5, 6, 7],
    [8, 9],
  ]);
  assert.deepEqual(indices({size: 4, dropRemainder: true}), [
    [0, 1, 2, 3],
    [4, 5, 6, 7],
  ]);
  assert.equal(batchesPerEpoch(10, {size: 4}), 3);
  assert.equal(batchesPerEpoch(10, {size: 4, dropRemainder: true}), 2);
});

test('a batch holds the rows of its indices', () => {
  for (const {x, indices} of batches(rows, {size: 3, shuffle: 'all', random: random()})) {
    assert.deepEqual(
      x.arraySync(),
      [...indices].map(index => [2 * index, 2 * index + 1]),
    );
  }
});

test('each epoch holds each row once, in an order of its own', () => {
  for (const shuffle of ['all', 3, 10, 1000] as const) {
    const options = {size: 5, shuffle, random: random(), epochs: 3};
    const orders = indices(options);
    const epochs = [0, 1, 2].map(epoch => orders.slice(2 * epoch, 2 * epoch + 2).flat());
    for (const order of epochs) {
      assert.deepEqual(
        [...order].sort((a, b) => a - b),
        inOrder(10),
      );
    }
    assert.notDeepEqual(epochs[0], epochs[1]);
    assert.notDeepEqual(epochs[1], epochs[2]);
    assert.deepEqual(indices(options), orders, 'the same seed gives the same order');
  }
});

test('a training that goes on at an epoch sees what the uninterrupted one saw', () => {
  const options = {size: 4, shuffle: 4, random: random(), binarize: true};
  const grey = new Rows(new Uint8Array(200).fill(128), 10);
  const seen = (more: Partial<BatchOptions>) =>
    Array.from(batches(grey, {...options, ...more}), ({x, ...batch}) => ({
      ...batch,
      x: x.arraySync(),
    }));
  const whole = seen({epochs: 3});
  assert.deepEqual(seen({firstEpoch: 1, epochs: 2}), whole.slice(5));
  assert.deepEqual(
    whole.map(({step}) => step),
    inOrder(15),
  );
  assert.deepEqual(
    whole.map(({epoch}) => epoch),
    inOrder(15).map(step => Math.floor(step / 5)),
  );
});

test('a batch is disposed of when the next is asked for, and the last when the loop is left', () => {
  const start = tf.memory().numTensors;
  const seen: tf.Tensor[] = [];
  for (const {x, step} of batches(rows, {size: 2, epochs: Infinity})) {
    seen.push(x);
    assert.equal(tf.memory().numTensors, start + 1);
    if (step === 12) break;
  }
  assert.ok(seen.every(x => x.isDisposed));
  assert.equal(tf.memory().numTensors, start);
  assert.throws(() => {
    for (const {x} of batches(rows, {size: 2})) throw new Error(`stopped at ${x.id}`);
  }, /stopped/);
  assert.equal(tf.memory().numTensors, start);
});

test('dynamic binarisation draws anew in each epoch, with the right frequency', () => {
  const grey = new Rows(new Uint8Array(5000).fill(191), 50);
  const epochs = Array.from(
    batches(grey, {size: 100, binarize: true, random: random(), epochs: 4}),
    ({x}) => Array.from(x.dataSync()),
  );
  assert.ok(epochs.flat().every(value => value === 0 || value === 1));
  assert.notDeepEqual(epochs[0], epochs[1]);
  const share = epochs.flat().reduce((sum, value) => sum + value, 0) / 20_000;
  assert.ok(Math.abs(share - 191 / 255) < 0.0092, `share of ones ${share}`); // three standard errors
});

test('a shuffle through a buffer brings no row earlier than the buffer reaches', () => {
  const seeds = new Random(4);
  for (let round = 0; round < 50; round++) {
    const count = 1 + seeds.integer(200);
    const buffer = 1 + seeds.integer(64);
    const order = [...bufferShuffle(count, buffer, seeds)];
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      inOrder(count),
    );
    order.forEach((row, place) => assert.ok(row < place + buffer, `row ${row} at ${place}`));
  }
  assert.deepEqual(
    [...bufferShuffle(50, 1, seeds)],
    inOrder(50),
    'a buffer of one shuffles nothing',
  );
});

test('the first row of a buffer shuffle waits as long as tf.data makes it wait', () => {
  // Row 0 is in the buffer from the start and is drawn with probability 1 / 8 at each place: the
  // place is geometric, so its mean is 7 and its standard deviation √56 = 7.5.
  const seeds = new Random(6);
  const draws = 4000;
  let sum = 0;
  for (let draw = 0; draw < draws; draw++) sum += bufferShuffle(400, 8, seeds).indexOf(0);
  const mean = sum / draws;
  assert.ok(Math.abs(mean - 7) < (3 * 7.5) / Math.sqrt(draws), `mean place ${mean}`);
});

test('a buffer as long as the data makes every order equally likely', () => {
  const seeds = new Random(8);
  const counts = new Map<string, number>();
  for (let draw = 0; draw < 6000; draw++) {
    const order = bufferShuffle(3, 5, seeds).join('');
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.equal(counts.size, 6);
  const chiSquare = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  assert.ok(chiSquare < 20.5, `χ² ${chiSquare} with 5 degrees of freedom, p < 0.001 above 20.5`);
});

test('options that make no sense are refused by name, before the first batch', () => {
  const bad: readonly [Partial<BatchOptions>, RegExp][] = [
    [{size: 0}, /batches: size is 0, expected a positive integer/],
    [{size: 2.5}, /batches: size is 2.5/],
    [{epochs: 0}, /batches: epochs is 0/],
    [{shuffle: 0, random: random()}, /batches: shuffle is 0/],
    [{firstEpoch: -1}, /batches: firstEpoch is -1/],
    [{shuffle: 'all'}, /batches: to shuffle or binarize, give `random`/],
    [{binarize: true}, /batches: to shuffle or binarize, give `random`/],
    [{size: 11, dropRemainder: true}, /batches: 10 rows give no batch of 11\./],
  ];
  for (const [options, message] of bad) {
    assert.throws(() => batches(rows, {size: 2, ...options}), message);
  }
  assert.throws(() => batches(rows.slice(0, 0), {size: 2}), /batches: 0 rows give no batch of 2\./);
});
