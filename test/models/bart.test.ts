import assert from 'node:assert/strict';
import path from 'node:path';
import {before, test} from 'node:test';
import {countWeights} from 'latent-lib/layers/weights';
import {Bart} from 'latent-lib/models/bart';
import {BART_BASE, fullBartConfig, type BartConfig} from 'latent-lib/models/bart-config';
import {hubWeight} from 'latent-lib/models/bart-names';
import {compile} from 'latent-lib/tensor/compile';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {adam} from 'latent-lib/training/optimizer';
import {readSafetensors} from 'latent-lib/training/safetensors';
import {trainingStep} from 'latent-lib/training/step';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';
import {parity} from '../helpers/parity';
import {example, folderOf, golden, NAMES} from './bart-golden';

before(ready);

/** Mean −log p over the ids that are no padding. */
function loss(bart: Bart, ids: tf.Tensor2D, targets: tf.Tensor2D, seed?: tf.Tensor1D): tf.Scalar {
  return tf.tidy(() => {
    const logits = bart.apply(ids, bart.shiftRight(targets), seed); // [B, T, V]
    const said = tf.oneHot(targets, bart.config.vocabulary).mul(tf.logSoftmax(logits)).sum(-1);
    const counts = tf.notEqual(targets, bart.config.padId).cast('float32'); // [B, T]
    return said.mul(counts).sum().neg().div<tf.Scalar>(counts.sum());
  });
}

for (const name of NAMES) {
  parity(`BART ${name}`, golden, () => {
    const {bart, ids, targets, expected} = example(name);
    const memory = bart.encode(ids);
    const memoryMask = bart.paddingMask(ids);
    // what stands at padding is nobody's business: no later layer sees it
    const shown = tf.notEqual(ids, bart.config.padId).cast('float32').expandDims(2);
    close('encoder', memory.mul(shown), expected('encoder').mul(shown), {atol: 1e-4});
    const states = bart.decode({ids: bart.shiftRight(targets), memory, memoryMask});
    close('decoder', states, expected('decoder'), {atol: 1e-4});
    close('logits', bart.logits(states), expected('logits'), {atol: 1e-4});
    close('all at once', bart.apply(ids, bart.shiftRight(targets)), expected('logits'), {
      atol: 1e-4,
    });
    close('loss', loss(bart, ids, targets), expected('loss'), {atol: 1e-5});
  });

  parity(`BART ${name}, gradients`, golden, () => {
    const {bart, ids, targets} = example(name);
    const variables = Object.values(bart.weights);
    const {grads} = tf.variableGrads(() => loss(bart, ids, targets), variables);
    const {tensors} = readSafetensors(path.join(folderOf(name), 'gradients.safetensors'));
    assert.equal(Object.keys(tensors).length, variables.length);
    for (const [ours, variable] of Object.entries(bart.weights)) {
      const hub = hubWeight(ours);
      const {data, shape} = tensors[`model.${hub.name}`]!;
      const want = tf.tensor(data as Float32Array, [...shape]);
      const got = grads[variable.name]!;
      close(ours, hub.isTransposed ? got.transpose() : got, want, {atol: 2e-5, rtol: 1e-4});
    }
  });
}

const SMALL: BartConfig = {
  vocabulary: 12,
  width: 8,
  positions: 10,
  encoder: {layers: 2, heads: 2, hidden: 16},
  decoder: {layers: 2, heads: 2, hidden: 16},
};
const small = (config: Partial<BartConfig> = {}) => new Bart({...SMALL, ...config}, new Random(3));
const IDS = () => tf.tensor2d([[0, 5, 6, 7, 2], [0, 9, 2, 1, 1]], [2, 5], 'int32'); // prettier-ignore
const TARGETS = () => tf.tensor2d([[2, 8, 3, 4], [2, 10, 11, 4]], [2, 4], 'int32'); // prettier-ignore

