import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {
  decodeTokens,
  greedy,
  rereading,
  sampling,
  type NextToken,
  type SamplingOptions,
} from 'latent-lib/models/decoding';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

/** How often each token is drawn from these probabilities, over evenly spread uniforms. */
function frequencies(probabilities: readonly number[], options: SamplingOptions): number[] {
  const count = 10_000;
  const choice = sampling(options);
  const logits = tf.tensor2d([probabilities.map(Math.log)]).tile<tf.Tensor2D>([count, 1]);
  const uniforms = tf.tensor1d(Array.from({length: count}, (_, i) => (i + 0.5) / count));
  const counts = probabilities.map(() => 0);
  for (const id of choice.choose(logits, uniforms).dataSync()) counts[id]! += 1 / count;
  choice.dispose();
  return counts;
}

function near(got: readonly number[], want: readonly number[]): void {
  got.forEach((value, id) => assert.ok(Math.abs(value - want[id]!) < 3e-4, `${got.join(' ')}`));
}

const P = [0.1, 0.4, 0.2, 0.3];

test('plain sampling draws each token as often as its probability says', () => {
  near(frequencies(P, {}), P);
});

test('temperature sharpens and flattens', () => {
  const powered = (power: number) => {
    const raised = P.map(p => p ** power);
    return raised.map(p => p / raised.reduce((sum, q) => sum + q, 0));
  };
  near(frequencies(P, {temperature: 0.5}), powered(2));
  near(frequencies(P, {temperature: 3}), powered(1 / 3));
});

test('top-k keeps the k most likely tokens in proportion', () => {
  near(frequencies(P, {topK: 2}), [0, 4 / 7, 0, 3 / 7]);
  near(frequencies(P, {topK: 1}), [0, 1, 0, 0]);
  near(frequencies(P, {topK: 99}), P);
});

test('top-p keeps the fewest tokens that reach p, one at least', () => {
  near(frequencies(P, {topP: 0.6}), [0, 4 / 7, 0, 3 / 7]);
  near(frequencies(P, {topP: 0.75}), [0, 4 / 9, 2 / 9, 3 / 9]);
  near(frequencies(P, {topP: 0.01}), [0, 1, 0, 0]);
});

test('top-p cuts within what top-k left', () => {
  near(frequencies(P, {topK: 2, topP: 0.5}), [0, 1, 0, 0]);
  near(frequencies(P, {topK: 3, topP: 0.99}), [0, 4 / 9, 2 / 9, 3 / 9]);
});

test('the largest uniforms draw no token that has no probability', () => {
  const choice = sampling();
  const logits = tf.tensor2d([[2, 1, -1e9, -1e9]]).tile<tf.Tensor2D>([3, 1]);
  const uniforms = tf.tensor1d([0, 1 - 2 ** -24, 1]);
  assert.deepEqual([...choice.choose(logits, uniforms).dataSync()], [0, 1, 1]);
  choice.dispose();
});

/** After token v comes v + 1, but after `last` comes 2, the end: a model whose state counts tokens. */
const counting =
  (vocabulary: number, last: number): NextToken<{steps: tf.Scalar}> =>
  (newest, {steps}) => {
    const ids = [...newest.dataSync()].map(id => (id === last ? 2 : id + (id === 1 ? 2 : 1)));
    const logits = tf.oneHot(tf.tensor1d(ids, 'int32'), vocabulary).toFloat().mul<tf.Tensor2D>(50);
    return {logits, state: {steps: steps.add(1)}};
  };

test('greedy decoding follows the most likely tokens to the end, or to the longest length', () => {
  const state = {steps: tf.scalar(0)};
  const decoded = (length: number) =>
    decodeTokens({next: counting(9, 6), state, batch: 2, length, choice: greedy()});
  assert.deepEqual(decoded(9), [[3, 4, 5, 6, 2], [3, 4, 5, 6, 2]]); // prettier-ignore
  assert.deepEqual(decoded(3), [[3, 4, 5], [3, 4, 5]]); // prettier-ignore
});

