import test from 'node:test';
import assert from 'node:assert/strict';
import {Thinned} from 'latent-lib/notebook/thinned';

test('a short log is kept as it is', () => {
  const thinned = new Thinned(4);
  const logs = [{step: 0, kl: 1}, {step: 1, kl: 3}, {step: 2}];
  for (const log of logs) thinned.push(log);
  assert.deepEqual(thinned.means(), logs);
});

test('a long log is kept as means of equal runs, at most as many as the limit', () => {
  const thinned = new Thinned(4);
  for (let step = 0; step < 16; step++) thinned.push({step, kl: step * 10});
  assert.deepEqual(thinned.means(), [
    {step: 1.5, kl: 15},
    {step: 5.5, kl: 55},
    {step: 9.5, kl: 95},
    {step: 13.5, kl: 135},
  ]);
  for (let step = 16; step < 1000; step++) {
    thinned.push({step});
    assert.ok(thinned.means().length <= 4);
  }
});

test('a term that is not in every log is averaged over those that have it', () => {
  const thinned = new Thinned(2);
  for (let step = 0; step < 4; step++) thinned.push(step === 3 ? {step, held: 8} : {step});
  assert.deepEqual(thinned.means(), [{step: 0.5}, {step: 2.5, held: 8}]);
});

test('what is not finite is left out of a mean', () => {
  const thinned = new Thinned(2);
  for (const kl of [1, NaN, 3, 5]) thinned.push({kl});
  assert.deepEqual(thinned.means(), [{kl: 1}, {kl: 4}]);
});