test('what is hidden or comes later changes nothing', () => {
  const bart = small();
  const memoryMask = bart.paddingMask(IDS());
  const memory = bart.encode(IDS());
  const longer = tf.concat<tf.Tensor2D>([IDS(), tf.fill([2, 2], 1, 'int32')], 1);
  close('padding', bart.encode(longer).slice([0, 0], [2, 5]), memory, {atol: 1e-6});
  const noise = new Random(1).normals<tf.Rank.R3>([1, 2, 8]).mul(50);
  const spoiled = memory.add<tf.Tensor3D>(noise.pad([[1, 0], [3, 0], [0, 0]])); // prettier-ignore
  const states = bart.decode({ids: TARGETS(), memory, memoryMask});
  const blind = bart.decode({ids: TARGETS(), memory: spoiled, memoryMask});
  close('memory', blind, states, {atol: 1e-6});
  const other = tf.tensor2d([[2, 8, 3, 9], [2, 10, 11, 0]], [2, 4], 'int32'); // prettier-ignore
  const changed = bart.decode({ids: other, memory, memoryMask});
  close('later', changed.slice([0, 0], [2, 3]), states.slice([0, 0], [2, 3]), {atol: 1e-6});
  assert.ok(changed.sub(states).abs().max().dataSync()[0]! > 1e-2);
});

test('token by token the decoder says what it says of all at once', () => {
  const bart = small();
  const memory = bart.encode(IDS());
  const memoryMask = bart.paddingMask(IDS());
  const whole = bart.decode({ids: TARGETS(), memory, memoryMask});
  bart.logitsBias.assign(tf.linspace(-1, 1, 12));
  let cache = bart.remember(memory, memoryMask);
  for (let step = 0; step < 4; step++) {
    const next = bart.next(TARGETS().slice([0, step], [2, 1]), cache);
    close(`step ${step}`, next.states, whole.slice([0, step], [2, 1]), {atol: 1e-5});
    const logits = bart.logits(next.states).squeeze([1]);
    close(`logits ${step}`, bart.nextLogits(next.states), logits, {atol: 1e-5});
    cache.disposePast();
    cache = next.cache;
  }
  assert.equal(cache.length, 4);
  cache.dispose();
});

test('a cache takes its rows along when they change places', () => {
  const bart = small();
  const memory = bart.encode(IDS().slice([0, 0], [1, 5]).tile([2, 1]));
  const first = bart.next(TARGETS().slice([0, 0], [2, 1]), bart.remember(memory));
  const second = bart.next(TARGETS().slice([0, 1], [2, 1]), first.cache);
  const swapped = second.cache.reordered(tf.tensor1d([1, 0], 'int32'));
  const third = bart.next(tf.tensor2d([[4], [3]], [2, 1], 'int32'), swapped);
  const ids = tf.tensor2d([[2, 10, 4], [2, 8, 3]], [2, 3], 'int32'); // prettier-ignore
  const whole = bart.decode({ids, memory});
  close('after the swap', third.states, whole.slice([0, 2], [2, 1]), {atol: 1e-5});
});

test('any memory serves the decoder: latents in place of an encoder’s states', () => {
  const bart = small();
  const memory = new Random(4).normals<tf.Rank.R3>([2, 1, 8]);
  assert.deepEqual(bart.decode({ids: TARGETS(), memory}).shape, [2, 4, 8]);
  const rows = bart.attention(IDS(), TARGETS()).cross[1]!.sum(-1);
  close('weights', rows, tf.ones([2, 2, 4]), {atol: 1e-6});
  const {encoder, decoder, cross} = bart.attention(IDS(), TARGETS());
  assert.deepEqual(
    [encoder, decoder, cross].map(weights => [weights.length, weights[0]!.shape]),
    [[2, [2, 2, 5, 5]], [2, [2, 2, 4, 4]], [2, [2, 2, 4, 5]]], // prettier-ignore
  );
});

test('dropout depends on its seed alone, and is there in training only', () => {
  const bart = small({dropout: 0.3});
  const at = (first: number, second: number) =>
    bart.apply(IDS(), TARGETS(), tf.tensor1d([first, second], 'int32'));
  close('the same seed', at(1, 2), at(1, 2), {atol: 0});
  assert.ok(at(1, 2).sub(at(1, 3)).abs().max().dataSync()[0]! > 1e-3);
  const without = bart.apply(IDS(), TARGETS());
  assert.ok(at(1, 2).sub(without).abs().max().dataSync()[0]! > 1e-3);
  const none = small({dropout: 0}).apply(IDS(), TARGETS(), tf.tensor1d([1, 2], 'int32'));
  close('rate 0', none, small().apply(IDS(), TARGETS()), {atol: 0});
});

