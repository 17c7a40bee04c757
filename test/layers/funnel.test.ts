import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {
  FunnelEncoder,
  pool,
  pooledLength,
  upsample,
  type PoolingConfig,
} from 'latent-lib/layers/funnel';
import {assignWeights} from 'latent-lib/layers/weights';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity} from '../helpers/parity';

before(ready);

const sizes = {width: 8, heads: 2, hidden: 6, blocks: [1, 1, 1]};
const encoder = (options: PoolingConfig = {}) =>
  new FunnelEncoder({...sizes, ...options}, new Random(3));
const states = (steps: number, batch = 1): tf.Tensor3D =>
  new Random(4).stream(`x ${steps}`).normals([batch, steps, 8]);
const column = (values: number[]): tf.Tensor3D => tf.tensor3d(values, [1, values.length, 1]);

test('pooling takes means of two; a last one alone stays, and so does a separate first', () => {
  const pairs = {separateFirst: false};
  close('even', pool(column([1, 3, 5, 9]), pairs).flatten(), [2, 7], {atol: 0});
  close('odd', pool(column([1, 3, 5]), pairs).flatten(), [2, 5], {atol: 0});
  close('first', pool(column([9, 1, 3, 5])).flatten(), [9, 2], {atol: 0}); // 5 is left out
  const kept = {separateFirst: true, truncate: false};
  close('kept', pool(column([9, 1, 3, 5]), kept).flatten(), [9, 2, 5], {atol: 0});
});

test('the length that leaves is the length announced', () => {
  for (const options of [{}, {separateFirst: false}, {truncate: false}]) {
    for (const steps of [2, 3, 7, 8, 13]) {
      const [, length] = encoder(options).apply(states(steps)).shape;
      assert.equal(length, pooledLength(steps, 2, options), `${steps} ${JSON.stringify(options)}`);
    }
  }
  assert.equal(pooledLength(840, 2), 210);
  assert.equal(pooledLength(99, 2), 25);
});

test('hidden tokens do not matter', () => {
  const x = states(8);
  const mask = tf.tensor4d([0, 0, 0, 0, 0, 1, 1, 1], [1, 1, 1, 8]);
  const other = x.add<tf.Tensor3D>(mask.reshape([1, 8, 1]).mul(3));
  const model = encoder({separateFirst: false});
  const [one, two] = [model.apply(x, mask), model.apply(other, mask)];
  // the first pooled token of two blocks holds tokens 0 to 3
  close('first', one.slice([0, 0, 0], [1, 1, 8]), two.slice([0, 0, 0], [1, 1, 8]), {atol: 1e-5});
  assert.ok((model.apply(x).sub(one).abs().max().dataSync()[0] ?? 0) > 1e-3);
});

test('order matters: positions are seen, between tokens that are no summary', () => {
  const x = states(6);
  const reversed = tf.reverse(x, 1);
  const model = new FunnelEncoder({...sizes, blocks: [1], separateFirst: false}, new Random(3));
  const difference = tf.reverse(model.apply(reversed), 1).sub(model.apply(x)).abs().max();
  assert.ok((difference.dataSync()[0] ?? 0) > 1e-3);
});

test('gradients reach every token, through every pooling', () => {
  const x = states(9);
  const gradient = tf.grad(x =>
    encoder()
      .apply(x as tf.Tensor3D)
      .pow(3)
      .sum(),
  )(x);
  const perToken = gradient.abs().sum(2).arraySync() as number[][];
  assert.ok(
    perToken[0]!.every(value => value > 1e-3),
    `${perToken[0]!.join()}`,
  );
});

test('upsampling repeats all but the first, and fills what was truncated with zeros', () => {
  const x = column([1, 2, 3]);
  const default_ = upsample(x, {times: 2, steps: 9});
  close('default', default_.flatten(), [1, 2, 2, 3, 3, 0], {atol: 0});
  const whole = upsample(x, {times: 2, steps: 5, separateFirst: false});
  close('whole', whole.flatten(), [1, 1, 2, 2, 3], {atol: 0});
  close('once', upsample(x, {times: 1, steps: 9}), x, {atol: 0});
});

test('what does not fit is refused by name', () => {
  const random = new Random(1);
  assert.throws(() => encoder().apply(tf.zeros([1, 4, 6])), /x has shape \[1,4,6\]/);
  assert.throws(() => encoder().apply(states(4), tf.zeros([1, 1, 1, 5])), /mask has shape/);
  assert.throws(() => new FunnelEncoder({...sizes, blocks: []}, random), /blocks is \[\]/);
  assert.throws(() => new FunnelEncoder({...sizes, blocks: [1, 0]}, random), /blocks is \[1,0\]/);
  assert.throws(() => new FunnelEncoder({...sizes, width: 9, headWidth: 2}, random), /width is 9/);
  assert.throws(() => new FunnelEncoder({...sizes, heads: 3}, random), /3 heads of 2\.66/);
});

test('a second call leaves no tensor behind, and dispose leaves none at all', async () => {
  const model = encoder();
  const x = states(7);
  await leavesNoTensor(() => [model.apply(x), pool(x), upsample(x, {times: 4, steps: 40})]);
  const {numTensors} = tf.memory();
  encoder().dispose();
  assert.equal(tf.memory().numTensors, numTensors);
});

const OPTIONS: Readonly<Record<string, PoolingConfig & {poolsQueriesOnly?: boolean}>> = {
  default: {},
  whole: {separateFirst: false},
  kept: {truncate: false},
  'pooled keys': {poolsQueriesOnly: false},
};

parity('funnel encoder', loadGolden('funnel'), ({input, expected, setting, weights}) => {
  const own = {
    width: setting('width'),
    heads: setting('heads'),
    headWidth: setting('headWidth'),
    hidden: setting('hidden'),
    blocks: [1, 2, 1],
  };
  const mask = input('hidden').cast('float32').reshape<tf.Tensor4D>([2, 1, 1, 12]);
  for (const [name, options] of Object.entries(OPTIONS)) {
    const model = new FunnelEncoder({...own, ...options}, new Random(1));
    assignWeights(model.weights, weights());
    for (const length of ['even', 'odd', 'short']) {
      const x = input<tf.Tensor3D>(length);
      const output = model.apply(x, length === 'even' ? mask : undefined);
      const want = expected(`${name} ${length}`);
      close(`${name} ${length}`, output, want, {atol: 2e-5, rtol: 1e-5});
    }
    if (name !== 'default' && name !== 'whole') continue;
    const x = input<tf.Tensor3D>('even');
    const {size, shape} = expected(`${name} even`);
    const weigh = tf
      .range(1, size + 1)
      .sin()
      .mul(0.5)
      .add(1)
      .reshape(shape);
    const loss = (x: tf.Tensor): tf.Scalar =>
      model
        .apply(x as tf.Tensor3D, mask)
        .mul(weigh)
        .sum();
    const within = {atol: 1e-4, rtol: 1e-4};
    close(`${name} d / d x`, tf.grad(loss)(x), expected(`${name} d / d x`), within);
    const {grads} = tf.variableGrads(() => loss(x), Object.values(model.weights));
    for (const [weight, variable] of Object.entries(model.weights)) {
      const want = expected(`${name} d / d ${weight}`);
      close(`${name} d / d ${weight}`, grads[variable.name]!, want, within);
    }
  }
  for (const length of [17, 20, 40]) {
    for (const name of ['default', 'whole', 'kept']) {
      const got = upsample(input('codes'), {...OPTIONS[name], times: 4, steps: length});
      close(`upsample ${name} ${length}`, got, expected(`upsample ${name} ${length}`), {atol: 0});
    }
  }
});
