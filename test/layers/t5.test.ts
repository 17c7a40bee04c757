import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {compile} from 'latent-lib/tensor/compile';
import {Random} from 'latent-lib/tensor/random';
import {biasedAttention, slideRows} from 'latent-lib/layers/biased-attention';
import {Linear} from 'latent-lib/layers/linear';
import {paddingMask} from 'latent-lib/layers/masks';
import {RelativePositions, relativeBucket} from 'latent-lib/layers/relative-positions';
import {RmsNorm} from 'latent-lib/layers/rms-norm';
import {T5Layer} from 'latent-lib/layers/t5';
import {T5Stack, type T5Cache} from 'latent-lib/layers/t5-stack';
import {assignWeights} from 'latent-lib/layers/weights';
import {close} from '../helpers/close';
import {checkGradient} from '../helpers/gradient';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity, type GoldenTensors} from '../helpers/parity';

before(ready);

const normals = <R extends tf.Rank>(name: string, shape: tf.ShapeMap[R]): tf.Tensor<R> =>
  new Random(71).stream(name).normals<R>(shape);

const sizes = {width: 8, heads: 2, headWidth: 3, hidden: 6, layers: 2, buckets: 8, furthest: 6};

const decoder = (options: {window?: {size: number}} = {}) =>
  new T5Stack({...sizes, ...options, isDecoder: true}, new Random(5));

test('RMS norm by hand: the mean square becomes 1, and the mean stays where it is', () => {
  const norm = new RmsNorm({width: 2, epsilon: 1e-9});
  const root = Math.sqrt(12.5); // of 3² and 4²
  close('row', norm.apply(tf.tensor2d([[3, 4]])), [[3 / root, 4 / root]], {atol: 1e-6});
  norm.scale.assign(tf.tensor1d([2, -1]));
  close('scaled', norm.apply(tf.tensor2d([[3, 4]])), [[6 / root, -4 / root]], {atol: 1e-6});
});

test('RMS norm does not see the length of a vector, and its gradient is right', () => {
  const norm = new RmsNorm({width: 5});
  norm.scale.assign(normals('scale', [5]));
  const x = normals<tf.Rank.R3>('x', [2, 3, 5]);
  close('ten times', norm.apply(x.mul<tf.Tensor3D>(10)), norm.apply(x), {atol: 1e-5});
  checkGradient(inputs => norm.apply(inputs.x as tf.Tensor2D), {x: normals('row', [2, 5])});
  const {grads} = tf.variableGrads(() => norm.apply(x).square().sum());
  const want = tf.tidy(() => norm.apply(x).square().sum([0, 1]).mul(2).div(norm.scale));
  close('d / d scale', grads[norm.scale.name]!, want, {atol: 1e-4});
});

test('rows slide: row i begins where its distance is the first', () => {
  const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [1, 1, 3, 4]);
  close('rows', slideRows(x).reshape([3, 2]), [[3, 4], [6, 7], [9, 10]], {atol: 0}); // prettier-ignore
  const one = tf.tensor4d([1, 2], [1, 1, 1, 2]);
  close('one row', slideRows(one), one, {atol: 0});
  checkGradient(inputs => slideRows(inputs.x as tf.Tensor4D), {x});
  assert.throws(() => slideRows(tf.zeros([1, 1, 3, 2])), /expected at least 3 columns/);
});

test('a bias is a matter of distance alone: the same along diagonals', () => {
  const positions = new RelativePositions(
    {heads: 2, buckets: 8, furthest: 6, isBidirectional: true, deviation: 1},
    new Random(2),
  );
  const bias = positions.apply(4, 5).arraySync()[0]!;
  const table = positions.table.arraySync();
  for (const [head, rows] of bias.entries()) {
    for (const [query, row] of rows.entries()) {
      for (const [key, value] of row.entries()) {
        // the last query stands at the last key
        const bucket = relativeBucket(key - (query + 1), positions.config);
        assert.equal(value, table[bucket]![head]);
      }
    }
  }
});

