import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {
  joinKeysAndValues,
  MultiHeadAttention,
  scaledDotProductAttention,
} from 'latent-lib/layers/attention';
import {causalMask, eitherMask, paddingMask} from 'latent-lib/layers/masks';
import {countWeights} from 'latent-lib/layers/weights';
import {Random} from 'latent-lib/tensor/random';
import {ShapeError} from 'latent-lib/tensor/shapes';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {checkGradient} from '../helpers/gradient';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const heads = (values: number[][]): tf.Tensor4D =>
  tf.tensor2d(values).reshape([1, 1, values.length, -1]);

test('two keys by hand: the softmax of the products over √Dh weighs the values', () => {
  const query = heads([[2, 0, 0, 0]]);
  const key = heads([
    [1, 0, 0, 0],
    [0, 1, 0, 0],
  ]);
  const value = heads([[10], [20]]);
  const {output, weights} = scaledDotProductAttention({query, key, value});
  const first = Math.E / (Math.E + 1); // scores 2/√4 and 0
  close('weights', weights, [[[[first, 1 - first]]]], {atol: 1e-6});
  close('output', output, [[[[10 * first + 20 * (1 - first)]]]], {atol: 1e-5});
  const plain = scaledDotProductAttention({query, key, value, scale: 0});
  close('scale 0', plain.weights, [[[[0.5, 0.5]]]], {atol: 1e-6});
});

test('a hidden key gets weight zero and no gradient, nor does its value', () => {
  const random = new Random(1);
  const [query, key, value] = ['q', 'k', 'v'].map(name =>
    random.stream(name).normals<tf.Rank.R4>([2, 2, 3, 4]),
  ) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const mask = tf.tensor4d([0, 0, 1, 0, 1, 1], [2, 1, 1, 3]);
  const {weights} = scaledDotProductAttention({query, key, value, mask});
  close('weights hidden', weights.mul(mask), tf.zeros([2, 2, 3, 3]), {atol: 0});
  close('sums', weights.sum(-1), tf.ones([2, 2, 3]), {atol: 1e-6});
  const loss = (key: tf.Tensor, value: tf.Tensor) =>
    scaledDotProductAttention({query, key: key as tf.Tensor4D, value: value as tf.Tensor4D, mask})
      .output.square()
      .sum<tf.Scalar>();
  const hidden = mask.reshape([2, 1, 3, 1]);
  for (const gradient of tf.grads(loss)([key, value])) {
    close('gradient', gradient.mul(hidden), tf.zeros(gradient.shape), {atol: 0});
    assert.ok(gradient.abs().max().dataSync()[0]! > 0.01);
  }
});

test('a row that hides every key weighs all alike', () => {
  const key = heads([[1], [5]]);
  const mask = tf.ones<tf.Rank.R4>([1, 1, 1, 2]);
  const {weights} = scaledDotProductAttention({query: heads([[1]]), key, value: key, mask});
  close('weights', weights, [[[[0.5, 0.5]]]], {atol: 1e-6});
});

test('gradients are those of finite differences', () => {
  const random = new Random(2);
  const shape: [number, number, number, number] = [1, 2, 3, 2];
  const inputs = {
    query: random.stream('q').normals<tf.Rank.R4>(shape),
    key: random.stream('k').normals<tf.Rank.R4>(shape),
    value: random.stream('v').normals<tf.Rank.R4>(shape),
  };
  const mask = causalMask(3);
  checkGradient(given => {
    const four = given as typeof inputs;
    return scaledDotProductAttention({...four, mask}).output;
  }, inputs);
});

const [B, T, D, H] = [2, 4, 6, 2] as const;

function layer(seed = 3): MultiHeadAttention {
  return new MultiHeadAttention({width: D, heads: H}, new Random(seed));
}

const states = (name: string, steps: number = T, width: number = D): tf.Tensor3D =>
  new Random(5).stream(name).normals([B, steps, width]);

test('each head is attention over its own columns of the projections', () => {
  const attention = layer();
  const x = states('x');
  const {output, weights} = attention.apply({query: x, key: x, value: x});
  const [query, key, value] = (['query', 'key', 'value'] as const).map(name =>
    tf.split(attention[name].apply(x), H, 2),
  ) as [tf.Tensor3D[], tf.Tensor3D[], tf.Tensor3D[]];
  const outputs = query.map((ofHead, head) => {
    const scores = tf.matMul(ofHead, key[head]!, false, true).div(Math.sqrt(D / H));
    const ofKeys = tf.softmax(scores);
    close(`weights of head ${head}`, tf.unstack(weights, 1)[head]!, ofKeys, {atol: 1e-6});
    return tf.matMul(ofKeys, value[head]!);
  });
  const joined = tf.concat(outputs, 2) as tf.Tensor3D;
  close('output', output, attention.output.apply(joined), {atol: 1e-6});
});

