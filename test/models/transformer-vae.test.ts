import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {assignWeights, countWeights} from 'latent-lib/layers/weights';
import {
  shifted,
  TransformerVae,
  type PairInputs,
  type TransformerVaeConfig,
} from 'latent-lib/models/transformer-vae';
import {sourceLoss} from 'latent-lib/models/transformer-vae-source';
import type {DecoderState, Injection} from 'latent-lib/models/vae-decoder';
import type {Pooling} from 'latent-lib/models/vae-encoder';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {adam} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity, type GoldenTensors} from '../helpers/parity';

before(ready);

const golden = loadGolden('transformer-vae');
const SIZES = {vocabulary: 9, width: 6, heads: 2, hidden: 8, layers: 2, latents: 3};
const RIGHT = {...SIZES, pooling: 'attention', segments: true, mask: 'causal'} as const;
const INJECTIONS: readonly Injection[] = ['input', 'attention', 'output'];

const CASES: Readonly<Record<string, TransformerVaeConfig>> = {
  input: {...RIGHT, injection: 'input'},
  attention: {...RIGHT, injection: 'attention'},
  output: {...RIGHT, injection: 'output'},
  mean: {...RIGHT, injection: 'input', pooling: 'mean'},
  source: {...SIZES, injection: 'attention', pooling: 'gelu', segments: false, mask: 'source'},
};

function fromTorch(config: TransformerVaeConfig, weights: Record<string, tf.Tensor>) {
  const model = new TransformerVae(config, new Random(1));
  const own = Object.keys(model.weights).map(name => [name, weights[name]!] as const);
  assignWeights(model.weights, Object.fromEntries(own));
  return model;
}

const inputsOf = ({input}: GoldenTensors): PairInputs => ({
  x: input('x'),
  y: input('y'),
  epsilon: input('epsilon'),
});

for (const [name, config] of Object.entries(CASES).filter(([name]) => name !== 'source')) {
  parity(`transformer-VAE, ${name}`, golden, golden => {
    const {expected, setting} = golden;
    const model = fromTorch(config, golden.weights());
    const inputs = inputsOf(golden);
    const [p, q] = [model.prior(inputs.x), model.posterior(inputs.x, inputs.y)];
    const gaussians = {
      'prior mean': p.mean,
      'prior logVar': p.logVar,
      'posterior mean': q.mean,
      'posterior logVar': q.logVar,
    };
    for (const [what, got] of Object.entries(gaussians)) {
      close(what, got, expected(`${name} ${what}`), {atol: 2e-5});
    }
    const {reconstruction, kl, priorReconstruction, logWeight} = model.terms(inputs);
    const terms = {reconstruction, kl, 'prior reconstruction': priorReconstruction};
    for (const [what, got] of Object.entries({...terms, 'log weight': logWeight})) {
      close(what, got, expected(`${name} ${what}`), {atol: 1e-4, rtol: 1e-5});
    }
    const loss = () => model.elbo(inputs, {beta: setting('beta')}).loss;
    close('loss', loss(), expected(`${name} loss`), {atol: 1e-4});
    const {grads} = tf.variableGrads(loss, Object.values(model.weights));
    for (const [weight, variable] of Object.entries(model.weights)) {
      const want = expected(`${name} d ${weight}`);
      close(`d ${weight}`, grads[variable.name]!, want, {atol: 1e-4, rtol: 1e-4});
    }
  });
}

parity('transformer-VAE, the source', golden, golden => {
  const {expected, setting} = golden;
  const model = fromTorch(CASES['source']!, golden.weights());
  const inputs = inputsOf(golden);
  const {loss, kl} = sourceLoss(model, inputs, setting('klWeight'));
  close('loss', loss, expected('source loss'), {atol: 1e-4});
  close('kl', kl, expected('source kl').mean(), {atol: 1e-4});
  const {grads} = tf.variableGrads(
    () => sourceLoss(model, inputs, setting('klWeight')).loss,
    Object.values(model.weights),
  );
  for (const [weight, variable] of Object.entries(model.weights)) {
    const want = expected(`source d ${weight}`);
    close(`d ${weight}`, grads[variable.name]!, want, {atol: 1e-4, rtol: 1e-4});
  }
});

