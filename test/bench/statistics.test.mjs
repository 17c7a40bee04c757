// @ts-check
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {environmentOf, participants} from '../../misc/bench/participants.mjs';
import {verdicts} from '../../misc/bench/report.mjs';
import {median, quantile, ratio} from '../../misc/bench/statistics.mjs';

test('quantiles interpolate between values in order of size', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(quantile([10, 0], 0.1), 1);
  assert.equal(quantile([7], 0.9), 7);
});

test('a ratio compares round by round, so that a slow round slows both', () => {
  const ours = [[1, 1, 1], [10, 10], [1]];
  const others = [[3, 3], [30, 30, 30], [2]];
  assert.deepEqual(ratio(others, ours).median, 3);
  assert.ok(Math.abs(ratio(others, ours).low - 2.2) < 1e-12);
});

/** @type {(label: string, kind: string, times: number) => import('../../misc/bench/compare.mjs').Result} */
function result(label, kind, times) {
  return /** @type {import('../../misc/bench/compare.mjs').Result} */ (
    /** @type {unknown} */ ({label, kind, times: {median: times, low: times, high: times}})
  );
}

test('the bars are twice as fast as Keras, and the fastest of all', () => {
  const ours = result('ours', 'ours', 1);
  const met = verdicts('dense-vae', [
    ours,
    result('Keras', 'keras', 2.1),
    result('JAX', 'jax', 1.01),
  ]);
  assert.deepEqual(
    met.map(line => line.split(': ').at(-1)),
    ['met.', 'met.'],
  );
  const missed = verdicts('dense-vae', [
    ours,
    result('ours, eager', 'eager', 0.1),
    result('Keras', 'keras', 1.9),
    result('Keras, XLA', 'keras', 0.9),
  ]);
  assert.match(missed[0] ?? '', /Keras takes 1\.90 times as long, wanted 2: MISSED/);
  assert.match(missed[1] ?? '', /fastest original, Keras, XLA, takes 0\.90 .*: MISSED/);
  assert.deepEqual(verdicts('dense-vae', [ours]), []);
  const sentences = verdicts('transformer-vae', [ours, result('Keras', 'keras', 1.6)]);
  assert.match(sentences[0] ?? '', /Keras takes 1\.60 times as long, wanted 1\.5: met/);
  const torch = verdicts('bart-vae', [ours, result('PyTorch', 'torch', 1.2)]);
  assert.equal(torch.length, 1, 'no word on Keras where there is none');
});

test('threads: ours as in the lesson, all alike where a number is asked for', () => {
  const kinds = participants('transformer-vae', 'python').map(({kind}) => kind);
  assert.deepEqual([...new Set(kinds)], ['ours', 'eager', 'keras', 'torch']);
  assert.equal(environmentOf('dense-vae', 'ours')['LATENT_THREADS'], undefined);
  assert.equal(environmentOf('transformer-vae', 'ours')['LATENT_THREADS'], '2');
  assert.equal(environmentOf('transformer-vae', 'torch', 1)['OMP_NUM_THREADS'], '1');
  assert.equal(environmentOf('transformer-vae', 'ours', 1)['LATENT_THREADS'], '1');
});

test('the originals keep the threads that they choose, though the library chooses for itself', async () => {
  await import('latent-lib/tensor/tf');
  const {TF_NUM_INTRAOP_THREADS, LATENT_THREADS} = environmentOf('transformer-vae', 'peers');
  assert.deepEqual([TF_NUM_INTRAOP_THREADS, LATENT_THREADS], [undefined, undefined]);
  assert.equal(environmentOf('transformer-vae', 'ours')['LATENT_THREADS'], '2');
});
