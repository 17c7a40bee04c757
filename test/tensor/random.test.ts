import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';

before(ready);

test('the same seed and name give the same numbers, whatever was drawn before', () => {
  const first = new Random(7).stream('noise').normals([3, 2]).arraySync();
  const random = new Random(7);
  random.uniform();
  assert.deepEqual(random.stream('noise').normals([3, 2]).arraySync(), first);
  assert.notDeepEqual(random.stream('other').normals([3, 2]).arraySync(), first);
  assert.notDeepEqual(new Random(8).stream('noise').normals([3, 2]).arraySync(), first);
});

test('a hundred thousand normals have the moments of a standard normal', () => {
  const random = new Random(1);
  const draws = Array.from({length: 100_000}, () => random.normal());
  const moment = (power: number) => draws.reduce((sum, x) => sum + x ** power, 0) / draws.length;
  assert.ok(Math.abs(moment(1)) < 0.012, `mean ${moment(1)}`);
  assert.ok(Math.abs(moment(2) - 1) < 0.02, `variance ${moment(2)}`);
  assert.ok(Math.abs(moment(3)) < 0.05, `skewness ${moment(3)}`);
  assert.ok(Math.abs(moment(4) - 3) < 0.15, `kurtosis ${moment(4)}`);
});

test('uniforms fill their interval evenly', () => {
  const values = Array.from(new Random(3).uniforms([50_000], -1, 3).dataSync());
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  assert.ok(Math.abs(mean - 1) < 0.03, `mean ${mean}`);
  assert.ok(Math.min(...values.slice(0, 9999)) >= -1 && Math.max(...values.slice(0, 9999)) < 3);
});

test('a permutation holds each index once and moves them', () => {
  const order = new Random(5).permutation(1000);
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    [...Array(1000).keys()],
  );
  assert.notDeepEqual([...order], [...Array(1000).keys()]);
});

test('a seed or a bound that is no integer is refused by name', () => {
  assert.throws(() => new Random(0.5), /Random: seed is 0.5, expected an integer/);
  assert.throws(() => new Random(1).integer(0), /Random.integer: below is 0/);
});
