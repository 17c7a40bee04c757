import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {assignWeights, countWeights} from 'latent-lib/layers/weights';
import {greedy, sampling} from 'latent-lib/models/decoding';
import {MmdTransformer, type MmdTransformerConfig} from 'latent-lib/models/mmd-transformer';
import {
  accuracy,
  mmdTransformerLoss,
  reconstruction,
  seedLoss,
  type MmdObjective,
} from 'latent-lib/models/mmd-transformer-loss';
import {klToStandardNormal} from 'latent-lib/probability/gaussian';
import {imqKernel} from 'latent-lib/probability/kernels';
import {adam} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity, type GoldenTensors} from '../helpers/parity';

before(ready);

const config: MmdTransformerConfig = {
  vocabulary: 9,
  steps: 12,
  width: 8,
  heads: 2,
  hidden: 12,
  blocks: [1, 1, 1],
  layers: 2,
  latentTokens: 2,
  latents: 3,
};

const made = (options: Partial<MmdTransformerConfig> = {}) =>
  new MmdTransformer({...config, ...options}, new Random(8));

/** Three sequences, of 12, 8 and 5 tokens. */
function sequences(): tf.Tensor2D {
  const random = new Random(9).stream('ids');
  const row = (length: number): number[] =>
    Array.from({length: 12}, (_, at) => (at < length ? 1 + random.integer(8) : 0));
  return tf.tensor2d([row(12), row(8), row(5)], [3, 12], 'int32');
}

const normals = (name: string): tf.Tensor3D => new Random(9).stream(name).normals([3, 2, 3]);
const read = (tensor: tf.Tensor): number => tensor.dataSync()[0] ?? NaN;

test('sizes: n tokens of L numbers, a memory of T or of n tokens, logits of V', () => {
  const model = made();
  const {mean, logVar} = model.encode(sequences());
  assert.deepEqual(mean.shape, [3, 2, 3]);
  assert.equal(logVar, undefined);
  // the first token once, the other four times, three rows of zeros
  assert.deepEqual(model.memory(mean).shape, [3, 8, 8]);
  assert.deepEqual(made({upsamples: false}).memory(mean).shape, [3, 2, 8]);
  assert.deepEqual(made({separateFirst: false}).memory(mean).shape, [3, 8, 8]);
  assert.deepEqual(model.decode(mean, sequences()).shape, [3, 12, 9]);
  assert.ok(Object.keys(model.weights).length > 50 && countWeights(model.weights) > 1000);
});

test('a tanh code lies inside −1 … 1, a linear one need not, a Gaussian one has a variance', () => {
  const ids = sequences();
  const stretched = (options: Partial<MmdTransformerConfig>) => {
    const model = made(options);
    for (const [name, variable] of Object.entries(model.weights)) {
      if (name === 'toMean.kernel') variable.assign(variable.mul(20));
    }
    return read(model.encode(ids).mean.abs().max());
  };
  assert.ok(stretched({code: 'tanh'}) <= 1);
  assert.ok(stretched({code: 'linear'}) > 2);
  const model = made({code: 'gaussian'});
  const q = model.encode(ids);
  assert.deepEqual(q.logVar!.shape, [3, 2, 3]);
  close('without noise', model.sample(q), q.mean, {atol: 0});
  const z = model.sample(q, tf.ones([3, 2, 3]));
  close('one deviation', z, q.mean.add(q.logVar!.mul(0.5).exp()), {atol: 1e-5});
});

test('padding changes no code, and no likelihood', () => {
  const model = made({separateFirst: false});
  const ids = sequences().slice([1, 0], [1, 12]); // eight tokens
  const short = ids.slice([0, 0], [1, 8]);
  const whole = model.encode(ids).mean;
  // the first pooled token holds tokens 0 to 3 in both
  const first = (codes: tf.Tensor3D): tf.Tensor => codes.slice([0, 0, 0], [1, 1, 3]);
  close('code', first(model.encode(short).mean), first(whole), {atol: 1e-5});
  const nats = reconstruction(model, whole, ids);
  close('nats', reconstruction(model, whole, short), nats, {atol: 1e-4});
});

test('the code decides on every token, and a later token on none before it', () => {
  const model = made();
  const ids = sequences();
  const {mean} = model.encode(ids);
  const logits = model.decode(mean, ids);
  const moved = model.decode(mean.add(0.5), ids).sub(logits).abs().max(2);
  assert.ok(read(moved.min()) > 1e-5);
  const other = tf.tidy(() => ids.sub(tf.oneHot([11], 12, 1, 0).mul(ids)).add(0)).toInt();
  close('before', model.decode(mean, other as tf.Tensor2D), logits, {atol: 1e-6});
});

