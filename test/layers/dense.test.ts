import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {ShapeError} from 'latent-lib/tensor/shapes';
import {Dense, glorotUniform, type Activation} from 'latent-lib/layers/dense';
import {assignWeights, countWeights, joinWeights} from 'latent-lib/layers/weights';
import {close} from '../helpers/close';
import {checkGradient} from '../helpers/gradient';
import {leavesNoTensor} from '../helpers/memory';
import {goldenTensors, loadGolden, parity} from '../helpers/parity';

before(ready);

const ACTIVATIONS: readonly Activation[] = ['linear', 'relu', 'tanh', 'sigmoid'];

test('a row by hand: x · kernel + bias, then relu', () => {
  const layer = new Dense({inputs: 2, units: 2, activation: 'relu'}, new Random(1));
  const kernel = tf.tensor2d([
    [1, 2],
    [3, -4],
  ]);
  assignWeights(layer.weights, {kernel, bias: tf.tensor1d([0.5, 1])});
  close('y', layer.apply(tf.tensor2d([[1, 2]])), [[7.5, 0]], {atol: 1e-6});
});

test('the bias starts at zero, the kernel uniform in ±√(6 / (inputs + units))', () => {
  const {kernel, bias} = new Dense({inputs: 300, units: 100}, new Random(3));
  close('bias', bias, tf.zeros([100]), {atol: 0});
  const limit = Math.sqrt(6 / 400);
  assert.ok(tf.max(tf.abs(kernel)).dataSync()[0]! <= limit);
  const {mean, variance} = tf.moments(kernel);
  close('mean', mean, 0, {atol: (4 * limit) / Math.sqrt(3 * 30_000)});
  close('variance', variance, limit ** 2 / 3, {atol: 0, rtol: 0.03});
});

test('the same seed gives the same kernel, another stream another', () => {
  const first = glorotUniform(3, 4, new Random(5).stream('a')).arraySync();
  assert.deepEqual(glorotUniform(3, 4, new Random(5).stream('a')).arraySync(), first);
  assert.notDeepEqual(glorotUniform(3, 4, new Random(5).stream('b')).arraySync(), first);
});

test('gradients agree with finite differences', () => {
  const random = new Random(9);
  for (const activation of ['linear', 'tanh', 'sigmoid'] as const) {
    const layer = new Dense({inputs: 3, units: 2, activation}, random.stream(activation));
    checkGradient(({x}) => layer.apply(x as tf.Tensor2D), {x: random.normals([2, 3])});
  }
});

test('a wrong width, an impossible size and an unknown activation are refused', () => {
  const layer = new Dense({inputs: 3, units: 2}, new Random(1));
  assert.throws(
    () => layer.apply(tf.ones([4, 5])),
    new ShapeError('Dense.apply: x has shape [4,5], expected [B,I] with {"I":3,"U":2}.'),
  );
  for (const units of [0, 1.5, -2, NaN]) {
    assert.throws(() => new Dense({inputs: 3, units}, new Random(1)), /Dense: units is .*positive/);
  }
  const activation = 'swish' as Activation;
  assert.throws(
    () => new Dense({inputs: 3, units: 2, activation}, new Random(1)),
    /activation is "swish", expected one of linear, relu, tanh, sigmoid/,
  );
});

test('apply leaves only its result, and dispose leaves nothing', async () => {
  const {numTensors} = tf.memory();
  const layer = new Dense({inputs: 3, units: 2, activation: 'relu'}, new Random(1));
  assert.equal(tf.memory().numTensors - numTensors, 2);
  const x = tf.ones<tf.Rank.R2>([4, 3]);
  await leavesNoTensor(() => layer.apply(x));
  x.dispose();
  layer.dispose();
  assert.equal(tf.memory().numTensors, numTensors);
});

test('joined weights carry their part’s name, in order', () => {
  const layer = new Dense({inputs: 3, units: 2}, new Random(1));
  const weights = joinWeights({up: layer, 'decoder.down': layer});
  assert.deepEqual(Object.keys(weights), [
    'up.kernel',
    'up.bias',
    'decoder.down.kernel',
    'decoder.down.bias',
  ]);
  assert.equal(countWeights(weights), 2 * (6 + 2));
});

test('assignWeights sets nothing unless every name and shape fits, and lists what does not', () => {
  const layer = new Dense({inputs: 3, units: 2}, new Random(1));
  const old = layer.kernel.arraySync();
  const [kernel, bias] = [tf.zeros([3, 2]), tf.zeros([2])];
  assert.throws(
    () => assignWeights(layer.weights, {kernel, biases: bias}),
    new ShapeError('assignWeights: the values do not fit. Missing: bias. Unexpected: biases.'),
  );
  assert.throws(
    () => assignWeights(layer.weights, {kernel: kernel.transpose(), bias}),
    /kernel has shape \[2,3\], expected \[3,2\]\./,
  );
  assert.deepEqual(layer.kernel.arraySync(), old);
  assignWeights(layer.weights, {kernel, bias});
  close('kernel', layer.kernel, kernel, {atol: 0});
  assignWeights(layer.weights, {...layer.weights, bias: tf.ones([2])});
  close('kernel, assigned to itself', layer.kernel, kernel, {atol: 0});
});

parity('Dense', loadGolden('dense'), ({input, expected, weights}) => {
  const [x, upstream] = [input<tf.Tensor2D>('x'), input('upstream')];
  const [inputs, units] = [x.shape[1], upstream.shape[1] ?? 0];
  for (const activation of ACTIVATIONS) {
    const layer = new Dense({inputs, units, activation}, new Random(1));
    assignWeights(layer.weights, weights());
    close(activation, layer.apply(x), expected(activation), {atol: 1e-6});
    const value = (at: tf.Tensor2D) => layer.apply(at).mul(upstream).sum<tf.Scalar>();
    const dx = tf.grad(at => value(at as tf.Tensor2D))(x);
    close(`d ${activation} / d x`, dx, expected(`d ${activation} / d x`), {atol: 1e-5});
    const {grads} = tf.variableGrads(() => value(x), [layer.kernel, layer.bias]);
    for (const [name, variable] of Object.entries(layer.weights)) {
      const key = `d ${activation} / d ${name}`;
      close(key, grads[variable.name]!, expected(key), {atol: 1e-5});
    }
  }
});

test('the initial kernel is as wide as Keras’s', () => {
  const {expected} = goldenTensors(loadGolden('dense'));
  const widest = tf.max(tf.abs(glorotUniform(300, 100, new Random(2))));
  close('limit', widest, expected('largest initial weight, 300 to 100'), {atol: 0, rtol: 1e-3});
});

test('three axes give what their vectors give one by one', () => {
  const layer = new Dense({inputs: 3, units: 2, activation: 'gelu'}, new Random(1));
  const x = new Random(2).normals<tf.Rank.R3>([4, 5, 3]);
  const rows = layer.apply(x.reshape<tf.Tensor2D>([20, 3]));
  close('y', layer.apply(x), rows.reshape([4, 5, 2]), {atol: 0});
  checkGradient(({x}) => layer.apply(x as tf.Tensor3D), {x: x.slice([0, 0], [2, 2])});
  assert.throws(
    () => layer.apply(tf.ones<tf.Rank.R3>([4, 5, 2])),
    /Dense.apply: x has shape \[4,5,2\], expected \[B,T,I\] with \{"I":3,"U":2\}/,
  );
});