test('a sequence that has ended waits for the others', () => {
  const lasts = [5, 3];
  const next: NextToken<tf.Scalar> = (newest, state) => {
    const ids = [...newest.dataSync()].map((id, row) => {
      if (id === 2) return 7; // what is said after the end is dropped
      return id === lasts[row] ? 2 : id === 1 ? 3 : id + 1;
    });
    const logits = tf.oneHot(tf.tensor1d(ids, 'int32'), 8).toFloat() as tf.Tensor2D;
    return {logits, state: state.clone()};
  };
  const decoded = decodeTokens({next, state: tf.scalar(0), batch: 2, length: 9});
  assert.deepEqual(decoded, [[3, 4, 5, 2], [3, 2]]); // prettier-ignore
});

test('rereading gives the model all tokens so far', () => {
  const seen: number[][][] = [];
  const {next, state} = rereading(2, ids => {
    seen.push(ids.arraySync());
    const sums = ids.sum(1, true).add(1).toInt(); // the next token is the sum of all, plus 1
    return tf.oneHot(tf.tile(sums, [1, ids.shape[1]]), 20).toFloat() as tf.Tensor3D;
  });
  const decoded = decodeTokens({next, state, batch: 2, length: 3, start: 1, end: 0});
  assert.deepEqual(decoded, [[2, 4, 8], [2, 4, 8]]); // prettier-ignore
  assert.deepEqual(seen.map(([row]) => row), [[1], [1, 2], [1, 2, 4]]); // prettier-ignore
});

test('the same seed samples the same sequences', () => {
  const next: NextToken<tf.Scalar> = (newest, state) => ({
    logits: tf.zeros<tf.Rank.R2>([newest.size, 30]),
    state: state.clone(),
  });
  const choice = sampling({topK: 20, topP: 0.9});
  const decoded = (seed: number) =>
    decodeTokens({
      next,
      state: tf.scalar(0),
      batch: 3,
      length: 6,
      choice,
      random: new Random(seed),
    });
  assert.deepEqual(decoded(1), decoded(1));
  assert.notDeepEqual(decoded(1), decoded(2));
  choice.dispose();
});

test('decoding leaves no tensor behind', async () => {
  const state = {steps: tf.scalar(0)};
  const next = counting(9, 6);
  const choice = sampling({temperature: 0.1, topK: 3});
  const random = new Random(1);
  await leavesNoTensor(
    () =>
      void tf.tidy(() => {
        decodeTokens({next, state, batch: 2, length: 8, choice, random});
      }),
  );
  const {next: reread, state: empty} = rereading(1, ids => {
    return tf.tidy(() => tf.oneHot(ids.mul(0).add(3).toInt(), 9).toFloat() as tf.Tensor3D);
  });
  await leavesNoTensor(() => void decodeTokens({next: reread, state: empty, batch: 1, length: 5}));
  choice.dispose();
});

test('options out of range are refused by name', () => {
  const next = counting(9, 6);
  const state = {steps: tf.scalar(0)};
  assert.throws(() => sampling({temperature: 0}), /temperature is 0, expected above 0, or greedy/);
  assert.throws(() => sampling({topK: 0}), /topK is 0/);
  assert.throws(() => sampling({topP: 1.1}), /topP is 1.1/);
  assert.throws(() => decodeTokens({next, state, batch: 0, length: 2}), /batch is 0/);
  assert.throws(() => decodeTokens({next, state, batch: 1, length: 2.5}), /length is 2.5/);
  const choice = sampling();
  assert.throws(() => decodeTokens({next, state, batch: 1, length: 2, choice}), /give random/);
  assert.throws(() => choice.choose(tf.zeros([2, 3]), tf.zeros([3])), /uniforms has shape \[3\]/);
});