test('buckets: each near distance has one, far ones share, and later keys have the upper half', () => {
  const both = {buckets: 8, furthest: 8, isBidirectional: true};
  const ids = [-100, -8, -4, -3, -2, -1, 0, 1, 2, 3, 4, 8, 100];
  assert.deepEqual(
    ids.map(distance => relativeBucket(distance, both)),
    [3, 3, 3, 2, 2, 1, 0, 5, 6, 6, 7, 7, 7],
  );
  const past = {buckets: 8, furthest: 8, isBidirectional: false};
  assert.equal(relativeBucket(5, past), 0);
  assert.equal(relativeBucket(-3, past), 3);
});

test('without bias and mask it is softmax attention without a scale', () => {
  const [query, key, value] = ['q', 'k', 'v'].map(name => normals<tf.Rank.R4>(name, [1, 2, 3, 4]));
  const {output, weights} = biasedAttention({query: query!, key: key!, value: value!});
  const want = tf.softmax(tf.matMul(query!, key!, false, true));
  close('weights', weights, want, {atol: 1e-6});
  close('output', output, tf.matMul(want, value!), {atol: 1e-6});
  const bias = tf.tensor4d([0, 50, 0], [1, 1, 1, 3]);
  const biased = biasedAttention({query: query!, key: key!, value: value!, bias});
  close('all to one key', biased.weights.slice([0, 0, 0, 1], [1, 2, 3, 1]), tf.ones([1, 2, 3, 1]), {
    atol: 1e-6,
  });
});

test('no later token changes an earlier one, and the memory changes all', () => {
  const stack = decoder();
  const [x, memory] = [normals<tf.Rank.R3>('x', [1, 6, 8]), normals<tf.Rank.R3>('m', [1, 3, 8])];
  const later = x.add<tf.Tensor3D>(tf.oneHot([4], 6).reshape([1, 6, 1]));
  const [one, other] = [stack.apply(x, {memory}), stack.apply(later, {memory})];
  const moved = one.sub(other).abs().max(2).arraySync() as number[][];
  assert.ok(
    moved[0]!.slice(0, 4).every(value => value === 0),
    `${moved[0]!.join()}`,
  );
  assert.ok(
    moved[0]!.slice(4).every(value => value > 1e-4),
    `${moved[0]!.join()}`,
  );
  const shifted = stack.apply(x, {memory: memory.add<tf.Tensor3D>(1)});
  assert.ok((one.sub(shifted).abs().min().dataSync()[0] ?? 0) > 1e-7);
});

test('a memory that is hidden is not seen', () => {
  const stack = decoder();
  const x = normals<tf.Rank.R3>('x', [1, 4, 8]);
  const memory = normals<tf.Rank.R3>('m', [1, 3, 8]);
  const mask = paddingMask(tf.tensor2d([[5, 5, 0]], [1, 3], 'int32'), 0);
  const short = stack.apply(x, {memory: memory.slice([0, 0, 0], [1, 2, 8])});
  close('hidden', stack.apply(x, {memory, memoryMask: mask}), short, {atol: 1e-6});
});

test('token by token with caches is the full pass, in windows too', () => {
  for (const options of [{}, {window: {size: 3}}, {window: {size: 4, shift: 1}}]) {
    const stack = decoder(options);
    const [x, memory] = [normals<tf.Rank.R3>('x', [2, 7, 8]), normals<tf.Rank.R3>('m', [2, 3, 8])];
    const whole = stack.apply(x, {memory});
    const remembered = stack.remember(memory);
    let past: T5Cache = [];
    for (let position = 0; position < 7; position++) {
      const token = x.slice([0, position, 0], [2, 1, 8]);
      const made = stack.step(token, {memory: remembered, past});
      const want = whole.slice([0, position, 0], [2, 1, 8]);
      close(`${JSON.stringify(options)} at ${position}`, made.output, want, {atol: 1e-5});
      past = made.past;
    }
  }
});

