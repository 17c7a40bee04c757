import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {sinusoids, type SinusoidOptions} from 'latent-lib/data/sinusoids';
import {Random} from 'latent-lib/tensor/random';
import {ready} from 'latent-lib/tensor/tf';

before(ready);

const mean = (values: ArrayLike<number>) =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: ArrayLike<number>) => {
  const middle = mean(values);
  return Math.sqrt(mean(Array.from(values, value => (value - middle) ** 2)));
};

/** Signal minus the sinusoid of its factors. */
function residuals({signals, factors}: ReturnType<typeof sinusoids>): number[] {
  return Array.from(signals.values, (value, index) => {
    const [signal, n] = [Math.floor(index / signals.width), index % signals.width];
    return value - Math.sin(n * factors.frequency[signal]! + factors.phase[signal]!);
  });
}

test('a signal is the sinusoid of its factors plus uniform noise', () => {
  const noise = residuals(sinusoids(2000, new Random(1)));
  assert.ok(
    Math.min(...noise.slice(0, 50_000)) > -1e-6 && Math.max(...noise.slice(0, 50_000)) < 0.1,
  );
  assert.ok(Math.abs(mean(noise) - 0.05) < 3e-4, `mean ${mean(noise)}`);
  assert.ok(Math.abs(deviation(noise) - 0.1 / Math.sqrt(12)) < 3e-4);
});

test('centred noise has mean zero, no noise leaves the sinusoid', () => {
  const centred = residuals(sinusoids(2000, new Random(1), {centredNoise: true}));
  assert.ok(Math.abs(mean(centred)) < 3e-4 && Math.abs(Math.min(...centred.slice(0, 999))) <= 0.05);
  const clean = residuals(sinusoids(20, new Random(1), {noise: 0}));
  assert.ok(clean.every(value => Math.abs(value) < 1e-6));
});

test('the factors have the source’s distributions', () => {
  const {factors} = sinusoids(20_000, new Random(2));
  assert.ok(Math.abs(mean(factors.frequency) - 0.5) < 0.0011); // three standard errors
  assert.ok(Math.abs(deviation(factors.frequency) - 0.05) < 0.0008);
  assert.ok(Math.abs(mean(factors.phase) - 3) < 0.032);
  assert.ok(Math.abs(deviation(factors.phase) - 1.5) < 0.023);
});

test('the variance over time is that of the closed form', () => {
  // The angle at n is normal with mean a = 0.5 n + 3 and variance v = (0.05 n)² + 1.5², so that
  // E sin = sin a · exp(−v/2) and E sin² = ½ − ½ cos 2a · exp(−2v).
  let trace = 0;
  for (let n = 0; n < 50; n++) {
    const [a, v] = [0.5 * n + 3, (0.05 * n) ** 2 + 1.5 ** 2];
    const square = 0.5 - 0.5 * Math.cos(2 * a) * Math.exp(-2 * v);
    trace += square - (Math.sin(a) * Math.exp(-v / 2)) ** 2 + 0.1 ** 2 / 12;
  }
  assert.ok(Math.abs(trace - 24.12) < 0.05, `trace ${trace}: the reference measured 24.12`);
  const {signals} = sinusoids(10_000, new Random(3));
  let measured = 0;
  for (let n = 0; n < 50; n++) {
    const column = Array.from({length: 10_000}, (_, i) => signals.values[i * 50 + n]!);
    measured += deviation(column) ** 2;
  }
  assert.ok(Math.abs(measured - trace) < 0.1, `measured ${measured}, closed form ${trace}`);
});

test('length, noise and number leave the factors as they are', () => {
  const few = sinusoids(5, new Random(4));
  const others: readonly [number, SinusoidOptions][] = [
    [5, {length: 7}],
    [5, {noise: 1, centredNoise: true}],
    [9, {}],
  ];
  for (const [count, options] of others) {
    const {factors} = sinusoids(count, new Random(4), options);
    assert.deepEqual(factors.frequency.slice(0, 5), few.factors.frequency);
    assert.deepEqual(factors.phase.slice(0, 5), few.factors.phase);
  }
  const many = sinusoids(9, new Random(4));
  assert.deepEqual(many.signals.slice(0, 5).values, few.signals.values);
  assert.notDeepEqual(sinusoids(5, new Random(5)).signals.values, few.signals.values);
});

test('options out of range are refused by name', () => {
  const random = new Random(1);
  assert.throws(() => sinusoids(0, random), /sinusoids: count is 0, expected a positive integer/);
  assert.throws(() => sinusoids(1, random, {length: 2.5}), /sinusoids: length is 2.5/);
  assert.throws(() => sinusoids(1, random, {noise: -1}), /sinusoids: noise is -1/);
  const frequency = {mean: 0, deviation: NaN};
  assert.throws(() => sinusoids(1, random, {frequency}), /frequency\.deviation is NaN/);
});