test('a small one learns to copy, compiled, with dropout by seed', () => {
  const bart = small({dropout: 0.05});
  const step = trainingStep({
    weights: bart.weights,
    optimizer: adam({learningRate: 1e-2}),
    loss: ({ids, seed}: {ids: tf.Tensor2D; seed: tf.Tensor1D}) => ({
      loss: loss(bart, ids, ids, seed),
    }),
  });
  const random = new Random(8);
  const ids = tf.tensor2d(
    Array.from({length: 16}, () => [0, ...Array.from({length: 3}, () => 3 + random.integer(9)), 2]),
    [16, 5],
    'int32',
  );
  const run = (index: number) =>
    tf.tidy(() => step.run({ids, seed: tf.tensor1d([5, index], 'int32')})).loss;
  const first = run(0);
  let last = first;
  for (let index = 1; index < 120; index++) last = run(index);
  step.dispose();
  assert.ok(last < 0.35 * first, `${first} to ${last}`);
  close('the bias of the logits stays', bart.logitsBias, tf.zeros([12]), {atol: 0});
});

test('compiled it gives the same', () => {
  const bart = small();
  const logits = compile(({ids, targets}: {ids: tf.Tensor2D; targets: tf.Tensor2D}) => ({
    logits: bart.apply(ids, targets),
  }));
  const want = bart.apply(IDS(), TARGETS());
  close('logits', logits({ids: IDS(), targets: TARGETS()}).logits, want, {atol: 1e-5});
  logits.dispose();
});

test('a second call leaves no tensor behind', async () => {
  const bart = small();
  const [ids, targets, seed] = [IDS(), TARGETS(), tf.tensor1d([1, 2], 'int32')];
  await leavesNoTensor(() => bart.apply(ids, targets, seed));
  await leavesNoTensor(() => ({...bart.attention(ids, targets)}));
  await leavesNoTensor(() => tf.variableGrads(() => loss(bart, ids, targets)));
  const [first, rows] = [targets.slice([0, 0], [2, 1]), tf.tensor1d([1, 0], 'int32')];
  await leavesNoTensor(() => {
    const memory = bart.encode(ids);
    const {states, cache} = bart.next(first, bart.remember(memory));
    cache.reordered(rows).dispose();
    return [memory, states, bart.shiftRight(ids)];
  });
  await leavesNoTensor(() => small().dispose());
});

/** How many numbers a BART's sizes make. */
function counted({vocabulary: V, width: D, positions: P, encoder, decoder}: BartConfig): number {
  const attention = 4 * (D * D + D);
  const wide = (hidden: number) => 2 * D * hidden + hidden + D;
  const norm = 2 * D;
  const [e, d] = [wide(encoder.hidden), wide(decoder.hidden)];
  const layers =
    encoder.layers * (attention + e + 2 * norm) + decoder.layers * (2 * attention + d + 3 * norm);
  return V * D + 2 * ((P + 2) * D + norm) + layers;
}

test('the sizes give the number of weights: 139,420,416 for bart-base', () => {
  assert.equal(countWeights(small().weights), counted(SMALL));
  assert.equal(counted(BART_BASE), 139_420_416);
});

test('settings that cannot be are refused by name', () => {
  const bad: readonly [Partial<BartConfig>, RegExp][] = [
    [{vocabulary: 0}, /BartConfig: vocabulary is 0, expected an integer from 1 on/],
    [{width: 9}, /encoder\.heads is 2, expected a divisor of the width 9/],
    [{decoder: {layers: 1.5, heads: 2, hidden: 8}}, /decoder\.layers is 1\.5/],
    [{padId: 12}, /padId is 12, expected from 0 to 11/],
    [{dropout: 1}, /dropout is 1, expected a number from 0 to below 1/],
  ];
  for (const [change, reason] of bad) assert.throws(() => small(change), reason);
  assert.equal(fullBartConfig(SMALL).startId, 2);
  const bart = small();
  const memory = tf.zeros<tf.Rank.R3>([2, 5, 8]);
  assert.throws(() => bart.encode(tf.zeros([2]) as never), /Bart\.encode: ids has shape \[2\]/);
  assert.throws(() => bart.encode(tf.zeros([2, 3])), /ids is float32, expected int32/);
  assert.throws(
    () => bart.encode(tf.zeros([1, 11], 'int32')),
    /positions run to 10, but there are/,
  );
  assert.throws(
    () => bart.decode({ids: TARGETS(), memory: tf.zeros([2, 5, 9])}),
    /Bart\.decode: memory has shape \[2,5,9\], expected \[B,S,8\]/,
  );
  assert.throws(() => bart.next(TARGETS(), bart.remember(memory)), /ids has shape \[2,4\]/);
});
