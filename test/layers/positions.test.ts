import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {LearnedPositions, sinusoidalPositions} from 'latent-lib/layers/positions';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

test('interleaved: sines in even columns, cosines in odd ones, wavelengths in pairs', () => {
  const got = sinusoidalPositions({steps: 3, width: 4, layout: 'interleaved'});
  const rows = [0, 1, 2].map(t => [Math.sin(t), Math.cos(t), Math.sin(t / 100), Math.cos(t / 100)]);
  close('positions', got, rows, {atol: 1e-7});
});

test('halves: all sines, then all cosines, the last wavelength 10000 · 2π', () => {
  const got = sinusoidalPositions({steps: 3, width: 4, layout: 'halves'});
  const rows = [0, 1, 2].map(t => [Math.sin(t), Math.sin(t / 1e4), Math.cos(t), Math.cos(t / 1e4)]);
  close('positions', got, rows, {atol: 1e-7});
});

test('the product of two positions depends on their distance alone', () => {
  for (const layout of ['interleaved', 'halves'] as const) {
    const table = sinusoidalPositions({steps: 20, width: 16, layout});
    const products = tf.matMul<tf.Tensor2D>(table, table, false, true);
    const first = products.slice([0, 3], [1, 1]);
    for (let t = 1; t < 17; t++) {
      close(`${layout} at ${t}`, products.slice([t, t + 3], [1, 1]), first, {atol: 1e-5});
    }
  }
});

test('learnt positions start after their offset, and a later start gives later rows', () => {
  const positions = new LearnedPositions({steps: 5, width: 3, offset: 2}, new Random(1));
  assert.deepEqual(positions.table.shape, [7, 3]);
  close('first', positions.apply(2), positions.table.slice([2, 0], [2, 3]), {atol: 0});
  close('later', positions.apply(2, 3), positions.table.slice([5, 0], [2, 3]), {atol: 0});
});

test('only the rows that were used get a gradient', () => {
  const positions = new LearnedPositions({steps: 4, width: 1, offset: 1}, new Random(1));
  const {grads} = tf.variableGrads(() => positions.apply(2, 1).sum());
  close('gradient', grads[positions.table.name]!, [[0], [0], [1], [1], [0]], {atol: 0});
});

test('a second call leaves no tensor behind', async () => {
  const positions = new LearnedPositions({steps: 4, width: 1}, new Random(1));
  await leavesNoTensor(() => positions.apply(2));
  await leavesNoTensor(() => sinusoidalPositions({steps: 3, width: 4, layout: 'halves'}));
  await leavesNoTensor(() => new LearnedPositions({steps: 4, width: 1}, new Random(1)).dispose());
});

test('what there is not is refused with numbers', () => {
  const positions = new LearnedPositions({steps: 4, width: 1}, new Random(1));
  assert.throws(
    () => positions.apply(3, 2),
    /positions run to 4, but there are 4. Shorten the sequence/,
  );
  assert.throws(
    () => sinusoidalPositions({steps: 3, width: 5, layout: 'halves'}),
    /width is 5, expected an even number/,
  );
  assert.throws(
    () => new LearnedPositions({steps: 4, width: 1, offset: -1}, new Random(1)),
    /offset is -1/,
  );
});
