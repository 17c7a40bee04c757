import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {TokenPairs} from 'latent-lib/data/token-pairs';
import {Vocabulary} from 'latent-lib/data/vocabulary';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const PAIRS = [
  {x: 'a b', y: 'c'},
  {x: 'b', y: 'a c b'},
  {x: 'c a', y: 'b b'},
];
const vocabulary = new Vocabulary(['a', 'b', 'c']); // ids 4, 5, 6
const pairs = () => new TokenPairs(vocabulary, PAIRS);

test('ids are start, words, end and padding, each half to its own length', () => {
  const {x, y} = pairs().tensors();
  assert.equal(x.dtype, 'int32');
  close(
    'x',
    x,
    tf.tensor2d([
      [1, 4, 5, 2],
      [1, 5, 2, 0],
      [1, 6, 4, 2],
    ]),
    {atol: 0},
  );
  close(
    'y',
    y,
    tf.tensor2d([
      [1, 6, 2, 0, 0],
      [1, 4, 6, 5, 2],
      [1, 5, 5, 2, 0],
    ]),
    {atol: 0},
  );
  const longer = new TokenPairs(vocabulary, PAIRS, {x: 6, y: 5}).tensors([1]);
  close('x of 6', longer.x, tf.tensor2d([[1, 5, 2, 0, 0, 0]]), {atol: 0});
});

test('batches keep the halves of a pair together, and every pair comes once an epoch', () => {
  const seen: number[] = [];
  for (const {x, y, indices} of pairs().batches({size: 2, random: new Random(1)})) {
    const want = pairs().tensors(indices);
    close('x', x, want.x, {atol: 0});
    close('y', y, want.y, {atol: 0});
    seen.push(...indices);
  }
  assert.deepEqual(seen.sort(), [0, 1, 2]);
});

test('a batch is disposed of when the next one is asked for, or the loop is left', async () => {
  await leavesNoTensor(() => {
    for (const {step} of pairs().batches({size: 1, random: new Random(1)})) if (step === 1) break;
  });
  await leavesNoTensor(() => ({...pairs().tensors([0, 2])}));
});

test('what does not fit is refused by name', () => {
  assert.throws(() => new TokenPairs(vocabulary, []), /there is no pair/);
  assert.throws(
    () => new TokenPairs(vocabulary, PAIRS, {y: 4}),
    /"a c b" has 5 tokens at y for a length of 4/,
  );
});