test('an untrained model pays about log V a token', () => {
  const model = made({vocabulary: 40, width: 32});
  const nats = reconstruction(model, normals('z'), sequences());
  const perToken = nats.div([12, 8, 5]).arraySync() as number[];
  for (const value of perToken) assert.ok(value > 2 && value < 8, `${value}`);
});

test('greedy writing with caches is what reading all tokens anew gives, in windows too', () => {
  for (const options of [{}, {window: {size: 5}}, {upsamples: false}]) {
    const model = made(options);
    const z = normals('z').mul<tf.Tensor3D>(2);
    const written = model.generate(z, {end: -1});
    assert.ok(written.every(({length}) => length === 12));
    const ids = tf.tensor2d(written, [3, 12], 'int32');
    assert.deepEqual(model.decode(z, ids).argMax(2).arraySync(), written, JSON.stringify(options));
  }
});

test('writing stops at the end, and can draw', () => {
  const model = made();
  const z = normals('z').mul<tf.Tensor3D>(2);
  const written = model.generate(z, {end: -1});
  const end = written[0]![3]!;
  const stopped = model.generate(z, {end});
  assert.equal(stopped[0]!.at(-1), end);
  assert.equal(stopped[0]!.length, written[0]!.indexOf(end) + 1);
  const choice = sampling({temperature: 3});
  const draw = (seed: number) => model.generate(z, {choice, random: new Random(seed), end: -1});
  assert.deepEqual(draw(1), draw(1));
  assert.notDeepEqual(draw(1), draw(2));
  assert.deepEqual(model.generate(z, {choice: greedy(), end: -1, length: 4}).map(row => row.length), [
    4, 4, 4,
  ]); // prettier-ignore
  choice.dispose();
});

test('each objective adds what it says, in nats a sequence', () => {
  const model = made({code: 'gaussian'});
  const inputs = {ids: sequences(), prior: normals('prior'), epsilon: normals('epsilon')};
  const loss = (objective: MmdObjective, weight?: number) =>
    mmdTransformerLoss(
      model,
      weight === undefined ? inputs : {...inputs, weight: tf.scalar(weight)},
      objective,
    );
  const {reconstruction: nats, kl, mmd, loss: plain} = loss({regulariser: 'none'});
  close('none', plain, nats.mean(), {atol: 1e-4});
  const q = model.encode(inputs.ids);
  const flat = (x: tf.Tensor3D): tf.Tensor2D => x.reshape([3, 6]);
  const exact = klToStandardNormal({mean: flat(q.mean), logVar: flat(q.logVar!)});
  close('kl', kl, exact, {atol: 1e-5});
  close('elbo', loss({regulariser: 'kl'}).loss, nats.add(kl).mean(), {atol: 1e-4});
  const half = loss({regulariser: 'mmd', scale: 20}, 0.5);
  close('mmd', half.loss, nats.mean().add(mmd.mul(10)), {atol: 1e-4});
  const mixed = loss({regulariser: 'infoVae', alpha: 0.25, lambda: 5});
  const want = nats.add(kl.mul(0.75)).mean().add(mmd.mul(4.25));
  close('infoVae', mixed.loss, want, {atol: 1e-4});
  const ofCodes = loss({regulariser: 'mmd', sampleOf: 'code', kernel: width => imqKernel(width)});
  assert.notEqual(read(ofCodes.mmd), read(mmd));
});

test('the seed’s loss is a mean over tokens, its regulariser MMD / B · n', () => {
  const model = made();
  const inputs = {ids: sequences(), prior: normals('prior'), weight: tf.scalar(0.3)};
  const terms = seedLoss(model, inputs);
  const nats = reconstruction(model, model.encode(inputs.ids).mean, inputs.ids).sum();
  close('a token', terms.crossEntropy, nats.div(25), {atol: 1e-5});
  close('regulariser', terms.regulariser, terms.mmd.div(3).mul(2), {atol: 1e-7});
  close('loss', terms.loss, terms.crossEntropy.add(terms.regulariser.mul(0.3)), {atol: 1e-6});
});

test('accuracy counts tokens that are no padding', () => {
  const model = made();
  const ids = sequences();
  const {mean} = model.encode(ids);
  const best = model.decode(mean, ids).argMax(2).arraySync() as number[][];
  const wanted = ids.arraySync();
  const share = wanted.map((row, which) => {
    const counted = row.filter(id => id !== 0).length;
    return row.filter((id, at) => id !== 0 && best[which]![at] === id).length / counted;
  });
  const {token, sequence} = accuracy(model, mean, ids);
  close('token', token, share, {atol: 1e-6});
  close(
    'sequence',
    sequence,
    share.map(value => Number(value === 1)),
    {atol: 0},
  );
  // a row that is all padding but a token the model would write itself is right
  const z = mean.slice<tf.Tensor3D>([0, 0, 0], [1, 2, 3]);
  const own = tf.tensor2d([model.generate(z, {end: -1})[0]!], [1, 12], 'int32');
  const hasPad = own.arraySync().flat().includes(0);
  if (!hasPad) close('own words', accuracy(model, z, own).sequence, [1], {atol: 0});
});