test('layers that are computed again give the same value and gradients, eager and compiled', () => {
  const x = normals<tf.Rank.R3>('x', [2, 5, 8]);
  const memory = normals<tf.Rank.R3>('m', [2, 3, 8]);
  const slopes = (stack: T5Stack) => {
    const loss = () => stack.apply(x, {memory}).square().sum<tf.Scalar>();
    const {value, grads} = tf.variableGrads(loss, Object.values(stack.weights));
    const [ofX, ofMemory] = tf.grads((...args: tf.Tensor[]) =>
      stack
        .apply(args[0] as tf.Tensor3D, {memory: args[1] as tf.Tensor3D})
        .square()
        .sum(),
    )([x, memory]);
    const entries = Object.entries(stack.weights);
    const named = entries.map(([name, variable]) => [name, grads[variable.name]!] as const);
    return {value, ...Object.fromEntries(named), ofX: ofX!, ofMemory: ofMemory!};
  };
  const stack = decoder();
  for (const recomputeRate of [1, 2]) {
    const again = new T5Stack({...sizes, isDecoder: true, recomputeRate}, new Random(5));
    const compiled = compile(() => slopes(again));
    const [want, eager, graph] = [slopes(stack), slopes(again), compiled({})];
    for (const [name, value] of Object.entries<tf.Tensor>(want)) {
      close(`${name} eager`, (eager as Record<string, tf.Tensor>)[name]!, value, {atol: 1e-5});
      close(`${name} graph`, (graph as Record<string, tf.Tensor>)[name]!, value, {
        atol: 1e-5,
        rtol: 1e-5,
      });
    }
    compiled.dispose();
  }
});

test('what does not fit is refused by name', () => {
  const stack = decoder();
  const x = normals<tf.Rank.R3>('x', [1, 4, 8]);
  const memory = normals<tf.Rank.R3>('m', [1, 3, 8]);
  assert.throws(() => stack.apply(tf.zeros([1, 4, 7])), /T5Stack: x has shape \[1,4,7\]/);
  assert.throws(() => stack.apply(x), /a layer of a decoder needs a memory/);
  const encoder = new T5Layer({...sizes, isDecoder: false}, new Random(1));
  const to = stack.remember(memory)[0]!;
  assert.throws(() => encoder.apply(x, x, {to}), /a memory for a layer of an encoder/);
  assert.throws(() => decoder({window: {size: 0}}), /size is 0/);
  const random = new Random(1);
  assert.throws(
    () => new T5Stack({...sizes, isDecoder: true, layers: 0}, random),
    /layers is 0, expected a positive/,
  );
  assert.throws(
    () => new T5Stack({...sizes, isDecoder: true, recomputeRate: 0}, random),
    /recomputeRate is 0/,
  );
  assert.throws(() => new T5Layer({...sizes, isDecoder: true, heads: 0}, random), /0 heads of 3/);
  assert.throws(() => new Linear({inputs: 0, units: 2}, random), /Linear: inputs is 0/);
  assert.throws(() => new RmsNorm({width: 0}), /RmsNorm: width is 0/);
  assert.throws(() => new RmsNorm({width: 2, epsilon: 0}), /epsilon is 0/);
  const buckets = {heads: 1, deviation: 1, isBidirectional: true};
  assert.throws(() => new RelativePositions({...buckets, buckets: 2}, random), /2 buckets/);
  const one = {query: normals<tf.Rank.R4>('q', [1, 1, 2, 2])};
  const kv = {key: one.query, value: one.query};
  assert.throws(
    () => biasedAttention({...one, ...kv, bias: tf.zeros([1, 1, 3, 2])}),
    /bias has shape \[1,1,3,2\], expected one that broadcasts to \[1,1,2,2\]/,
  );
  const windowed = decoder({window: {size: 2}});
  assert.throws(
    () => windowed.apply(x, {memory, mask: tf.zeros([1, 1, 1, 4])}),
    /windows take no mask/,
  );
});

