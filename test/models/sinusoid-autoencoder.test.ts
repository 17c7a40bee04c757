import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {before, test} from 'node:test';
import {assignWeights, countWeights} from 'latent-lib/layers/weights';
import {
  SinusoidAutoencoder,
  SOURCE_SIZES,
  sinusoidWeightsFromTorch,
  sourceObjective,
  type Coins,
} from 'latent-lib/models/sinusoid-autoencoder';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {loadCheckpoint, loadWeights, saveCheckpoint} from 'latent-lib/training/checkpoint';
import {adam} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity, type GoldenTensors, type Lookup} from '../helpers/parity';

before(ready);

const golden = loadGolden('sinusoid-autoencoder');

function fromTorch({weights}: GoldenTensors): SinusoidAutoencoder {
  const model = new SinusoidAutoencoder(SOURCE_SIZES, new Random(1));
  assignWeights(model.weights, sinusoidWeightsFromTorch(weights()));
  return model;
}

/** PyTorch's tensors under `prefix`, in our names and layout. */
function asOurs(expected: Lookup, prefix: string): Record<string, tf.Tensor> {
  const names = Object.keys(golden.weights);
  return sinusoidWeightsFromTorch(
    Object.fromEntries(names.map(name => [name, expected(`${prefix} ${name}`)])),
  );
}

interface Case {
  readonly signal: tf.Tensor2D;
  readonly epsilon: tf.Tensor2D;
  readonly coins?: Coins;
}

function cases({input}: GoldenTensors): Record<string, Case> {
  const signal = input<tf.Tensor2D>('signal');
  const epsilon = input<tf.Tensor2D>('epsilon');
  return {
    forced: {signal, epsilon, coins: input<tf.Tensor1D>('forced coins')},
    short: {signal: signal.slice([0, 0], [-1, 18]), epsilon, coins: input('short coins')},
    free: {signal, epsilon},
  };
}

parity('sinusoid autoencoder', golden, golden => {
  const model = fromTorch(golden);
  for (const [name, {signal, epsilon, coins}] of Object.entries(cases(golden))) {
    const want = (what: string) => golden.expected(`${name} ${what}`);
    const {mean, logVar, decoded} = model.reconstruct(signal, epsilon, {coins});
    const {l2, kl} = model.calcLoss(signal, epsilon, coins);
    for (const [what, got] of Object.entries({mean, logVar, decoded, l2, kl})) {
      close(`${name} ${what}`, got, want(what), {atol: 1e-5, rtol: 1e-5});
    }
  }
});

parity('sinusoid autoencoder, gradients', golden, golden => {
  const model = fromTorch(golden);
  const klWeight = golden.setting('klWeight');
  for (const [name, {signal, epsilon, coins}] of Object.entries(cases(golden))) {
    if (name === 'free') continue;
    const {grads} = tf.variableGrads(
      () => sourceObjective(model.calcLoss(signal, epsilon, coins), klWeight),
      Object.values(model.weights),
    );
    const want = asOurs(golden.expected, `${name} d`);
    for (const [weight, variable] of Object.entries(model.weights)) {
      close(`${name} d ${weight}`, grads[variable.name]!, want[weight]!, {atol: 1e-5});
    }
  }
});

parity('sinusoid autoencoder, one Adam step', golden, golden => {
  const model = fromTorch(golden);
  const {signal, epsilon, coins} = cases(golden)['forced']!;
  const settings = {
    learningRate: golden.setting('learningRate'),
    epsilon: golden.setting('epsilon'),
  };
  const optimizer = tf.train.adam(settings.learningRate, 0.9, 0.999, settings.epsilon);
  optimizer.minimize(() => sourceObjective(model.calcLoss(signal, epsilon, coins)));
  const want = asOurs(golden.expected, 'after Adam');
  for (const [name, variable] of Object.entries(model.weights)) {
    close(name, variable, want[name]!, {atol: 1e-5});
  }
});

const small = () => new SinusoidAutoencoder(SOURCE_SIZES, new Random(5));
const signals = (count: number, length = 50) => {
  const random = new Random(7);
  const rows = Array.from({length: count}, () => {
    const [frequency, phase] = [0.5 + 0.05 * random.normal(), 3 + 1.5 * random.normal()];
    return Array.from({length}, (_, n) => Math.sin(n * frequency + phase));
  });
  return tf.tensor2d(rows);
};

