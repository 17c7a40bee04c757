import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready} from 'latent-lib/tensor/tf';
import {
  constant,
  cyclical,
  cyclicalFromZero,
  exponentialDecay,
  linear,
  noam,
  sigmoid,
  type Schedule,
} from 'latent-lib/training/schedules';
import {close} from '../helpers/close';
import {loadGolden, parity} from '../helpers/parity';

before(ready);

const at = (schedule: Schedule, steps: readonly number[]): number[] => steps.map(schedule);

test('a constant is the same at every step', () => {
  assert.deepEqual(at(constant(0.5), [0, 7, 1e6]), [0.5, 0.5, 0.5]);
});

test('a line goes from one value to the other and stays', () => {
  const beta = linear({from: 1, to: 0, steps: 4});
  assert.deepEqual(at(beta, [0, 1, 2, 4, 5, 1000]), [1, 0.75, 0.5, 0, 0, 0]);
});

test('cyclical: half of each cycle rises, half stays, and the end stays', () => {
  const beta = cyclical({steps: 16, cycles: 2});
  assert.deepEqual(at(beta, [0, 1, 2, 3, 4, 7]), [0, 0.25, 0.5, 0.75, 1, 1]);
  assert.deepEqual(at(beta, [8, 9, 12, 15, 16, 99]), [0, 0.25, 1, 1, 1, 1]);
});

test('one cycle that rises all the time is a line', () => {
  const steps = [0, 1, 3, 9, 10, 11];
  const cycle = cyclical({steps: 10, cycles: 1, ratio: 1, to: 0.3});
  close('beta', at(cycle, steps), at(linear({from: 0, to: 0.3, steps: 10}), steps), {atol: 1e-7});
});

test('cyclicalFromZero: a quarter at zero, half rises, a quarter at the top', () => {
  const beta = cyclicalFromZero({steps: 16, cycles: 2});
  assert.deepEqual(at(beta, [0, 1, 2, 4, 6, 7]), [0, 0, 0, 0.5, 1, 1]);
  assert.deepEqual(at(beta, [8, 9, 12, 14, 16]), [0, 0, 0.5, 1, 1]);
});

test('a cycle of which nothing rises jumps, and never divides by zero', () => {
  const beta = cyclicalFromZero({steps: 8, cycles: 1, zero: 0.5, rising: 0});
  assert.deepEqual(at(beta, [0, 3, 4, 8]), [0, 0, 1, 1]);
});

test('noam peaks at the last warm-up update and falls with the root of the updates', () => {
  const rate = noam({modelSize: 64, warmup: 100});
  const peak = 1 / Math.sqrt(64 * 100);
  close('peak', rate(99), peak, {atol: 1e-9});
  close('half-way up', rate(49), peak / 2, {atol: 1e-9});
  close('four times later', rate(399), peak / 2, {atol: 1e-9});
  close('scale', noam({modelSize: 64, warmup: 100, scale: 3})(99), 3 * peak, {atol: 1e-9});
  assert.ok(rate(0) > 0 && rate(0) < rate(1));
});

test('the sigmoid of lesson 06 is .002, .023, .5 and .98 at steps 0, 1000, 2500 and 4000', () => {
  const weight = sigmoid({slope: 0.0025, offset: -6.25});
  close('weight', at(weight, [0, 1000, 2500, 4000]), [0.00193, 0.023, 0.5, 0.977], {atol: 5e-4});
});

test('impossible numbers and steps are refused by name', () => {
  const cases: readonly (readonly [() => unknown, RegExp])[] = [
    [() => constant(NaN), /constant: value is NaN/],
    [() => linear({from: 0, to: 1, steps: 0}), /linear: steps is 0, expected a positive number/],
    [() => cyclical({steps: 10, ratio: 1.2}), /cyclical: the parts 0 and 1.2/],
    [() => cyclicalFromZero({steps: 10, cycles: -1}), /cyclicalFromZero: cycles is -1/],
    [() => cyclicalFromZero({steps: 10, zero: 0.6, rising: 0.6}), /a sum of at most 1/],
    [() => noam({modelSize: 0}), /noam: modelSize is 0/],
    [() => exponentialDecay({rate: Infinity}), /exponentialDecay: rate is Infinity/],
    [() => sigmoid({slope: NaN, offset: 0}), /sigmoid: slope is NaN/],
    [() => linear({from: 0, to: 1, steps: 5})(-1), /linear: step is -1, expected a number from 0/],
    [() => noam({modelSize: 64})(NaN), /noam: step is NaN/],
  ];
  for (const [make, message] of cases) assert.throws(make, {name: 'RangeError', message});
});

parity('schedules', loadGolden('schedules'), ({input, expected}) => {
  const steps = Array.from(input('steps').dataSync());
  const schedules = {
    linear: linear({from: 0.2, to: 0.9, steps: 15}),
    cyclical: cyclical({steps: 32}),
    cyclicalFromZero: cyclicalFromZero({steps: 32}),
    exponentialDecay: exponentialDecay({from: 2, rate: 0.05}),
  };
  for (const [name, schedule] of Object.entries(schedules)) {
    close(name, at(schedule, steps), expected(name), {atol: 1e-6});
  }
});