parity('transformer-VAE, logits', golden, golden => {
  for (const [name, config] of Object.entries(CASES)) {
    const model = fromTorch(config, golden.weights());
    const {x, y, epsilon} = inputsOf(golden);
    const {mean, logVar} = model.posterior(x, y);
    const z = mean.add<tf.Tensor2D>(logVar.mul(0.5).exp().mul(epsilon));
    const {logits} = model.decoder.apply(shifted(y).entering, z);
    close(name, logits, golden.expected(`${name} logits`), {atol: 2e-5, rtol: 1e-5});
  }
});

const ids = (rows: number[][]) => tf.tensor2d(rows, [rows.length, rows[0]!.length], 'int32');
const pairs = () => ({
  x: ids([
    [4, 5, 6, 2],
    [7, 2, 0, 0],
  ]),
  y: ids([
    [1, 6, 4, 8, 2],
    [1, 7, 2, 0, 0],
  ]),
});
const noise = (rows = 2) => new Random(3).normals<tf.Rank.R2>([rows, 3]);
const small = (injection: Injection, more: Partial<TransformerVaeConfig> = {}) =>
  new TransformerVae({...RIGHT, injection, ...more}, new Random(5));

test('decoding with remembered keys and values gives the logits of decoding whole', () => {
  for (const injection of INJECTIONS) {
    const {decoder} = small(injection);
    const {entering} = shifted(pairs().y);
    const whole = decoder.apply(entering, noise()).logits;
    let state: DecoderState = decoder.start(noise());
    for (const [t, column] of (tf.unstack(entering, 1) as tf.Tensor1D[]).entries()) {
      const made = decoder.step(column, state);
      const want = whole.slice([0, t, 0], [2, 1, 9]).reshape([2, 9]);
      close(`${injection}, token ${t}`, made.logits, want, {atol: 1e-5});
      state = made.state;
    }
  }
});

test('a later token changes no earlier logits, whatever the mask', () => {
  for (const config of Object.values(CASES)) {
    const {decoder} = new TransformerVae(config, new Random(5));
    const logits = (last: number) => decoder.apply(ids([[1, 6, 4, last]]), noise(1)).logits;
    const before = (last: number) => logits(last).slice([0, 0, 0], [1, 3, 9]);
    close(config.injection, before(8), before(3), {atol: 0});
    assert.ok(logits(8).sub(logits(3)).abs().max().dataSync()[0]! > 1e-3);
  }
});

test('z reaches the logits of every position, by each way in', () => {
  for (const injection of INJECTIONS) {
    const {decoder} = small(injection);
    const ofRow = (row: number) => (z: tf.Tensor) =>
      decoder
        .apply(ids([[1, 6, 4, 8]]), z as tf.Tensor2D)
        .logits.slice([0, row, 0], [1, 1, 1])
        .sum<tf.Scalar>();
    for (const row of [0, 1, 2, 3]) {
      assert.ok(tf.grad(ofRow(row))(noise(1)).abs().max().dataSync()[0]! > 1e-5, injection);
    }
  }
});

test('by way of the output z adds the same to all positions; by the others it does not', () => {
  for (const injection of INJECTIONS) {
    const {decoder} = small(injection);
    const logits = (z: tf.Tensor2D) => decoder.apply(ids([[1, 6, 4, 8]]), z).logits;
    const change = logits(noise(1)).sub(logits(tf.zeros([1, 3])));
    const spread = change
      .sub(change.slice([0, 0, 0], [1, 1, 9]))
      .abs()
      .max()
      .dataSync()[0]!;
    assert.equal(spread < 1e-5, injection === 'output', `${injection}: ${spread}`);
  }
});

test('a token is embedded by its place, whether the others are there or not', () => {
  const {decoder} = small('input');
  const whole = decoder.embed(ids([[1, 6, 4]]));
  close('third', decoder.embed(ids([[4]]), 2), whole.slice([0, 2, 0], [1, 1, 6]), {atol: 1e-6});
  assert.ok(
    decoder
      .embed(ids([[4]]))
      .sub(whole.slice([0, 2, 0], [1, 1, 6]))
      .abs()
      .max()
      .dataSync()[0]! > 0.1,
  );
  const shift = tf.ones<tf.Rank.R3>([1, 1, 6]);
  close('shifted', decoder.embed(ids([[1, 6, 4]]), 0, shift), whole.add(1), {atol: 1e-6});
  assert.throws(() => decoder.embed(tf.zeros([1, 3])), /ids is float32, expected int32/);
});

