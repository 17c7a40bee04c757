import test, {before} from 'node:test';
import assert from 'node:assert/strict';
import {ready, tf} from 'latent-lib/tensor/tf';
import {check, type CheckResult, judge} from 'latent-lib/notebook/check';
import {inTerminal} from './fake-kernel';

before(ready);

const sync = (...args: Parameters<typeof judge>) => judge(...args) as CheckResult;

test('an exact answer and a close one are solved', () => {
  assert.equal(
    sync('exercise 1', () => tf.tensor1d([1, 2]), [1, 2]).text,
    'exercise 1   shape ok   exact yes   close yes   max |Δ| 0',
  );
  const close = sync('exercise 2', () => [1, 2.000001], [1, 2]);
  assert.match(close.text, /exact no {3}close yes {3}max \|Δ\| 1\.0e-6$/);
  assert.ok(close.solved);
});

test('a wrong value says where and by how much', () => {
  const result = sync(
    'exercise 1',
    () => [
      [1, 2],
      [3, 5],
    ],
    [
      [1, 2],
      [3, 4],
    ],
  );
  assert.equal(result.state, 'wrong');
  assert.match(result.text, /close no {3}max \|Δ\| 1\.0e\+0 {3}got 5 at \[1, 1\], want 4$/);
});

test('a wrong shape says both shapes', () => {
  const result = sync('e', () => [[1, 2]], [1, 2]);
  assert.equal(result.text, 'e   shape no   got [1, 2], want [2]');
});

test('NaN is never close, and a wrong value beside it is not hidden', () => {
  const result = sync('e', () => [NaN, 7], [0, 1]);
  assert.equal(result.solved, false);
  assert.match(result.text, /got NaN at \[0\]/);
});

test('records are compared name by name, texts and truth values exactly', () => {
  const expected = {mean: [1], name: 'a', isUsed: true};
  assert.ok(sync('e', () => ({isUsed: true, mean: [1], name: 'a'}), expected).solved);
  const names = sync('e', () => ({mean: [1]}), expected);
  assert.equal(names.text, 'e   names no   got {mean}, want {isUsed, mean, name}');
  assert.match(sync('e', () => 'b', 'a').text, /got "b", want "a"/);
});

test('an exercise that nobody has begun is "not yet", with its hint', () => {
  const result = sync(
    'exercise 3',
    () => {
      throw new Error('Exercise 3: your turn. Hint: before the sum.');
    },
    1,
  );
  assert.equal(result.text, 'exercise 3   not yet   Hint: before the sum.');
  assert.equal(result.state, 'not yet');
});

test('any other error is told and does not stop the notebook', () => {
  const result = sync(
    'e',
    () => {
      throw new RangeError('latents are 3');
    },
    1,
  );
  assert.deepEqual([result.state, result.text], ['error', 'e   error   latents are 3']);
  assert.equal(
    sync('e', () => undefined as unknown as number, 1).text,
    'e   wrong   it gives nothing back',
  );
});

test('the attempt leaves no tensor behind; expected tensors stay', () => {
  const expected = tf.tensor1d([1, 2]);
  const before = tf.memory().numTensors;
  sync('e', () => tf.tensor1d([1, 2]).mul(1), expected);
  assert.equal(tf.memory().numTensors, before);
  assert.equal(expected.isDisposed, false);
});

test('an asynchronous attempt is waited for', async () => {
  const result = await judge('e', () => Promise.resolve([1]), [1]);
  assert.ok(result.solved);
  const failed = await judge('e', () => Promise.reject(new Error('your turn')), [1]);
  assert.equal(failed.state, 'not yet');
});

test('check prints the line and gives nothing back', async () => {
  let given: unknown = 'something';
  const printed = await inTerminal(() => (given = check('e', () => 1, 1)));
  assert.equal(printed, 'e   shape ok   exact yes   close yes   max |Δ| 0\n');
  assert.equal(given, undefined);
});
