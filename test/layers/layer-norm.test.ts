import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {LayerNorm} from 'latent-lib/layers/layer-norm';
import {assignWeights} from 'latent-lib/layers/weights';
import {Random} from 'latent-lib/tensor/random';
import {ShapeError} from 'latent-lib/tensor/shapes';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {checkGradient} from '../helpers/gradient';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

test('a row by hand: mean 3, biased variance 8/3, then scale and bias', () => {
  const norm = new LayerNorm({width: 3, epsilon: 1e-12});
  assignWeights(norm.weights, {scale: tf.tensor1d([1, 2, 3]), bias: tf.tensor1d([0, 0, 1])});
  const unit = Math.sqrt(8 / 3);
  close('y', norm.apply(tf.tensor2d([[1, 3, 5]])), [[-2 / unit, 0, 1 + 6 / unit]], {atol: 1e-6});
});

test('a new layer gives every vector mean 0 and variance 1, whatever x was scaled by', () => {
  const x = new Random(1).normals<tf.Rank.R3>([4, 5, 64]).mul<tf.Tensor3D>(7).add<tf.Tensor3D>(3);
  const {mean, variance} = tf.moments(new LayerNorm({width: 64}).apply(x), -1);
  close('mean', mean, tf.zeros([4, 5]), {atol: 1e-6});
  close('variance', variance, tf.ones([4, 5]), {atol: 1e-5});
});

test('epsilon is added to the variance, under the root', () => {
  const x = tf.tensor2d([[-1, 1]]);
  close('y', new LayerNorm({width: 2, epsilon: 3}).apply(x), [[-0.5, 0.5]], {atol: 1e-6});
});

test('gradients of x, scale and bias are those of finite differences, in rank 2 and 3', () => {
  const random = new Random(2);
  const norm = new LayerNorm({width: 4, epsilon: 0.1});
  const scale = random.normals<tf.Rank.R1>([4]);
  assignWeights(norm.weights, {scale, bias: random.normals([4])});
  checkGradient(({x}) => norm.apply(x as tf.Tensor2D), {x: random.normals([3, 4])});
  const x = random.normals<tf.Rank.R3>([2, 3, 4]);
  checkGradient(({x}) => norm.apply(x as tf.Tensor3D), {x});
  const weighing = random.normals([2, 3, 4]);
  const {grads} = tf.variableGrads(() => norm.apply(x).mul(weighing).sum());
  close('bias', grads[norm.bias.name]!, weighing.sum([0, 1]), {atol: 1e-5});
  const normal = norm.apply(x).sub(norm.bias).div(scale);
  close('scale', grads[norm.scale.name]!, normal.mul(weighing).sum([0, 1]), {atol: 1e-4});
});

test('a second gradient leaves no tensor behind', async () => {
  const norm = new LayerNorm({width: 4});
  const x = tf.ones<tf.Rank.R3>([2, 3, 4]);
  await leavesNoTensor(() => norm.apply(x));
  await leavesNoTensor(() => tf.variableGrads(() => norm.apply(x).sum()));
  await leavesNoTensor(() => new LayerNorm({width: 4}).dispose());
});

test('what does not fit is refused by name', () => {
  const norm = new LayerNorm({width: 4});
  assert.throws(
    () => norm.apply(tf.ones<tf.Rank.R3>([2, 3, 5])),
    new ShapeError('LayerNorm.apply: x has shape [2,3,5], expected [B,T,D] with {"D":4}.'),
  );
  assert.throws(() => new LayerNorm({width: 0}), /width is 0, expected a positive integer/);
  assert.throws(() => new LayerNorm({width: 2, epsilon: 0}), /epsilon is 0, expected a number/);
});