test('a second call leaves no tensor behind, and dispose leaves none at all', async () => {
  const stack = decoder({window: {size: 3}});
  const [x, memory] = [normals<tf.Rank.R3>('x', [1, 7, 8]), normals<tf.Rank.R3>('m', [1, 3, 8])];
  const token = x.slice<tf.Tensor3D>([0, 0, 0], [1, 1, 8]);
  await leavesNoTensor(() => {
    const remembered = stack.remember(memory);
    const first = stack.step(token, {memory: remembered, past: []});
    tf.dispose([remembered, first]);
    return stack.apply(x, {memory});
  });
  const {numTensors} = tf.memory();
  decoder().dispose();
  assert.equal(tf.memory().numTensors, numTensors);
});

function compare(name: 'encoder' | 'decoder', golden: GoldenTensors): void {
  const {input, expected, setting, weights} = golden;
  const config = {
    width: setting('width'),
    heads: setting('heads'),
    headWidth: setting('headWidth'),
    hidden: setting('hidden'),
    buckets: setting('buckets'),
    furthest: setting('furthest'),
    layers: 2,
    isDecoder: name === 'decoder',
  };
  const stack = new T5Stack(config, new Random(1));
  const own = Object.entries(weights()).filter(([key]) => key.startsWith(name));
  assignWeights(
    stack.weights,
    Object.fromEntries(own.map(([key, value]) => [key.slice(name.length + 1), value])),
  );
  const [x, memory] = [input<tf.Tensor3D>('x'), input<tf.Tensor3D>('memory')];
  const mask = input('hidden').cast('float32').reshape<tf.Tensor4D>([2, 1, 1, 9]);
  const apply = (x: tf.Tensor3D, memory: tf.Tensor3D): tf.Tensor3D =>
    stack.apply(x, name === 'decoder' ? {memory} : {mask});
  const output = apply(x, memory);
  close('output', output, expected(`${name} output`), {atol: 1e-5, rtol: 1e-5});
  const weigh = tf
    .range(1, output.size + 1)
    .sin()
    .mul(0.5)
    .add(1)
    .reshape(output.shape);
  const loss = (x: tf.Tensor3D, memory: tf.Tensor3D): tf.Scalar =>
    apply(x, memory).mul(weigh).sum();
  const [dX, dMemory] = tf.grads((...args: tf.Tensor[]) => {
    const [x, memory] = args as [tf.Tensor3D, tf.Tensor3D];
    return loss(x, memory).add(memory.sum().mul(0));
  })([x, memory]);
  const within = {atol: 1e-4, rtol: 1e-5};
  close('d / d x', dX!, expected(`${name} d / d x`), within);
  if (name === 'decoder') close('d / d memory', dMemory!, expected('decoder d / d memory'), within);
  const {grads} = tf.variableGrads(() => loss(x, memory), Object.values(stack.weights));
  for (const [weight, variable] of Object.entries(stack.weights)) {
    close(`d / d ${weight}`, grads[variable.name]!, expected(`${name} d / d ${weight}`), within);
  }
}

parity('T5 encoder', loadGolden('t5'), golden => compare('encoder', golden));
parity('T5 decoder', loadGolden('t5'), golden => compare('decoder', golden));

parity('T5 buckets', loadGolden('t5'), ({expected}) => {
  for (const [buckets, furthest] of [
    [32, 128],
    [8, 12],
    [6, 20],
    [16, 100],
  ] as const) {
    // prettier-ignore
    for (const [kind, isBidirectional] of [['both', true], ['past', false]] as const) { // prettier-ignore
      const want = expected(`buckets ${buckets} ${furthest} ${kind}`);
      const ids = Array.from({length: 601}, (_, index) =>
        relativeBucket(index - 300, {buckets, furthest, isBidirectional}),
      );
      assert.deepEqual(ids, Array.from(want.dataSync()), `${buckets} ${furthest} ${kind}`);
    }
  }
});