test('it learns, compiled and with everything computed again, and compiled is eager', () => {
  const inputs = {ids: sequences(), prior: normals('prior'), weight: tf.scalar(1)};
  const train = (options: Partial<MmdTransformerConfig>, compiled: boolean, steps: number) => {
    const model = made(options);
    const step = trainingStep({
      weights: model.weights,
      optimizer: adam({learningRate: 3e-3}),
      loss: (given: typeof inputs) => ({...mmdTransformerLoss(model, given, {regulariser: 'mmd', scale: 10})}),
      compiled,
    }); // prettier-ignore
    const losses = Array.from({length: steps}, () => step.run(inputs)['loss'] ?? NaN);
    step.dispose();
    model.dispose();
    return losses;
  };
  const plain = train({}, true, 60);
  assert.ok(plain.at(-1)! < 0.7 * plain[0]!, `${plain[0]} → ${plain.at(-1)}`);
  close('eager', train({}, false, 3), plain.slice(0, 3), {atol: 1e-3});
  const again = train({recomputeRate: 1, recomputesEncoder: true}, true, 3);
  close('computed again', again, plain.slice(0, 3), {atol: 1e-3});
  const eagerly = train({recomputeRate: 1, recomputesEncoder: true}, false, 3);
  close('computed again, eager', eagerly, plain.slice(0, 3), {atol: 1e-3});
});

test('latent tokens are normalised, pass T5’s feed-forward part, or stay as they are', () => {
  const z = normals('z');
  const long = (model: MmdTransformer, of: tf.Tensor3D): number =>
    read(model.memory(of).norm(2, 2).mean());
  const [layer, t5, none] = (['layer', 't5', 'none'] as const).map(latentNorm =>
    made({latentNorm, upsamples: false}),
  );
  close('layer', long(layer!, z.mul(5)), long(layer!, z), {atol: 0.05}); // lengths do not
  assert.ok(long(none!, z.mul(5)) > 3 * long(none!, z)); // lengths reach the decoder
  assert.ok(long(t5!, z.mul(5)) > 2 * long(t5!, z));
  const names = (model: MmdTransformer): string[] =>
    Object.keys(model.weights).filter(name => name.startsWith('latentNorm'));
  assert.deepEqual(names(made()), ['latentNorm.scale', 'latentNorm.bias']);
  assert.deepEqual(names(none!), []);
  const ofT5 = ['norm.scale', 'wide.kernel', 'narrow.kernel'];
  assert.deepEqual(
    names(t5!),
    ofT5.map(name => `latentNorm.${name}`),
  );
  const {numTensors} = tf.memory();
  for (const latentNorm of ['t5', 'none'] as const) made({latentNorm}).dispose();
  assert.equal(tf.memory().numTensors, numTensors);
});

test('the same seed gives the same model', () => {
  const [one, other] = [made(), made()];
  close('code', one.encode(sequences()).mean, other.encode(sequences()).mean, {atol: 0});
});

test('what does not fit is refused by name', () => {
  assert.throws(() => made({latentTokens: 4}), /4 latent tokens, but of 12 steps 3 leave/);
  assert.throws(() => made({latents: 0}), /latents is 0/);
  const model = made();
  const ids = sequences();
  assert.throws(() => model.encode(tf.ones([1, 1], 'int32')), /fewer than 2 leave the funnel/);
  assert.throws(
    () => model.memory(tf.zeros([1, 3, 3])),
    /z has shape \[1,3,3\], expected \[B,2,3\]/,
  );
  assert.throws(() => model.decode(normals('z'), tf.ones([2, 12], 'int32')), /ids has shape/);
  const inputs = {ids, prior: normals('prior')};
  assert.throws(() => mmdTransformerLoss(model, inputs, {regulariser: 'kl'}), /'kl' needs a Gauss/);
  const gaussian = made({code: 'gaussian'});
  assert.throws(
    () => mmdTransformerLoss(gaussian, inputs, {regulariser: 'infoVae', alpha: 0}),
    /needs alpha and lambda/,
  );
  assert.throws(() => gaussian.sample(gaussian.encode(ids), tf.zeros([3, 2, 2])), /epsilon has/);
});

test('a second call leaves no tensor behind, and dispose leaves none at all', async () => {
  const model = made({code: 'gaussian'});
  const inputs = {ids: sequences(), prior: normals('prior'), epsilon: normals('epsilon')};
  await leavesNoTensor(() => {
    model.generate(inputs.prior, {length: 3});
    return [
      {...model.encode(inputs.ids)},
      {...mmdTransformerLoss(model, inputs, {regulariser: 'kl'})},
      {...seedLoss(model, inputs)},
      accuracy(model, inputs.prior, inputs.ids),
    ];
  });
  const {numTensors} = tf.memory();
  made({code: 'gaussian'}).dispose();
  assert.equal(tf.memory().numTensors, numTensors);
});

