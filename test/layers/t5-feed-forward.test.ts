import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {T5FeedForward} from 'latent-lib/layers/t5-feed-forward';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const made = () => new T5FeedForward({width: 4, hidden: 6}, new Random(2));
const states = () => new Random(3).normals<tf.Rank.R3>([2, 3, 4]);

test('it adds to what it was given: with a narrow kernel of 0 nothing', () => {
  const part = made();
  part.weights['narrow.kernel']!.assign(tf.zeros([6, 4]));
  close('as it was', part.apply(states()), states(), {atol: 0});
});

test('what it adds does not depend on the length of a vector, what it keeps does', () => {
  const [part, x] = [made(), states()];
  const added = (scale: number) => part.apply(x.mul(scale)).sub(x.mul(scale));
  close('added', added(50), added(1), {atol: 1e-4});
});

test('tokens do not see each other', () => {
  const [part, x] = [made(), states()];
  const one = x.slice<tf.Tensor3D>([0, 1, 0], [2, 1, 4]);
  close('alone', part.apply(one), part.apply(x).slice([0, 1, 0], [2, 1, 4]), {atol: 1e-6});
});

test('another width is refused, and a second call leaves nothing behind', async () => {
  assert.throws(() => made().apply(tf.zeros([1, 2, 5])), /x has shape \[1,2,5\]/);
  const part = made();
  const x = states();
  await leavesNoTensor(() => part.apply(x));
  const {numTensors} = tf.memory();
  made().dispose();
  assert.equal(tf.memory().numTensors, numTensors);
});