test('with the source sizes the model has 2,279 weights', () => {
  assert.equal(countWeights(small().weights), 2279);
  assert.equal(
    countWeights(new SinusoidAutoencoder({...SOURCE_SIZES, latents: 3}, new Random(1)).weights),
    2279 + 22 + 60,
  );
});

test('a batch leaves no trace in the next, of whatever size', () => {
  const model = small();
  const [x, epsilon] = [signals(3), new Random(1).normals<tf.Rank.R2>([3, 2])];
  const first = model.reconstruct(x, epsilon).decoded;
  model.reconstruct(signals(8), tf.ones([8, 2]));
  close('again', model.reconstruct(x, epsilon).decoded, first, {atol: 0});
});

test('all coins 1 feed the true frames: the decoder never sees its own', () => {
  const model = small();
  const x = signals(2);
  const z = new Random(2).normals<tf.Rank.R2>([2, 2]);
  const forced = (signal: tf.Tensor2D) => model.decode(z, 50, {signal, coins: tf.ones([10])});
  const other = x.add<tf.Tensor2D>(tf.oneHot([22, 22], 50));
  const difference = forced(x).sub(forced(other)).abs().sum(0);
  close('before the frame after it', difference.slice(0, 25), tf.zeros([25]), {atol: 0});
  assert.ok(difference.slice(25, 5).min().dataSync()[0]! > 1e-4);
});

test('coins for each example are those examples with coins for the batch', () => {
  const model = small();
  const x = signals(2);
  const z = new Random(2).normals<tf.Rank.R2>([2, 2]);
  const patterns = [
    [1, 0, 1, 1, 0, 0, 1, 0, 1, 0],
    [0, 1, 1, 0, 0, 1, 0, 1, 1, 1],
  ];
  const both = model.decode(z, 50, {signal: x, coins: tf.tensor2d(patterns)});
  for (const [row, pattern] of patterns.entries()) {
    const all = model.decode(z, 50, {signal: x, coins: tf.tensor1d(pattern)});
    close(`row ${row}`, both.slice(row, 1), all.slice(row, 1), {atol: 1e-6});
  }
  const flipped = patterns.map(([, ...rest]) => [0, ...rest]);
  const first = model.decode(z, 50, {signal: x, coins: tf.tensor2d(flipped)});
  close('the first coin is ignored', first, both, {atol: 0});
});

test('a length that is no multiple of a frame cuts the last frame', () => {
  const model = small();
  const z = tf.tensor2d([[0.5, -1]]);
  const long = model.decode(z, 55);
  close('52 of 55', model.decode(z, 52), long.slice([0, 0], [1, 52]), {atol: 1e-6});
  assert.deepEqual(model.calcLoss(signals(3, 52), tf.ones([3, 2]), tf.ones([11])).l2.shape, [3]);
  assert.throws(() => model.decode(z, 0), /FrameDecoder: length is 0, expected a positive integer/);
});

test('an override of one row is decoded for all examples', () => {
  const model = small();
  const latents = tf.tensor2d([[-1.5, -1.5]]);
  const {decoded, mean} = model.reconstruct(signals(3), tf.ones([3, 2]), {latents});
  const alone = model.decode(latents, 50);
  for (const row of [0, 1, 2]) close(`row ${row}`, decoded.slice(row, 1), alone, {atol: 1e-6});
  close('the posterior is still the signal’s', mean, model.encode(signals(3)).mean, {atol: 0});
  const forced = model.decode(latents, 50, {signal: signals(3), coins: tf.ones([10])});
  assert.deepEqual(forced.shape, [3, 50]);
});

test('for 50 samples the ELBO is 100 times the source objective, up to a constant', () => {
  const model = small();
  const [x, epsilon] = [signals(4), new Random(1).normals<tf.Rank.R2>([4, 2])];
  const coins = tf.tensor1d([0, 1, 0, 1, 1, 0, 0, 1, 1, 0]);
  const {loss} = model.elbo(x, epsilon, {coins});
  const objective = sourceObjective(model.calcLoss(x, epsilon, coins));
  close('loss', loss, objective.mul(100).add(25 * Math.log(Math.PI)), {atol: 0, rtol: 1e-5});
});