test('padding changes nothing: longer rows of zeros give the same terms', () => {
  const poolings: Pooling[] = ['attention', 'gelu', 'vector', 'mean'];
  const wider = (t: tf.Tensor2D) =>
    tf.pad2d(t, [
      [0, 0],
      [0, 3],
    ]);
  for (const [index, pooling] of poolings.entries()) {
    const model = small(INJECTIONS[index % 3]!, {pooling});
    const {x, y} = pairs();
    const terms = model.terms({x, y, epsilon: noise()});
    const padded = model.terms({x: wider(x), y: wider(y), epsilon: noise()});
    for (const key of Object.keys(terms) as (keyof typeof terms)[]) {
      close(`${pooling} ${key}`, padded[key], terms[key], {atol: 1e-5, rtol: 1e-5});
    }
  }
});

test('in the source padding counts: as positions that run on, and in its plain average', () => {
  const {x, y} = pairs();
  const wider = x.pad<tf.Tensor2D>([
    [0, 0],
    [0, 3],
  ]);
  const moved = (more: Partial<TransformerVaeConfig>) => {
    const {encoder} = small('input', more);
    return encoder
      .apply(x, y)
      .output.sub(encoder.apply(wider, y).output)
      .abs()
      .max()
      .dataSync()[0]!;
  };
  assert.ok(moved({segments: false}) > 1e-3);
  assert.ok(moved({pooling: 'mean with padding'}) > 1e-3);
  assert.ok(moved({}) < 1e-5);
});

test('the prior reads x alone, the posterior both, the decoder neither but through z', () => {
  const model = small('attention');
  const {x, y} = pairs();
  const other = ids([
    [1, 3, 3, 8, 2],
    [1, 5, 2, 0, 0],
  ]);
  const apart = (a: tf.Tensor, b: tf.Tensor) => a.sub(b).abs().max().dataSync()[0]!;
  assert.ok(apart(model.posterior(x, y).mean, model.posterior(x, other).mean) > 1e-3);
  const ofEncoder = Object.entries(model.weights).filter(([name]) => name.startsWith('encoder.'));
  const {grads} = tf.variableGrads(
    () => model.negativeLogLikelihood(y, noise()).sum(),
    Object.values(model.weights),
  );
  for (const [name, {name: variable}] of ofEncoder) assert.equal(grads[variable], undefined, name);
});

test('the bound: reconstruction and KL are the terms, and beta weighs the KL', () => {
  const model = small('input');
  const inputs = {...pairs(), epsilon: noise()};
  const {reconstruction, kl} = model.terms(inputs);
  for (const beta of [0, 1, tf.scalar(0.25)]) {
    const weight = typeof beta === 'number' ? beta : 0.25;
    const {loss} = model.elbo(inputs, {beta});
    close(`beta ${weight}`, loss, reconstruction.add(kl.mul(weight)).mean(), {atol: 1e-5});
  }
  assert.ok(kl.min().dataSync()[0]! > 0);
});

test('over many draws the mean of the log weights is the ELBO', () => {
  const model = small('attention');
  const {x, y} = pairs();
  const rows = 4000;
  const many = (t: tf.Tensor2D) => t.slice([0, 0], [1, -1]).tile<tf.Tensor2D>([rows, 1]);
  const {reconstruction, kl, logWeight} = model.terms({
    x: many(x),
    y: many(y),
    epsilon: noise(rows),
  });
  close('ELBO', logWeight.mean(), reconstruction.add(kl).mean().neg(), {atol: 0.05});
});

test('the source counts nats per token against KL per sequence', () => {
  const model = new TransformerVae(CASES['source']!, new Random(5));
  const inputs = {...pairs(), epsilon: noise()};
  const {crossEntropy, kl, loss} = sourceLoss(model, inputs, 0.5);
  const pooled = model.encoder.apply(inputs.x, inputs.y).output;
  const {mean, logVar} = model.posteriorOf(pooled);
  const z = mean.add<tf.Tensor2D>(logVar.mul(0.5).exp().mul(inputs.epsilon));
  const nats = model.negativeLogLikelihood(inputs.y, z).sum();
  close('cross-entropy', crossEntropy, nats.div(4 + 2), {atol: 1e-5}); // words and end tokens
  close('loss', loss, crossEntropy.add(kl.mul(0.5)), {atol: 1e-6});
});

