import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {Embedding} from 'latent-lib/layers/embedding';
import {assignWeights, countWeights} from 'latent-lib/layers/weights';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {checkGradient} from '../helpers/gradient';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const ids = tf.tensor2d([[2, 0, 2]], [1, 3], 'int32');

function small(): Embedding {
  const embedding = new Embedding({entries: 3, width: 2}, new Random(1));
  const table = tf.tensor2d([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  assignWeights(embedding.weights, {table});
  return embedding;
}

test('each id gives its row, and logits are the products with all rows', () => {
  const embedding = small();
  const vectors = embedding.apply(ids);
  close(
    'vectors',
    vectors,
    [
      [
        [5, 6],
        [1, 2],
        [5, 6],
      ],
    ],
    {atol: 0},
  );
  close(
    'logits',
    embedding.logits(vectors),
    [
      [
        [17, 39, 61],
        [5, 11, 17],
        [17, 39, 61],
      ],
    ],
    {atol: 0},
  );
});

test('the gradient of a row is the sum over the places where its id stands', () => {
  const embedding = small();
  const weighing = tf.tensor3d([
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  ]);
  const {grads} = tf.variableGrads(() => embedding.apply(ids).mul(weighing).sum());
  close(
    'table',
    grads[embedding.table.name]!,
    [
      [3, 4],
      [0, 0],
      [6, 8],
    ],
    {atol: 0},
  );
});

test('gradients of tied logits are those of finite differences', () => {
  const embedding = small();
  const states = new Random(2).normals<tf.Rank.R3>([2, 2, 2]);
  checkGradient(({states}) => embedding.logits(states as tf.Tensor3D), {states});
});

test('vectors start with the deviation asked for, by seed', () => {
  const config = {entries: 500, width: 40, deviation: 0.3};
  const {table} = new Embedding(config, new Random(4));
  const {mean, variance} = tf.moments(table);
  close('mean', mean, 0, {atol: 0.01});
  close('deviation', variance.sqrt(), 0.3, {atol: 0.01});
  close('again', new Embedding(config, new Random(4)).table, table, {atol: 0});
  assert.equal(countWeights({table}), 20_000);
});

test('a second gradient leaves no tensor behind', async () => {
  const embedding = small();
  await leavesNoTensor(() => tf.tidy(() => embedding.logits(embedding.apply(ids))));
  await leavesNoTensor(() =>
    tf.variableGrads(() => tf.tidy(() => embedding.logits(embedding.apply(ids)).sum())),
  );
  await leavesNoTensor(() => new Embedding({entries: 3, width: 2}, new Random(1)).dispose());
});

test('what does not fit is refused by name', () => {
  const embedding = small();
  assert.throws(
    () => embedding.apply(tf.tensor2d([[1, 2]])),
    new TypeError('Embedding.apply: ids is float32, expected int32.'),
  );
  assert.throws(
    () => embedding.logits(tf.ones([1, 2, 3])),
    /Embedding.logits: states has shape \[1,2,3\], expected \[B,T,D\] with \{"V":3,"D":2/,
  );
  assert.throws(
    () => new Embedding({entries: 0, width: 2}, new Random(1)),
    /Embedding: entries is 0, expected a positive integer/,
  );
});