function compare(name: string, upsamples: boolean, golden: GoldenTensors): void {
  const {input, expected, setting, weights} = golden;
  const model = new MmdTransformer(
    {
      vocabulary: setting('vocabulary'),
      steps: setting('steps'),
      width: setting('width'),
      heads: setting('heads'),
      headWidth: setting('headWidth'),
      hidden: setting('hidden'),
      layers: setting('layers'),
      buckets: setting('buckets'),
      furthest: setting('furthest'),
      latentTokens: setting('latentTokens'),
      latents: setting('latents'),
      blocks: [1, 1, 1],
      upsamples,
    },
    new Random(1),
  );
  assignWeights(model.weights, weights());
  const want = (what: string): tf.Tensor => expected(`${name} ${what}`);
  const inputs = {
    ids: input<tf.Tensor2D>('ids'),
    prior: input<tf.Tensor3D>('prior'),
    weight: tf.scalar(setting('weight')),
  };
  const within = {atol: 2e-5, rtol: 2e-5};
  const z = model.encode(inputs.ids).mean;
  close('z', z, want('z'), within);
  close('memory', model.memory(z), want('memory'), within);
  close('logits', model.decode(z, inputs.ids), want('logits'), within);
  assert.deepEqual(model.generate(z, {end: -1}), want('greedy').arraySync());
  const losses = {
    seed: () => seedLoss(model, inputs),
    nats: () => {
      const objective = {regulariser: 'mmd', scale: setting('scale')} as const;
      return mmdTransformerLoss(model, inputs, objective);
    },
  };
  const seed = losses.seed();
  close('cross-entropy', seed.crossEntropy, want('crossEntropy'), within);
  close('seed mmd', seed.mmd, want('seed mmd'), {atol: 1e-7, rtol: 1e-4});
  close('regulariser', seed.regulariser, want('regulariser'), {atol: 1e-7, rtol: 1e-4});
  close('seed loss', seed.loss, want('seed loss'), within);
  const nats = losses.nats();
  close('reconstruction', nats.reconstruction, want('reconstruction'), within);
  close('mmd', nats.mmd, want('mmd'), within);
  close('loss', nats.loss, want('loss'), within);
  const kind = upsamples ? 'seed' : 'nats';
  const {grads} = tf.variableGrads(() => losses[kind]().loss, Object.values(model.weights));
  for (const [weight, variable] of Object.entries(model.weights)) {
    const gradient = want(`${kind} d / d ${weight}`);
    close(`d / d ${weight}`, grads[variable.name]!, gradient, {atol: 1e-4, rtol: 1e-4});
  }
}

parity('MMD transformer, upsampled', loadGolden('mmd-transformer'), golden =>
  compare('upsampled', true, golden),
);
parity('MMD transformer, as it is', loadGolden('mmd-transformer'), golden =>
  compare('as it is', false, golden),
);

parity('latent norms', loadGolden('latent-norm'), ({input, expected, setting, weights}) => {
  const sizes = {width: setting('width'), hidden: setting('hidden'), latents: setting('latents')};
  const tokens = {latentTokens: setting('latentTokens'), steps: 16, upsamples: false};
  const z = input<tf.Tensor3D>('z');
  const of = (latentNorm: 't5' | 'none') => {
    const model = made({...sizes, ...tokens, latentNorm});
    const golden = weights();
    const named = Object.entries(model.weights).filter(([name]) => golden[name] !== undefined);
    for (const [name, variable] of named) variable.assign(golden[name]!);
    return {model, named};
  };
  const within = {atol: 1e-5, rtol: 1e-5};
  close('no_norm', of('none').model.memory(z), expected('plain memory'), within);
  const {model, named} = of('t5');
  assert.equal(named.length, 5);
  close('t5_norm', model.memory(z), expected('memory'), within);
  const weighed = (z: tf.Tensor3D): tf.Scalar => {
    const memory = model.memory(z);
    const unequal = tf
      .range(1, memory.size + 1)
      .sin()
      .mul(0.5)
      .add(1);
    const each = unequal.reshape(memory.shape);
    return memory.mul(each).sum();
  };
  close('d / d z', tf.grad(of => weighed(of as tf.Tensor3D))(z), expected('d / d z'), within);
  const {grads} = tf.variableGrads(
    () => weighed(z),
    named.map(([, variable]) => variable),
  );
  for (const [name, variable] of named) {
    close(`d / d ${name}`, grads[variable.name]!, expected(`d / d ${name}`), within);
  }
});