test('compiled steps train as eager ones do', () => {
  const losses = [true, false].map(compiled => {
    const model = small('attention');
    const step = trainingStep({
      weights: model.weights,
      optimizer: adam({learningRate: 1e-2}),
      compiled,
      loss: ({beta, seed, ...inputs}: PairInputs & {beta: tf.Scalar; seed: tf.Tensor1D}) =>
        model.elbo(inputs, {beta, noise: {rate: 0.1, seed}}),
    });
    const run = (index: number) =>
      tf.tidy(() => {
        const seed = tf.tensor1d([1, index], 'int32');
        return step.run({...pairs(), epsilon: noise(), beta: tf.scalar(0.5), seed}).loss;
      });
    const all = Array.from({length: 8}, (_, index) => run(index));
    step.dispose();
    return all;
  });
  close('losses', tf.tensor1d(losses[0]!), tf.tensor1d(losses[1]!), {atol: 1e-3, rtol: 1e-3});
});

test('training lowers the bound, by each way in', () => {
  for (const injection of INJECTIONS) {
    const model = small(injection);
    const step = trainingStep({
      weights: model.weights,
      optimizer: adam({learningRate: 2e-2}),
      loss: (inputs: PairInputs) => model.elbo(inputs),
    });
    const inputs = {...pairs(), epsilon: noise()};
    const first = step.run(inputs).loss;
    for (let count = 0; count < 60; count++) step.run(inputs);
    const last = step.run(inputs).loss;
    step.dispose();
    assert.ok(last < 0.5 * first, `${injection}: ${first} to ${last}`);
  }
});

test('weights are counted as the layers say', () => {
  const layer = 4 * 42 + 2 * 12 + (6 * 8 + 8) + (8 * 6 + 6); // attention, norms, feed-forward
  const common = 2 * 9 * 6 + 4 * layer + (6 * 9 + 9) + 2 * (6 * 6 + 6);
  const pooling = 6 + 4 * 42;
  const more = {input: 3 * 6, attention: 2 * (3 * 12 + 12), output: 3 * 8 + 8 + 8 * 9 + 9};
  for (const injection of INJECTIONS) {
    const {weights} = small(injection);
    assert.equal(countWeights(weights), common + 2 * 6 + pooling + more[injection], injection);
  }
});

test('a second call leaves no tensor behind', async () => {
  const inputs = {...pairs(), epsilon: noise()};
  for (const injection of INJECTIONS) {
    const model = small(injection);
    await leavesNoTensor(() => ({...model.terms(inputs)}));
    await leavesNoTensor(() => ({...sourceLoss(model, inputs)}));
    await leavesNoTensor(() =>
      tf.variableGrads(() => model.elbo(inputs).loss, Object.values(model.weights)),
    );
    const [start, first] = [model.decoder.start(noise()), tf.tensor1d([1, 1], 'int32')];
    await leavesNoTensor(() => {
      const {logits, state} = model.decoder.step(first, start);
      return [logits, {...state}] as tf.TensorContainer;
    });
    await leavesNoTensor(() => small(injection).dispose());
  }
});

test('what does not fit is refused by name', () => {
  const model = small('attention');
  const {x, y} = pairs();
  assert.throws(() => model.posterior(x, y.slice([0, 0], [1, 5])), /VaeEncoder.apply: y has shape/);
  assert.throws(() => model.negativeLogLikelihood(y, tf.ones([2, 4])), /VaeDecoder.apply: z has/);
  assert.throws(() => model.decoder.start(tf.ones([2, 4])), /VaeDecoder.start: z has shape/);
  assert.throws(() => model.prior(x.toFloat()), TypeError);
  assert.throws(() => small('attention', {heads: 4}), /expected a divisor of the width 6/);
  const source = new TransformerVae(CASES['source']!, new Random(1));
  const first = tf.tensor1d([1], 'int32');
  assert.throws(() => source.decoder.step(first, source.decoder.start(noise(1))), /source's mask/);
});
