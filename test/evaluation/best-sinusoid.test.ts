import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {bestSinusoids} from 'latent-lib/evaluation/best-sinusoid';
import {wrapped} from 'latent-lib/evaluation/circular';
import {sinusoids} from 'latent-lib/data/sinusoids';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const wave = (of: (n: number) => number, length = 50) =>
  tf.tensor2d([Array.from({length}, (_, n) => of(n))]);

test('a sinusoid of a frequency on the grid is found whole', () => {
  const fit = bestSinusoids(wave(n => 0.7 * Math.sin(0.5 * n + 2) + 0.3));
  close('frequency', fit.frequency, [0.5], {atol: 1e-9});
  close('phase', fit.phase, [2], {atol: 1e-5});
  close('amplitude', fit.amplitude, [0.7], {atol: 1e-5});
  close('offset', fit.offset, [0.3], {atol: 1e-5});
  close('residual', fit.residual, [0], {atol: 1e-6});
});

test('the residual of noise is its variance, less what four numbers can fit', () => {
  const {signals, factors} = sinusoids(1000, new Random(1), {noise: 0.6, centredNoise: true});
  const x = signals.tensor();
  const fit = bestSinusoids(x);
  x.dispose();
  const mean = fit.residual.reduce((sum, value) => sum + value, 0) / 1000;
  close('residual', mean, (0.6 ** 2 / 12) * (46 / 50), {atol: 5e-4});
  const off = fit.frequency.map((frequency, row) => Math.abs(frequency - factors.frequency[row]!));
  assert.ok(off.filter(value => value > 0.02).length < 10);
  const turned = fit.phase.map((phase, row) => Math.abs(wrapped(phase - factors.phase[row]!)));
  assert.ok(turned.filter(value => value > 0.4).length < 10);
});

test('what is no sinusoid leaves a residual', () => {
  const square = bestSinusoids(wave(n => Math.sign(Math.sin(0.5 * n + 0.1)))).residual[0]!;
  close('square wave', square, 1 - 8 / Math.PI ** 2, {atol: 0.04});
});

test('bad input is refused', () => {
  assert.throws(() => bestSinusoids(tf.zeros([2, 3])), RangeError);
  assert.throws(() => bestSinusoids(tf.zeros([2, 50]), [4]), RangeError);
  assert.throws(() => bestSinusoids(tf.zeros([50]) as unknown as tf.Tensor2D), /bestSinusoids/);
});

test('fits leave no tensor behind', () => {
  const x = wave(n => Math.sin(n / 2));
  leavesNoTensor(() => bestSinusoids(x));
});
