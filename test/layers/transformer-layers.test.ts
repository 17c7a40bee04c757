import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import type {KeysAndValues} from 'latent-lib/layers/attention';
import {FeedForward} from 'latent-lib/layers/feed-forward';
import {causalMask} from 'latent-lib/layers/masks';
import {DecoderLayer} from 'latent-lib/layers/decoder-layer';
import {EncoderLayer} from 'latent-lib/layers/encoder-layer';
import {assignWeights, countWeights, type Weights} from 'latent-lib/layers/weights';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

before(ready);

const [B, T, S, D] = [2, 5, 3, 8] as const;
const config = {width: D, heads: 2, hidden: 12};

const states = (name: string, steps: number = T, width: number = D): tf.Tensor3D =>
  new Random(5).stream(name).normals([B, steps, width]);

/** No weight stays at zero or one, where it might hide a mistake. */
function shaken<L extends {readonly weights: Weights}>(layer: L): L {
  for (const [name, weight] of Object.entries(layer.weights)) {
    const noise = new Random(6).stream(name).normals(weight.shape).mul(0.3);
    weight.assign(weight.add(noise));
  }
  return layer;
}

test('the encoder layer is its parts: attention, sum, norm, feed-forward, sum, norm', () => {
  const layer = shaken(new EncoderLayer(config, new Random(1)));
  const x = states('x');
  const mask = tf.tensor4d([0, 0, 0, 1, 1, 0, 0, 0, 0, 0], [B, 1, 1, T]);
  const {output, weights} = layer.apply({x, mask});
  const seen = layer.attention.apply({query: x, key: x, value: x, mask});
  const a = layer.attentionNorm.apply(x.add<tf.Tensor3D>(seen.output));
  const want = layer.outputNorm.apply(a.add<tf.Tensor3D>(layer.feedForward.apply(a)));
  close('output', output, want, {atol: 1e-6});
  close('weights', weights, seen.weights, {atol: 1e-6});
});

test('the feed-forward part has the activation asked for', () => {
  const part = new FeedForward({width: 2, hidden: 3, activation: 'relu'}, new Random(1));
  const x = tf.tensor2d([[1, -2]]);
  const want = tf.relu(x.matMul(part.hidden.kernel)).matMul(part.output.kernel);
  close('output', part.apply(x), want, {atol: 1e-6});
});

test('no token of an encoder without positions has a place: permuted in, permuted out', () => {
  const layer = shaken(new EncoderLayer(config, new Random(1)));
  const order = tf.tensor1d([3, 0, 4, 2, 1], 'int32');
  const x = states('x');
  const permuted = layer.apply({x: tf.gather(x, order, 1)}).output;
  close('output', permuted, tf.gather(layer.apply({x}).output, order, 1), {atol: 1e-5});
});

test('under a causal mask a later token changes nothing before it', () => {
  const layer = shaken(new DecoderLayer(config, new Random(2)));
  const memory = states('memory', S);
  const x = states('x');
  const other = tf.concat3d([x.slice([0, 0], [B, 3]), states('y', 2)], 1);
  const [first, second] = [x, other].map(x => layer.apply({x, memory, mask: causalMask(T)}).output);
  close('before', first!.slice([0, 0], [B, 3]), second!.slice([0, 0], [B, 3]), {atol: 1e-6});
  const after = first!.sub(second!).slice([0, 3], [B, 2]).abs().max();
  assert.ok(after.dataSync()[0]! > 0.1);
});

