import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {activationNamed, gelu, geluTanh, type Activation} from 'latent-lib/layers/activations';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {checkGradient} from '../helpers/gradient';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

test('GELU is x times the share of a standard normal below x', () => {
  // Φ(1) = 0.8413447, Φ(2) = 0.9772499: any table of the normal distribution
  const x = tf.tensor1d([-2, -1, 0, 1, 2]);
  const want = [-2 * 0.0227501, -0.1586553, 0, 0.8413447, 2 * 0.9772499];
  close('gelu', gelu(x), want, {atol: 1e-6});
});

test('the tanh form is within 5e-4 of GELU, and not the same', () => {
  const x = tf.linspace(-6, 6, 1001);
  const furthest = gelu(x).sub(geluTanh(x)).abs().max().dataSync()[0]!;
  assert.ok(furthest > 1e-4 && furthest < 5e-4, `${furthest}`);
});

test('far out GELU is x or zero, and its gradient one or zero', () => {
  const x = tf.tensor1d([-40, 40]);
  close('gelu', gelu(x), [0, 40], {atol: 0});
  close('gradient', tf.grad(at => gelu(at))(x), [0, 1], {atol: 0});
});

test('gradients of both are those of finite differences', () => {
  const x = new Random(1).normals([3, 4]);
  checkGradient(({x}) => gelu(x), {x});
  checkGradient(({x}) => geluTanh(x), {x});
});

test('a name that there is not is refused with those that there are', () => {
  assert.throws(
    () => activationNamed('Dense', 'silu' as Activation),
    new RangeError(
      'Dense: activation is "silu", expected one of linear, relu, tanh, sigmoid, gelu, geluTanh.',
    ),
  );
});

test('a second gradient leaves no tensor behind', async () => {
  const x = tf.ones([3]);
  await leavesNoTensor(() => gelu(x));
  await leavesNoTensor(() => geluTanh(x));
  await leavesNoTensor(() => tf.grad(at => gelu(at))(x));
});
