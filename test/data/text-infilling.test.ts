import assert from 'node:assert/strict';
import {test} from 'node:test';
import {infill, poisson} from 'latent-lib/data/text-infilling';
import {Random} from 'latent-lib/tensor/random';

const MASK = 4;
const sentence = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19];

test('what stays keeps its order, and everything else is MASK', () => {
  const random = new Random(1);
  for (let draw = 0; draw < 500; draw++) {
    const damaged = infill(sentence, {mask: MASK}, random);
    const kept = damaged.filter(id => id !== MASK);
    assert.deepEqual(
      kept,
      sentence.filter(id => kept.includes(id)),
    );
    const spans = damaged.length - kept.length;
    assert.ok(spans >= 1 && spans <= 3, `${spans} spans`);
    assert.ok(sentence.length - kept.length <= 3, 'at most three of ten tokens are gone');
  }
});

test('the share says how much is cut: nothing at 0, everything at 1', () => {
  assert.deepEqual(infill(sentence, {mask: MASK, share: 0}, new Random(2)), sentence);
  const random = new Random(2);
  let kept = 0;
  for (let draw = 0; draw < 300; draw++) {
    kept += infill(sentence, {mask: MASK, share: 1, meanSpan: 100}, random).length - 1;
  }
  assert.equal(kept, 0);
});

test('a span of length 0 adds a MASK where nothing is missing', () => {
  const damaged = infill(sentence, {mask: MASK, share: 0.1, meanSpan: 0}, new Random(3));
  assert.equal(damaged.length, sentence.length + 1);
  assert.deepEqual(
    damaged.filter(id => id !== MASK),
    sentence,
  );
});

test('the given sentence stays as it was, and a seed gives the same damage twice', () => {
  const given = [...sentence];
  const [one, two] = [7, 7].map(seed => infill(given, {mask: MASK}, new Random(seed)));
  assert.deepEqual(one, two);
  assert.deepEqual(given, sentence);
  assert.deepEqual(infill([], {mask: MASK}, new Random(1)), []);
});

test('poisson has the mean and the variance of its name', () => {
  const random = new Random(5);
  const draws = Array.from({length: 20_000}, () => poisson(3, random));
  const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
  const variance = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / draws.length;
  assert.ok(Math.abs(mean - 3) < 0.05, `${mean}`); // four standard errors
  assert.ok(Math.abs(variance - 3) < 0.15, `${variance}`);
  assert.equal(poisson(0, random), 0);
});

test('numbers out of range are refused by name', () => {
  const random = new Random(1);
  assert.throws(() => infill(sentence, {mask: MASK, share: 1.1}, random), /share is 1.1/);
  assert.throws(() => poisson(-1, random), /mean is -1/);
  assert.throws(() => poisson(NaN, random), RangeError);
});
