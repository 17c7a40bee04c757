import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {bucketLengths, tokenBatches} from 'latent-lib/data/token-batches';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

/** A row of `length` ids, each 10 + its number. */
const row = (index: number, length: number) => Array<number>(length).fill(10 + index);
const LENGTHS = [3, 5, 2, 5, 4, 3, 1, 5, 2];
const ROWS = LENGTHS.map((length, index) => row(index, length));

/** What the batches of an iteration hold, read while they live. */
function contents(...args: Parameters<typeof tokenBatches<'x'>>) {
  return Array.from(tokenBatches<'x'>(...args), ({ids, indices, length, epoch, step}) => {
    return {ids: ids.x.arraySync(), dtype: ids.x.dtype, indices: [...indices], length, epoch, step};
  });
}

test('rows of about the same length come together, padded to the length of their bucket', () => {
  const batches = contents({x: ROWS}, {size: 2, lengths: [3, 5]});
  assert.deepEqual(batches.map(({length}) => length), [3, 5, 3, 5, 3]); // prettier-ignore
  assert.deepEqual(batches.map(({indices}) => indices), [[0, 2], [1, 3], [5, 6], [4, 7], [8]]); // prettier-ignore
  assert.deepEqual(batches[0]!.ids, [[10, 10, 10], [12, 12, 0]]); // prettier-ignore
  assert.deepEqual(batches[3]!.ids, [row(4, 4).concat(0), row(7, 5)]);
  assert.ok(batches.every(({dtype}) => dtype === 'int32'));
  assert.deepEqual(batches.map(({step}) => step), [0, 1, 2, 3, 4]); // prettier-ignore
});

test('an epoch has each row once, in an order that the seed and the epoch’s number decide', () => {
  const random = new Random(1);
  const options = {size: 2, lengths: [3, 5], random, epochs: 2};
  const batches = contents({x: ROWS}, options);
  for (const epoch of [0, 1]) {
    const own = batches.filter(batch => batch.epoch === epoch);
    const seen = own.flatMap(({indices}) => indices).sort();
    assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  }
  const later = contents({x: ROWS}, {...options, epochs: 1, firstEpoch: 1});
  assert.deepEqual(later, batches.slice(5));
  assert.notDeepEqual(later[0]!.indices, batches[0]!.indices);
});

test('without remainders only two shapes occur', () => {
  const batches = contents({x: ROWS}, {size: 2, lengths: [3, 5], dropRemainder: true, epochs: 3});
  const shapes = new Set(batches.map(({ids}) => `${ids.length} ${ids[0]!.length}`));
  assert.deepEqual([...shapes].sort(), ['2 3', '2 5']);
  assert.deepEqual(batches.map(({step}) => step), Array.from({length: 12}, (_, step) => step)); // prettier-ignore
});

test('the columns of a row stay together and have one length', () => {
  const y = LENGTHS.map((length, index) => row(index, 6 - length));
  for (const {ids, indices, length} of tokenBatches({x: ROWS, y}, {size: 2, lengths: [4, 5]})) {
    assert.deepEqual([ids.x.shape, ids.y.shape], [[indices.length, length], ids.x.shape]);
    indices.forEach((index, at) => {
      assert.equal(ids.x.arraySync()[at]![0], 10 + index);
      assert.equal(ids.y.arraySync()[at]![0], 10 + index);
      assert.equal(length, Math.max(LENGTHS[index]!, 6 - LENGTHS[index]!) <= 4 ? 4 : 5);
    });
  }
});

test('lengths are quantiles of the rows’', () => {
  assert.deepEqual(bucketLengths(ROWS, 1), [5]);
  assert.deepEqual(bucketLengths(ROWS, 3), [2, 4, 5]);
  assert.deepEqual(bucketLengths(ROWS, 20), [1, 2, 3, 4, 5]);
  assert.deepEqual(contents({x: ROWS}, {size: 9})[0]!.length, 5);
});

test('batches are disposed of, also when the loop is left early', async () => {
  await leavesNoTensor(() => void contents({x: ROWS}, {size: 2, lengths: [3, 5]}));
  await leavesNoTensor(() => {
    for (const {ids} of tokenBatches({x: ROWS}, {size: 2})) {
      if (ids.x.shape[0] === 2) break;
    }
  });
  assert.equal(tf.memory().numTensors, 0);
});

test('what cannot be batched is refused by name', () => {
  assert.throws(() => contents({x: ROWS}, {size: 0}), /size is 0/);
  assert.throws(
    () => contents({x: ROWS}, {size: 2, lengths: [4]}),
    /row 1 has 5 tokens, more than/,
  );
  assert.throws(() => contents({x: []}, {size: 2}), /equally many rows, one at least; got x 0/);
  assert.throws(
    () => contents({x: ROWS}, {size: 9, lengths: [3, 5], dropRemainder: true}),
    /no batch of 9/,
  );
  assert.throws(() => contents({x: ROWS}, {size: 2, epochs: 0}), /epochs is 0/);
  assert.throws(() => contents({x: ROWS}, {size: 2, firstEpoch: -1}), /firstEpoch is -1/);
  assert.throws(() => tokenBatches({x: ROWS, y: [[1]]}, {size: 2}), /got x 9, y 1/);
  assert.throws(() => bucketLengths([], 2), /no rows/);
});
