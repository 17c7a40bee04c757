import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {adam, clipByGlobalNorm, sgd, type OptimizerConfig} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';

before(ready);

/** One weight whose gradient is the input: three steps, eager or compiled. */
function trajectory(optimizer: OptimizerConfig, compiled: boolean): number[][] {
  const weight = tf.variable(tf.tensor1d([1, -2]));
  const step = trainingStep({
    weights: {weight},
    optimizer,
    loss: ({slope}: {slope: tf.Tensor1D}) => ({loss: weight.mul(slope).sum<tf.Scalar>()}),
    compiled,
  });
  const gradients = [
    [0.1, -3],
    [0.2, 0],
    [-0.4, 5],
  ];
  const path = gradients.map(gradient => {
    step.run({slope: tf.tensor1d(gradient)});
    return Array.from(weight.dataSync());
  });
  step.dispose();
  weight.dispose();
  return path;
}

/** Adam in double precision, straight from the formula. */
function adamByHand(rate: number, beta1: number, beta2: number, epsilon: number): number[][] {
  const gradients = [
    [0.1, -3],
    [0.2, 0],
    [-0.4, 5],
  ];
  const [w, m, v] = [
    [1, -2],
    [0, 0],
    [0, 0],
  ];
  return gradients.map((gradient, index) => {
    const t = index + 1;
    const size = (rate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t);
    gradient.forEach((g, i) => {
      m[i] = beta1 * m[i]! + (1 - beta1) * g;
      v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
      w[i] = w[i]! - (size * m[i]) / (Math.sqrt(v[i]) + epsilon);
    });
    return [...w];
  });
}

for (const compiled of [false, true]) {
  const how = compiled ? 'compiled' : 'eager';
  test(`Adam follows its formula, ${how}`, () => {
    const settings = {learningRate: 0.05, beta1: 0.8, beta2: 0.95, epsilon: 0.3};
    const want = adamByHand(0.05, 0.8, 0.95, 0.3);
    close('weights', trajectory(adam(settings), compiled), want, {atol: 1e-6});
    close(
      'defaults',
      trajectory(adam({learningRate: 0.1}), compiled),
      adamByHand(0.1, 0.9, 0.999, 1e-7),
      {
        atol: 1e-5,
      },
    );
  });

  test(`SGD follows its formula, ${how}`, () => {
    const plain = [
      [0.99, -1.7],
      [0.97, -1.7],
      [1.01, -2.2],
    ];
    close('plain', trajectory(sgd({learningRate: 0.1}), compiled), plain, {atol: 1e-6});
    const heavy = [
      [0.99, -1.7],
      [0.965, -1.55],
      [0.9925, -1.975],
    ];
    close('momentum', trajectory(sgd({learningRate: 0.1, momentum: 0.5}), compiled), heavy, {
      atol: 1e-6,
    });
  });
}

test("Adam's first step is Keras 3's, epsilon outside the bias correction", () => {
  // keras.optimizers.Adam(0.1, epsilon=0.5) on w = 1, g = 0.1: alpha = 0.1 * sqrt(0.001) / 0.1,
  // m = 0.01, v = 1e-5, so w = 1 - 0.0316228 * 0.01 / (0.00316228 + 0.5)
  const [first] = trajectory(adam({learningRate: 0.1, epsilon: 0.5}), false);
  assert.ok(Math.abs(first![0]! - (1 - 0.000316228 / 0.50316228)) < 1e-7, `${first![0]}`);
});

test('clipping scales all gradients by one factor, and only if they are too long', () => {
  const gradients = [tf.tensor1d([3, 0]), tf.tensor2d([[4]])];
  const [a, b] = clipByGlobalNorm(gradients, 2.5);
  close('a', a!, [1.5, 0], {atol: 1e-6});
  close('b', b!, [[2]], {atol: 1e-6});
  const [unchanged] = clipByGlobalNorm(gradients, 6);
  close('unchanged', unchanged!, [3, 0], {atol: 0});
  const [zero] = clipByGlobalNorm([tf.zeros([2])], 1);
  close('zero', zero!, [0, 0], {atol: 0});
});

test('settings out of range are refused', () => {
  assert.throws(() => adam({learningRate: NaN}), /adam: learningRate is NaN/);
  assert.throws(() => adam({learningRate: 1, beta1: 1}), /adam: beta1 is 1, expected .*\[0, 1\)/);
  assert.throws(() => adam({learningRate: 1, epsilon: 0}), /adam: epsilon is 0/);
  assert.throws(() => sgd({learningRate: -1}), /sgd: learningRate is -1/);
  assert.throws(() => sgd({learningRate: 1, momentum: 2}), /sgd: momentum is 2/);
});
