import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {causalMask, eitherMask, paddingMask} from 'latent-lib/layers/masks';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const ids = tf.tensor2d(
  [
    [5, 6, 0],
    [7, 0, 0],
  ],
  [2, 3],
  'int32',
);

test('padding is hidden from every query and head', () => {
  close('mask', paddingMask(ids, 0), [[[[0, 0, 1]]], [[[0, 1, 1]]]], {atol: 0});
  close('another id', paddingMask(ids, 7), [[[[0, 0, 0]]], [[[1, 0, 0]]]], {atol: 0});
});

test('a causal mask hides what comes later; what comes before is seen by all', () => {
  close(
    '3 steps',
    causalMask(3),
    [
      [
        [
          [0, 1, 1],
          [0, 0, 1],
          [0, 0, 0],
        ],
      ],
    ],
    {atol: 0},
  );
  close(
    '2 steps after 2',
    causalMask(2, 2),
    [
      [
        [
          [0, 0, 0, 1],
          [0, 0, 0, 0],
        ],
      ],
    ],
    {atol: 0},
  );
  close('a single step', causalMask(1, 4), tf.zeros([1, 1, 1, 5]), {atol: 0});
});

test('either mask hides what one of them hides', () => {
  const both = eitherMask(paddingMask(ids, 0), causalMask(3));
  const want = [
    [
      [
        [0, 1, 1],
        [0, 0, 1],
        [0, 0, 1],
      ],
    ],
    [
      [
        [0, 1, 1],
        [0, 1, 1],
        [0, 1, 1],
      ],
    ],
  ];
  close('both', both, want, {atol: 0});
});

test('a second call leaves no tensor behind', async () => {
  await leavesNoTensor(() => paddingMask(ids, 0));
  await leavesNoTensor(() => causalMask(3, 1));
});

test('sizes that make no sense are refused', () => {
  assert.throws(() => causalMask(0), /steps is 0, expected a positive integer/);
  assert.throws(() => causalMask(2, -1), /past is -1/);
});