test('weights survive a file, and PyTorch’s come in by name', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sinusoid-'));
  try {
    const file = path.join(folder, 'model.safetensors');
    const [model, other] = [small(), new SinusoidAutoencoder(SOURCE_SIZES, new Random(6))];
    saveCheckpoint(file, model.weights);
    loadWeights(file, other.weights);
    const z = tf.tensor2d([[0.5, -1]]);
    close('decoded', other.decode(z, 50), model.decode(z, 50), {atol: 0});

    const stored = Object.entries(golden.weights).map(
      ([name, {values, shape}]) => [name, tf.tensor(values, [...shape])] as const,
    );
    saveCheckpoint(file, Object.fromEntries(stored));
    assignWeights(model.weights, sinusoidWeightsFromTorch(loadCheckpoint(file).tensors));
    const {values} = golden.weights['decoder.projection.weight']!;
    const kernel = model.weights['decoder.projection.kernel']!;
    close('kernel', kernel.transpose().flatten(), values, {atol: 0});
  } finally {
    fs.rmSync(folder, {recursive: true});
  }
});

test('training lowers both errors', () => {
  const model = small();
  const x = signals(32);
  const random = new Random(9);
  const step = trainingStep({
    weights: model.weights,
    optimizer: adam({learningRate: 1e-2}),
    loss: ({signal, epsilon, coins}: {signal: tf.Tensor2D; epsilon: tf.Tensor2D; coins: Coins}) => {
      const losses = model.calcLoss(signal, epsilon, coins);
      return {...losses, loss: sourceObjective(losses)};
    },
  });
  const run = () =>
    tf.tidy(() => step.run({signal: x, epsilon: random.normals([32, 2]), coins: tf.zeros([10])}));
  const before = run();
  for (let count = 0; count < 150; count++) run();
  const after = run();
  step.dispose();
  assert.ok(after['l2'] < 0.6 * before['l2'], `${before['l2']} to ${after['l2']}`);
  assert.ok(after['loss'] < 0.7 * before['loss'], `${before['loss']} to ${after['loss']}`);
});

test('a second loss and gradient leaves no tensor behind', async () => {
  const model = small();
  const [x, epsilon, coins] = [signals(2), tf.ones<tf.Rank.R2>([2, 2]), tf.ones<tf.Rank.R1>([10])];
  await leavesNoTensor(() => ({...model.calcLoss(x, epsilon, coins)}));
  await leavesNoTensor(() => ({...model.reconstruct(x, epsilon)}));
  await leavesNoTensor(() =>
    tf.variableGrads(() => model.elbo(x, epsilon, {coins}).loss, Object.values(model.weights)),
  );
  await leavesNoTensor(() => small().dispose());
});

test('what does not fit is refused by name', () => {
  const model = small();
  const z = tf.ones<tf.Rank.R2>([2, 2]);
  assert.throws(() => model.encode(tf.ones([50]) as never), /encode: signal has shape \[50\]/);
  assert.throws(
    () => model.decode(tf.ones([2, 3]), 50),
    /FrameDecoder: z has shape \[2,3\], expected \[R,2\]/,
  );
  const forcing = {signal: signals(3), coins: tf.ones<tf.Rank.R1>([10])};
  assert.throws(() => model.decode(z, 50, forcing), /z has 2 rows, expected 1 or the signal's 3/);
  assert.throws(
    () => model.decode(tf.ones([3, 2]), 50, {...forcing, coins: tf.ones([9])}),
    /coins has shape \[9\], expected \[10\].* One coin a step, 10 steps; \[B, 10\]/,
  );
  assert.throws(() => model.decode(z, 55, forcing), /signal has shape \[3,50\], expected \[B,55\]/);
  assert.throws(
    () => model.reconstruct(signals(3), tf.ones([3, 2]), {latents: z}),
    /latents has 2 rows, expected 1 or the signal's 3/,
  );
  assert.throws(
    () => new SinusoidAutoencoder({...SOURCE_SIZES, latents: 0}, new Random(1)),
    /expected a positive integer/,
  );
});