test('keys and values may have widths of their own, and queries another length', () => {
  const config = {width: D, heads: H, keyWidth: 3, valueWidth: 5};
  const attention = new MultiHeadAttention(config, new Random(4));
  const inputs = {query: states('q', 2), key: states('k', T, 3), value: states('v', T, 5)};
  const {output, weights} = attention.apply(inputs);
  assert.deepEqual(output.shape, [B, 2, D]);
  assert.deepEqual(weights.shape, [B, H, 2, T]);
  assert.deepEqual(attention.key.kernel.shape, [3, D]);
  assert.deepEqual(attention.value.kernel.shape, [5, D]);
  assert.equal(countWeights(attention.weights), (6 + 3 + 5 + 6) * 6 + 4 * 6);
});

test('self-attention gives what attention to a copy gives, gradients too', () => {
  const attention = layer();
  const x = states('x');
  const mask = causalMask(T);
  const variables = Object.values(attention.weights);
  const weighing = states('weighing');
  const found = [x, x.clone()].map(copy => {
    const loss = (at: tf.Tensor) => {
      const query = at as tf.Tensor3D;
      const key = copy === x ? query : query.clone();
      return attention.apply({query, key, value: key, mask}).output.mul(weighing).sum<tf.Scalar>();
    };
    const {grads} = tf.variableGrads(() => loss(x), variables);
    const all: Record<string, tf.Tensor> = {...grads, x: tf.grad(loss)(x)};
    return all;
  });
  const [alone, copied] = [found[0]!, found[1]!];
  for (const [name, gradient] of Object.entries(alone)) {
    close(name, gradient, copied[name]!, {atol: 1e-5});
  }
});

test('without positions, permuted tokens give permuted outputs', () => {
  const attention = layer();
  const x = states('x');
  const order = tf.tensor1d([2, 0, 3, 1], 'int32');
  const permuted = tf.gather(x, order, 1);
  const direct = attention.apply({query: permuted, key: permuted, value: permuted}).output;
  const {output} = attention.apply({query: x, key: x, value: x});
  close('output', direct, tf.gather(output, order, 1), {atol: 1e-6});
});

test('cached keys and values give what the whole sequence gives', () => {
  const attention = layer();
  const x = states('x');
  const whole = attention.apply({query: x, key: x, value: x, mask: causalMask(T)});
  let past = attention.project({key: x.slice([0, 0], [B, 1]), value: x.slice([0, 0], [B, 1])});
  for (let step = 1; step < T; step++) {
    const query = x.slice([0, step], [B, 1]);
    past = joinKeysAndValues(past, attention.project({key: query, value: query}));
    const {output, weights} = attention.attend({query, to: past});
    close(`output ${step}`, output, whole.output.slice([0, step], [B, 1]), {atol: 1e-6});
    const row = whole.weights.slice([0, 0, step, 0], [B, H, 1, step + 1]);
    close(`weights ${step}`, weights, row, {atol: 1e-6});
  }
});

test('with one key the query does not matter, and gets no gradient', () => {
  const attention = layer();
  const key = states('k', 1);
  const loss = (query: tf.Tensor) =>
    attention
      .apply({query: query as tf.Tensor3D, key, value: key})
      .output.square()
      .sum<tf.Scalar>();
  close('gradient', tf.grad(loss)(states('x')), tf.zeros([B, T, D]), {atol: 1e-6});
});

test('padding changes nothing before it', () => {
  const attention = layer();
  const ids = tf.tensor2d([7, 8, 9, 0, 7, 8, 0, 0], [B, T], 'int32');
  const mask = eitherMask(paddingMask(ids, 0), causalMask(T));
  const seen = tf.notEqual(ids, 0).cast('float32').expandDims<tf.Tensor3D>(2);
  const outputs = ['x', 'y'].map(name => {
    const other = states('x')
      .mul(seen)
      .add<tf.Tensor3D>(states(name).mul(tf.sub(1, seen)));
    return attention.apply({query: other, key: other, value: other, mask}).output.mul(seen);
  });
  close('output', outputs[0]!, outputs[1]!, {atol: 1e-6});
});

test('a second gradient leaves no tensor behind', async () => {
  const attention = layer();
  const x = states('x');
  await leavesNoTensor(() => ({...attention.apply({query: x, key: x, value: x})}));
  await leavesNoTensor(() => ({...attention.project({key: x, value: x})}));
  await leavesNoTensor(() =>
    tf.variableGrads(() => attention.apply({query: x, key: x, value: x}).output.sum()),
  );
  await leavesNoTensor(() => layer().dispose());
});

test('what does not fit is refused by name', () => {
  const attention = layer();
  const x = states('x');
  assert.throws(
    () => attention.apply({query: x, key: x, value: states('v', 3)}),
    new ShapeError(
      'MultiHeadAttention: value has shape [2,3,6], expected [B,Tk,6] with {"B":2,"Tk":4}.',
    ),
  );
  assert.throws(
    () => attention.apply({query: x, key: x, value: x, mask: tf.ones([2, 1, 1, 5])}),
    /mask has shape \[2,1,1,5\], expected one that broadcasts to \[2,2,4,4\]/,
  );
  assert.throws(
    () => new MultiHeadAttention({width: 6, heads: 4}, new Random(1)),
    /MultiHeadAttention: heads is 4, expected a divisor of the width 6/,
  );
});
