/** Our own kernels against TensorFlow's: the same updates, and the same care with memory. */
import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {Hypernetwork, classify} from 'latent-lib/models/hypernetwork';
import {denseLayout} from 'latent-lib/models/hypernetwork-layout';
import {Graph} from 'latent-lib/tensor/graph';
import {GraphSession} from 'latent-lib/tensor/graph-session';
import {addVariables} from 'latent-lib/tensor/graph-variable-nodes';
import {GraphVariables} from 'latent-lib/tensor/graph-variables';
import {DTYPE, nativeBackend} from 'latent-lib/tensor/native-backend';
import {nativeKernels} from 'latent-lib/tensor/native-kernels';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {adam} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';
import {close} from '../helpers/close';

before(ready);

const STEPS = 50;
const there = () => tf.findBackendFactory('tensorflow') !== null && nativeKernels().used;

/** What `body` gives with our kernels, and with TensorFlow's. */
function both<T>(body: () => T): [T, T] {
  const wanted = process.env['LATENT_KERNELS'];
  try {
    return ['1', '0'].map(value => {
      process.env['LATENT_KERNELS'] = value;
      return body();
    }) as [T, T];
  } finally {
    if (wanted === undefined) delete process.env['LATENT_KERNELS'];
    else process.env['LATENT_KERNELS'] = wanted;
  }
}

/**
 * Adam alone in a graph, fed with gradients leftᵀ · right, that are a product for our kernel where
 * `thin` and one matrix otherwise. @returns the weight [M, N], m and v after all
 */
function update(
  products: readonly (readonly [tf.Tensor2D, tf.Tensor2D])[],
  start: tf.Tensor2D,
  thin: boolean,
): number[][] {
  const backend = nativeBackend()!;
  const graph = new Graph();
  const optimizer = adam({learningRate: 1e-2});
  const variables = [start, tf.zerosLike(start), tf.zerosLike(start)].map(value =>
    tf.variable(value),
  );
  const held = variables.map((variable, which) => {
    return addVariables(graph, [{variable, name: `variable_${which}`}], `resource_${which}`);
  });
  const [left, right] = products[0]!;
  const factors = {
    left: graph.placeholder('left', left.shape, DTYPE.float32),
    right: graph.placeholder('right', right.shape, DTYPE.float32),
  };
  const attributes = {T: {type: DTYPE.float32}, transpose_a: {bool: true}};
  const transposed = {...attributes, transpose_b: {bool: false}};
  const gradient = `${graph.add('MatMul', [factors.left, factors.right], transposed)}:0`;
  const kernel = optimizer.kernel(graph, {
    weight: held[0]!.resource,
    slots: [held[1]!.resource, held[2]!.resource],
    gradient,
    product: thin ? factors : undefined,
    stepSize: graph.placeholder('size', [], DTYPE.float32),
    after: [],
  });
  const nothing = {shape: [0], dtype: DTYPE.float32, bytes: new Uint8Array()};
  const done = graph.constant(nothing, [kernel], 'done');
  const session = new GraphSession(backend, graph);
  const bonds = new GraphVariables(
    backend,
    session,
    held.flatMap(({members}) => members),
  );
  products.forEach(([left, right], count) => {
    const size = tf.scalar(optimizer.stepSize(1e-2, count + 1));
    bonds.beforeRun();
    const [ended] = session.run(
      backend.getInputTensorIds([left, right, size]),
      'left:0,right:0,size:0',
      done,
    );
    backend.binding.deleteTensor(ended!.id);
    bonds.afterRun();
    size.dispose();
  });
  const values = variables.map(variable => Array.from(variable.dataSync()));
  session.dispose();
  tf.dispose(variables);
  return values;
}

/** Factors [K, M] and [K, N] of `count` gradients. */
function drawn(count: number, [K, M, N]: readonly [number, number, number]) {
  return Array.from({length: count}, (_, step) => {
    const random = new Random(step);
    const left = random.stream('left').normals<tf.Rank.R2>([K, M]);
    return [left, random.stream('right').normals<tf.Rank.R2>([K, N])] as const;
  });
}

const SHAPES = {
  'one number': [1, 1, 1],
  'fewer than a vector': [3, 1, 7],
  'a vector and a bit': [2, 3, 17],
  'rows over several blocks': [4, 3, 2500],
  'one row of factors': [1, 40, 130],
} as const;

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`fifty updates equal TensorFlow's own: ${name}`, t => {
    if (!there()) return t.skip('no own kernels here');
    const products = drawn(STEPS, shape);
    const start = new Random(99).normals<tf.Rank.R2>([shape[1], shape[2]]);
    for (const thin of [false, true]) {
      const [ours, theirs] = both(() => update(products, start, thin));
      ['weight', 'm', 'v'].forEach((what, which) => {
        const largest = Math.max(...theirs[which]!.map(Math.abs));
        close(`${what}, thin ${thin}`, ours[which]!, theirs[which]!, {atol: 1e-6 * largest});
      });
    }
    tf.dispose([...products.flat(), start]);
  });
}