for (const crossAttention of [true, false]) {
  const name = crossAttention ? 'with' : 'without';
  test(`token by token a decoder layer ${name} cross-attention gives the full pass`, () => {
    const layer = shaken(new DecoderLayer({...config, crossAttention}, new Random(2)));
    const memory = crossAttention ? states('memory', S) : undefined;
    const memoryMask = crossAttention ? tf.tensor4d([0, 0, 1, 0, 0, 0], [B, 1, 1, S]) : undefined;
    const x = states('x');
    const whole = layer.apply({x, memory, memoryMask, mask: causalMask(T)});
    const projected = memory === undefined ? undefined : layer.projectMemory(memory);
    let past: KeysAndValues | undefined;
    for (let step = 0; step < T; step++) {
      const token = x.slice<tf.Tensor3D>([0, step], [B, 1]);
      const one = layer.apply({x: token, memory: projected, memoryMask, past});
      close(`step ${step}`, one.output, whole.output.slice([0, step], [B, 1]), {atol: 1e-5});
      past = one.cache;
    }
    close('keys at the end', past!.key, whole.cache.key, {atol: 1e-6});
    assert.equal(whole.memoryWeights?.shape.join(), crossAttention ? '2,2,5,3' : undefined);
    const chunk = layer.apply({
      x: x.slice([0, 2], [B, 3]),
      memory,
      memoryMask,
      mask: causalMask(3, 2),
      past: layer.apply({x: x.slice([0, 0], [B, 2]), memory, mask: causalMask(2)}).cache,
    });
    close('three at once', chunk.output, whole.output.slice([0, 2], [B, 3]), {atol: 1e-5});
  });
}

test('weights have dotted names, counted by hand', () => {
  const encoder = new EncoderLayer(config, new Random(1));
  const attention = 4 * (D * D + D);
  const feedForward = 2 * D * 12 + D + 12;
  assert.equal(countWeights(encoder.weights), attention + feedForward + 4 * D);
  const decoder = new DecoderLayer({...config, memoryWidth: 3}, new Random(1));
  const narrower = 2 * (D - 3) * D;
  assert.equal(countWeights(decoder.weights), 2 * attention - narrower + feedForward + 6 * D);
  assert.deepEqual(Object.keys(encoder.weights).slice(0, 2), [
    'attention.query.kernel',
    'attention.query.bias',
  ]);
  const alone = new DecoderLayer({...config, crossAttention: false}, new Random(1));
  assert.deepEqual(
    Object.keys(alone.weights)
      .map(name => name.split('.')[0])
      .filter((part, at, all) => part !== all[at - 1]),
    ['self_attention', 'self_attention_norm', 'feed_forward', 'output_norm'],
  );
  assignWeights(encoder.weights, new EncoderLayer(config, new Random(2)).weights);
});

test('dropout changes the output by its seed, the same way each time', () => {
  const layer = new DecoderLayer(config, new Random(2));
  const [x, memory] = [states('x'), states('memory', S)];
  const run = (seed: number, rate: number) =>
    layer.apply({x, memory, dropout: {rate, seed: tf.tensor1d([seed, 0], 'int32')}}).output;
  close('again', run(1, 0.3), run(1, 0.3), {atol: 0});
  assert.ok(run(1, 0.3).sub(run(2, 0.3)).abs().max().dataSync()[0]! > 0.1);
  close('rate 0', run(1, 0), layer.apply({x, memory}).output, {atol: 0});
});

test('a second gradient leaves no tensor behind', async () => {
  const decoder = new DecoderLayer(config, new Random(2));
  const encoder = new EncoderLayer(config, new Random(2));
  const [x, memory] = [states('x'), states('memory', S)];
  const dropout = {rate: 0.2, seed: tf.tensor1d([1, 2], 'int32')};
  await leavesNoTensor(() => ({...encoder.apply({x, dropout})}));
  await leavesNoTensor(() => {
    const {cache, ...rest} = decoder.apply({x, memory, dropout});
    return {...cache, ...rest};
  });
  await leavesNoTensor(() =>
    tf.variableGrads(() =>
      tf.tidy(() => decoder.apply({x, memory: encoder.apply({x, dropout}).output}).output.sum()),
    ),
  );
  await leavesNoTensor(() => {
    new EncoderLayer(config, new Random(1)).dispose();
    new DecoderLayer(config, new Random(1)).dispose();
  });
});

test('memory is demanded, or refused, by name', () => {
  const x = states('x');
  assert.throws(
    () => new DecoderLayer(config, new Random(1)).apply({x}),
    /memory is missing, and this layer has cross-attention/,
  );
  const alone = new DecoderLayer({...config, crossAttention: false}, new Random(1));
  assert.throws(() => alone.apply({x, memory: x}), /this layer has no cross-attention/);
  assert.throws(() => alone.projectMemory(x), /this layer has no cross-attention/);
  assert.throws(
    () => alone.apply({x: states('x', T, 7)}),
    /MultiHeadAttention: key has shape \[2,5,7\], expected \[B,Tk,8\]/,
  );
});
