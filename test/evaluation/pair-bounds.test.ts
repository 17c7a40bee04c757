import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {latentAblation, pairBounds, type PairModel} from 'latent-lib/evaluation/pair-bounds';
import {TransformerVae} from 'latent-lib/models/transformer-vae';
import {
  gaussianLogDensity,
  klBetweenGaussians,
  reparameterize,
  type Posterior,
} from 'latent-lib/probability/gaussian';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

/**
 * One latent, one number: z | x ~ N(x, 1) and y | z ~ N(z, 1), so that y | x ~ N(x, 2) and the true
 * posterior is N((x + y) / 2, ½). `off` moves the posterior's mean from there.
 */
function linearModel(off: number): PairModel {
  const variance = (like: tf.Tensor2D, value: number): Posterior['logVar'] =>
    tf.fill(like.shape, Math.log(value));
  const model: PairModel = {
    config: {latents: 1},
    prior: x => ({mean: x.toFloat(), logVar: variance(x, 1)}),
    posterior: (x, y) => ({mean: x.add(y).div<tf.Tensor2D>(2).add(off), logVar: variance(x, 0.5)}),
    negativeLogLikelihood: (y, z) =>
      gaussianLogDensity(y.toFloat(), {mean: z, logVar: variance(z, 1)}).neg(),
    terms: ({x, y, epsilon}) => {
      const [p, q] = [model.prior(x), model.posterior(x, y)];
      const z = reparameterize(q, epsilon);
      const reconstruction = model.negativeLogLikelihood(y, z);
      const ratio = gaussianLogDensity(z, p).sub<tf.Tensor1D>(gaussianLogDensity(z, q));
      return {
        reconstruction,
        kl: klBetweenGaussians(q, p),
        priorReconstruction: model.negativeLogLikelihood(y, reparameterize(p, epsilon)),
        logWeight: ratio.sub<tf.Tensor1D>(reconstruction),
      };
    },
  };
  return model;
}

const numbers = (name: string, count: number) =>
  tf.tensor2d(
    Array.from({length: count}, () => new Random(3).stream(name).integer(5)),
    [count, 1],
    'int32',
  );
const data = (count: number) => {
  const random = new Random(7);
  const column = () =>
    tf.tensor2d(
      Array.from({length: count}, () => random.integer(4)),
      [count, 1],
      'int32',
    );
  return {x: column(), y: column()};
};
const logNormal = (distance: number, variance: number) =>
  -0.5 * (Math.log(2 * Math.PI * variance) + distance ** 2 / variance);

test('with the true posterior ELBO and importance bound are log p(y|x), for any K', async () => {
  const {x, y} = data(6);
  const bounds = await pairBounds(linearModel(0), {x, y}, new Random(1), {samples: 7, batch: 4});
  const [xs, ys] = [x.dataSync(), y.dataSync()];
  bounds.importance.perExample.forEach((bound, row) => {
    const exact = logNormal(ys[row]! - xs[row]!, 2);
    assert.ok(Math.abs(bound - exact) < 1e-4, `row ${row}: ${bound}, ${exact}`);
  });
  // The ELBO is exact in expectation; its reconstruction is sampled here.
  const {elbo, reconstruction, kl} = bounds;
  elbo.perExample.forEach((bound, row) => {
    const sides = -reconstruction.perExample[row]! - kl.perExample[row]!;
    assert.ok(Math.abs(bound - sides) < 1e-6);
  });
});

test('the bounds stand in order: prior, ELBO, importance, log p(y|x)', async () => {
  const {x, y} = data(64);
  const {prior, elbo, importance} = await pairBounds(linearModel(0.5), {x, y}, new Random(2), {
    samples: 60,
    batch: 64,
  });
  const [xs, ys] = [x.dataSync(), y.dataSync()];
  const exact = Array.from(xs, (x, row) => logNormal(ys[row]! - x, 2)).reduce((a, b) => a + b) / 64;
  assert.ok(prior.mean < elbo.mean && elbo.mean < importance.mean, `${prior.mean}, ${elbo.mean}`);
  assert.ok(importance.mean < exact + 0.02 && importance.mean > exact - 0.05);
  assert.ok(Math.abs(exact - elbo.mean - 0.25) < 0.05); // KL of N(m + ½, ½) from N(m, ½) is ¼
});

test('the prior bound is the mean over the prior, worked out by hand', async () => {
  const x = tf.tensor2d([[1], [2]], [2, 1], 'int32');
  const y = tf.tensor2d([[3], [2]], [2, 1], 'int32');
  const {prior} = await pairBounds(linearModel(0), {x, y}, new Random(3), {samples: 4000});
  const want = [1, 2].map((x, row) => logNormal([3, 2][row]! - x, 1) - 0.5); // E(y − z)² = d² + 1
  prior.perExample.forEach((bound, row) => assert.ok(Math.abs(bound - want[row]!) < 0.15));
});

test('a decoder that does not listen pays the same for any z; one that does pays for another’s', async () => {
  const deaf: PairModel = {
    ...linearModel(0),
    negativeLogLikelihood: (y, z) => y.toFloat().add(z.mul(0)).sum(1),
  };
  const same = await latentAblation(deaf, data(32), new Random(4));
  for (const nats of Object.values(same)) assert.ok(Math.abs(nats - same.posterior) < 1e-4);
  // (y − z)² on average, for y − x of variance 2½: posterior 1.1, prior 3.5, another's 2.4, zero 3.5
  const {posterior, ...others} = await latentAblation(linearModel(0), data(512), new Random(4));
  for (const nats of Object.values(others))
    assert.ok(posterior < nats - 0.3, `${posterior}, ${nats}`);
});

test('results do not depend on the size of a batch beyond its noise, and repeat', async () => {
  const run = () => pairBounds(linearModel(0), data(8), new Random(5), {samples: 3, batch: 8});
  const [one, two] = [await run(), await run()];
  assert.deepEqual(one, two);
});

test('a transformer-VAE is such a model, and nothing is left behind', async () => {
  const sizes = {vocabulary: 9, width: 6, heads: 2, hidden: 8, layers: 1, latents: 3} as const;
  const form = {injection: 'attention', pooling: 'mean', segments: true, mask: 'causal'} as const;
  const model = new TransformerVae({...sizes, ...form}, new Random(1));
  const ids = (rows: number[][]) => tf.tensor2d(rows, [2, 4], 'int32');
  const x = ids([
    [1, 4, 5, 2],
    [1, 6, 2, 0],
  ]);
  const y = ids([
    [1, 5, 2, 0],
    [1, 7, 8, 2],
  ]);
  const {elbo, kl} = await pairBounds(model, {x, y}, new Random(1));
  assert.ok(elbo.mean < 0 && kl.mean > 0);
  await leavesNoTensor(() => pairBounds(model, {x, y}, new Random(1)).then(() => undefined));
  await leavesNoTensor(() => latentAblation(model, {x, y}, new Random(1)).then(() => undefined));
});

test('what does not fit is refused by name', async () => {
  const {x} = data(4);
  const bounds = (samples: number) =>
    pairBounds(linearModel(0), {x, y: x}, new Random(1), {samples});
  await assert.rejects(bounds(0), /pairBounds: samples is 0, expected a positive integer/);
  const uneven = {x, y: numbers('y', 3)};
  await assert.rejects(
    latentAblation(linearModel(0), uneven, new Random(1)),
    /latentAblation: y has/,
  );
});
