import assert from 'node:assert/strict';
import {test} from 'node:test';
import {tf, ready} from 'latent-lib/tensor/tf';
import {ShapeError, sizes} from 'latent-lib/tensor/shapes';

test('sizes returns what each letter stands for', async () => {
  await ready();
  const {B, D} = sizes(
    'f',
    {x: 'B D', kernel: 'D 3'},
    {x: tf.ones([2, 5]), kernel: tf.ones([5, 3])},
  );
  assert.deepEqual({B, D}, {B: 2, D: 5});
});

test('a size that differs is named with the function, the argument, what it got and what it wanted', () => {
  const mean = tf.ones([2, 4]);
  const logVar = tf.ones([2, 3]);
  assert.throws(
    () => sizes('klToStandardNormal', {mean: 'B L', logVar: 'B L'}, {mean, logVar}, 'Same head?'),
    new ShapeError(
      'klToStandardNormal: logVar has shape [2,3], expected [B,L] with {"B":2,"L":4}. Same head?',
    ),
  );
});

test('a wrong rank, a wrong fixed size and a missing argument are refused', () => {
  assert.throws(
    () => sizes('f', {x: 'B D'}, {x: tf.ones([2])}),
    /x has shape \[2\], expected \[B,D\]/,
  );
  assert.throws(() => sizes('f', {x: 'B 784'}, {x: tf.ones([2, 9])}), /expected \[B,784\]/);
  const missing = {} as {x: {shape: number[]}};
  assert.throws(() => sizes('f', {x: 'B'}, missing), /x is no tensor, expected one of shape \[B\]/);
});

test("'' is a scalar", () => {
  assert.deepEqual(sizes('f', {x: ''}, {x: tf.scalar(1)}), {});
  assert.throws(() => sizes('f', {x: ''}, {x: tf.ones([1])}), ShapeError);
});
