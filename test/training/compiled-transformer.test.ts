/** Transformer layers inside a compiled training step: thirty steps equal thirty eager ones, dropout's noise too. */
import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {Embedding} from 'latent-lib/layers/embedding';
import {dropoutIf, splitNoise} from 'latent-lib/layers/dropout';
import {LayerNorm} from 'latent-lib/layers/layer-norm';
import {causalMask, paddingMask} from 'latent-lib/layers/masks';
import {LearnedPositions, sinusoidalPositions} from 'latent-lib/layers/positions';
import {DecoderLayer} from 'latent-lib/layers/decoder-layer';
import {EncoderLayer} from 'latent-lib/layers/encoder-layer';
import {joinWeights} from 'latent-lib/layers/weights';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {adam} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';
import {close} from '../helpers/close';

before(ready);

const [B, T, S, V, D, STEPS] = [3, 5, 4, 11, 8, 30] as const;

interface Batch extends Record<string, tf.Tensor> {
  source: tf.Tensor2D;
  target: tf.Tensor2D;
  seed: tf.Tensor1D;
}

/** An encoder and a decoder of one layer each, with tied logits; the loss asks for the target itself. */
function makeModel() {
  const random = new Random(1);
  const embedding = new Embedding({entries: V, width: D, deviation: 0.5}, random.stream('words'));
  const positions = new LearnedPositions({steps: T, width: D, offset: 2}, random.stream('places'));
  const norm = new LayerNorm({width: D});
  const sizes = {width: D, heads: 2, hidden: 12};
  const encoder = new EncoderLayer({...sizes, activation: 'relu', epsilon: 1e-6}, random);
  const decoder = new DecoderLayer(sizes, random.stream('decoder'));
  const weights = joinWeights({embedding, positions, norm, encoder, decoder});
  const loss = ({source, target, seed}: Batch) => {
    const [first, second, third] = splitNoise({rate: 0.2, seed}, 3);
    const mask = paddingMask(source, 0);
    const fixed = sinusoidalPositions({steps: S, width: D, layout: 'interleaved'});
    const embedded = dropoutIf(embedding.apply(source).add<tf.Tensor3D>(fixed), first);
    const memory = encoder.apply({x: embedded, mask, dropout: second}).output;
    const x = norm.apply(embedding.apply(target).add<tf.Tensor3D>(positions.apply(T)));
    const decoded = decoder.apply({
      x,
      mask: causalMask(T),
      memory,
      memoryMask: mask,
      dropout: third,
    });
    const logits = embedding.logits(decoded.output);
    const wanted = tf.oneHot(target, V).cast('float32');
    const nats = tf.logSoftmax(logits).mul(wanted).sum([1, 2]).neg(); // [B]
    return {loss: nats.mean<tf.Scalar>()};
  };
  return {weights, loss, dispose: () => tf.dispose(Object.values(weights))};
}

function makeBatch(step: number): Batch {
  const random = new Random(step);
  const ids = (steps: number): tf.Tensor2D => {
    const values = Int32Array.from({length: B * steps}, (_, at) => {
      return at % steps === steps - 1 ? 0 : 1 + random.integer(V - 1);
    });
    return tf.tensor2d(values, [B, steps], 'int32');
  };
  return {source: ids(S), target: ids(T), seed: tf.tensor1d([step, 7], 'int32')};
}

test('compiled as eager', {skip: !tf.findBackendFactory('tensorflow')}, () => {
  const sides = [true, false].map(compiled => {
    const model = makeModel();
    const optimizer = adam({learningRate: 3e-3});
    const {weights, loss} = model;
    return {model, step: trainingStep({weights, optimizer, loss, compiled})};
  });
  const [compiled, eager] = [sides[0]!, sides[1]!];
  const losses: number[] = [];
  for (let count = 0; count < STEPS; count++) {
    const batch = makeBatch(count);
    const [got, want] = [compiled.step.run(batch), eager.step.run(batch)];
    losses.push(want.loss);
    const difference = Math.abs(got.loss - want.loss);
    assert.ok(difference <= 1e-5 * want.loss, `loss at step ${count}: off by ${difference}`);
    tf.dispose(batch);
  }
  assert.ok(losses.at(-1)! < 0.9 * losses[0]!, 'it learns');
  for (const [name, weight] of Object.entries(eager.model.weights)) {
    const largest = weight.abs().max().dataSync()[0]!;
    // Adam divides by a gradient's size: where that is rounding alone, so is the update (a key's bias).
    const atol = name.endsWith('key.bias') ? 2 * STEPS * 3e-3 : 1e-4 * largest;
    close(name, compiled.model.weights[name]!, weight, {atol});
  }
  for (const {model, step} of sides) {
    step.dispose();
    model.dispose();
  }
});

test('a second step leaves no tensor behind', () => {
  const {weights, loss, dispose} = makeModel();
  const step = trainingStep({weights, optimizer: adam({learningRate: 3e-3}), loss});
  const run = (count: number): number => {
    const batch = makeBatch(count);
    step.run(batch);
    tf.dispose(batch);
    return tf.memory().numTensors;
  };
  const first = run(0);
  assert.equal(run(1), first);
  assert.equal(run(2), first);
  step.dispose();
  dispose();
});