test('NaN and infinity go where TensorFlow lets them go', t => {
  if (!there()) return t.skip('no own kernels here');
  const row = [NaN, Infinity, -Infinity, 0, 1e30, -1e-30, 3.4e38, 1];
  const right = tf.tensor2d([...row, ...row, ...row], [1, 24]);
  const products = [[tf.ones<tf.Rank.R2>([1, 1]), right] as const];
  const start = tf.tensor2d([...row.map(() => 1), ...row, ...row.map(() => -2)], [1, 24]);
  for (const thin of [false, true]) {
    const [ours, theirs] = both(() => update(products, start, thin));
    const kind = (value: number) => (Number.isFinite(value) ? 'finite' : String(value));
    assert.deepEqual(
      ours.map(values => values.map(kind)),
      theirs.map(values => values.map(kind)),
    );
    assert.ok(theirs[0]!.some(Number.isNaN) && theirs[2]!.includes(Infinity));
  }
  tf.dispose([...products.flat(), start]);
});

/** A hypernetwork: gradients that are thin products, and small weights that share a block. */
function hypernetworkSteps(steps: number) {
  const layout = denseLayout([30, 12, 5]);
  const config = {inputs: 30, hidden: 16, layout, output: 'sigmoid' as const};
  const writer = new Hypernetwork(config, new Random(6));
  const step = trainingStep({
    weights: writer.weights,
    optimizer: adam({learningRate: 1e-3}),
    loss: ({x}: {x: tf.Tensor2D}) => ({loss: classify(writer, x).square().mean<tf.Scalar>()}),
  });
  const losses = Array.from({length: steps}, (_, count) => {
    const x = new Random(count).normals<tf.Rank.R2>([2, 30]);
    const {loss} = step.run({x});
    x.dispose();
    return loss;
  });
  const state = step.state();
  const values = Object.fromEntries(
    Object.entries(state).map(([name, tensor]) => [name, Array.from(tensor.dataSync())]),
  );
  const [report] = step.recordings;
  tf.dispose(state);
  step.dispose();
  writer.dispose();
  return {losses, values, operations: report!.operations};
}

test("fifty training steps equal TensorFlow's own, with fewer ops", t => {
  if (!there()) return t.skip('no own kernels here');
  const [ours, theirs] = both(() => hypernetworkSteps(STEPS));
  ours.losses.forEach((loss, step) => {
    const want = theirs.losses[step]!;
    assert.ok(Math.abs(loss - want) <= 1e-6 * want, `step ${step}: ${loss}, want ${want}`);
  });
  for (const [name, want] of Object.entries(theirs.values)) {
    const largest = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    close(name, ours.values[name]!, want, {atol: 1e-6 * largest});
  }
  assert.ok(ours.operations < theirs.operations);
});

/** A weight large enough to have a resource of its own, and its gradient: the weight itself. */
function halfSquare() {
  const weight = tf.variable(tf.ones([100, 50]));
  const step = trainingStep({
    weights: {weight},
    optimizer: adam({learningRate: 0.1}),
    loss: ({scale}: {scale: tf.Scalar}) => {
      return {loss: weight.square().sum().mul(scale).mul<tf.Scalar>(0.5)};
    },
  });
  return {weight, step};
}

test('a value that somebody has read is not overwritten by the next update', t => {
  if (!there()) return t.skip('no own kernels here');
  const {weight, step} = halfSquare();
  const scale = tf.scalar(1);
  step.run({scale});
  const read = weight.clone();
  const before = read.dataSync().slice();
  step.run({scale});
  step.run({scale});
  assert.deepEqual(read.dataSync(), before);
  assert.notEqual(weight.dataSync()[0], before[0]);
  step.dispose();
  tf.dispose([read, weight, scale]);
});

test('a recording keeps its kernels when the setting changes, and a second step leaks nothing', t => {
  if (!there()) return t.skip('no own kernels here');
  const [scale, wanted] = [tf.scalar(1), process.env['LATENT_KERNELS']];
  const {weight, step} = halfSquare();
  step.run({scale});
  process.env['LATENT_KERNELS'] = '0';
  const tensors = tf.memory().numTensors;
  const handles = nativeBackend()!.binding.getNumOfTensors();
  for (let count = 0; count < 5; count++) step.run({scale});
  assert.equal(tf.memory().numTensors, tensors);
  assert.equal(nativeBackend()!.binding.getNumOfTensors(), handles);
  assert.equal(step.recordings.length, 1);
  if (wanted === undefined) delete process.env['LATENT_KERNELS'];
  else process.env['LATENT_KERNELS'] = wanted;
  const other = halfSquare();
  for (let count = 0; count < 6; count++) other.step.run({scale});
  assert.deepEqual(weight.dataSync(), other.weight.dataSync());
  for (const one of [step, other.step]) one.dispose();
  tf.dispose([weight, other.weight, scale]);
});
