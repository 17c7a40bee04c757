import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {assignWeights, countWeights} from 'latent-lib/layers/weights';
import {
  blockScale,
  categoricalNegativeLogLikelihood,
  classify,
  Hypernetwork,
  type NetworkWriter,
} from 'latent-lib/models/hypernetwork';
import {ChunkedHypernetwork} from 'latent-lib/models/hypernetwork-chunked';
import {denseLayout, runNetworks, WeightLayout} from 'latent-lib/models/hypernetwork-layout';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {adam} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';
import {loadGolden, parity, type GoldenTensors} from '../helpers/parity';

before(ready);

const guideLayout = denseLayout([784, 64, 10]);
const golden = loadGolden('hypernetwork');
const VARIANTS = ['sigmoid', 'signed'] as const;

function fromKeras({setting, weights}: GoldenTensors, output: 'sigmoid' | 'signed'): Hypernetwork {
  const layout = denseLayout([6, 5, 3]);
  const sizes = {inputs: setting('inputs'), hidden: setting('hidden')};
  const model = new Hypernetwork({...sizes, layout, output}, new Random(1));
  assignWeights(model.weights, weights());
  return model;
}

interface Examples extends Record<string, tf.Tensor> {
  readonly x: tf.Tensor2D;
  readonly labels: tf.Tensor1D;
}

const lossOf = (writer: NetworkWriter) => (examples: Examples) => {
  const logits = classify(writer, examples.x);
  const crossEntropy = categoricalNegativeLogLikelihood(logits, examples.labels);
  return {loss: crossEntropy.mean<tf.Scalar>(), crossEntropy};
};

parity('hypernetwork', golden, golden => {
  const {input, expected, setting} = golden;
  const examples: Examples = {x: input('x'), labels: input('labels')};
  for (const variant of VARIANTS) {
    const model = fromKeras(golden, variant);
    const want = (what: string) => expected(`${variant} ${what}`);
    close(`${variant} rows`, model.generate(examples.x), want('rows'), {atol: 1e-5});
    for (const [name, weight] of Object.entries(model.write(examples.x))) {
      close(`${variant} ${name}`, weight, want(name), {atol: 1e-5});
    }
    close(`${variant} logits`, classify(model, examples.x), want('logits'), {atol: 1e-5});
    const {crossEntropy} = lossOf(model)(examples);
    close(`${variant} cross-entropy`, crossEntropy, want('crossEntropy'), {atol: 1e-5});
    const variables = Object.values(model.weights);
    const {grads} = tf.variableGrads(() => lossOf(model)(examples).loss, variables);
    for (const [name, variable] of Object.entries(model.weights)) {
      close(`${variant} d ${name}`, grads[variable.name]!, want(`d ${name}`), {atol: 1e-5});
    }
    const optimizer = adam({learningRate: setting('learningRate')});
    const step = trainingStep({weights: model.weights, optimizer, loss: lossOf(model)});
    step.run(examples);
    for (const [name, variable] of Object.entries(model.weights)) {
      close(`${variant} after Adam ${name}`, variable, want(`after Adam ${name}`), {atol: 1e-5});
    }
    step.dispose();
  }
});

test('the guide’s hypernetwork has 877,690 weights and writes 50,890', () => {
  assert.equal(guideLayout.size, 50_890);
  const config = {inputs: 784, hidden: 16, layout: guideLayout, output: 'sigmoid'} as const;
  const guide = new Hypernetwork(config, new Random(1));
  assert.equal(countWeights(guide.weights), 877_690);
  guide.dispose();
});

/** The chunked writer of the lesson. */
const chunked = (seed = 1) =>
  new ChunkedHypernetwork(
    {inputs: 784, hidden: 16, embedding: 16, generatorHidden: 32, chunk: 512, layout: guideLayout},
    new Random(seed),
  );

test('the chunked hypernetwork has fewer weights than the network that it writes', () => {
  const writer = chunked();
  assert.equal(writer.chunks, 100);
  // 784·16 + 16, 16·32 + 32, 100·16, 16·32, 32·512 + 512
  assert.equal(countWeights(writer.weights), 12_560 + 544 + 1_600 + 512 + 16_896);
  assert.ok(countWeights(writer.weights) < guideLayout.size);
});

test('a layout puts the blocks one after the other and cuts them out again', () => {
  const layout = new WeightLayout({kernel0: [2, 3], bias0: [3]});
  assert.deepEqual(layout.blocks, {
    kernel0: {shape: [2, 3], offset: 0, size: 6},
    bias0: {shape: [3], offset: 6, size: 3},
  });
  const rows = tf.range(0, 18).reshape<tf.Tensor2D>([2, 9]);
  const {kernel0, bias0} = layout.cut(rows);
  assert.deepEqual(bias0.arraySync(), [
    [6, 7, 8],
    [15, 16, 17],
  ]);
  assert.deepEqual(kernel0.slice(1).arraySync(), [
    [
      [9, 10, 11],
      [12, 13, 14],
    ],
  ]);
});

test('a batch of networks is the loop over its examples, gradients too', () => {
  const random = new Random(11);
  const layout = denseLayout([12, 7, 4]);
  const x = random.stream('x').uniforms<tf.Rank.R2>([5, 12]);
  const labels = tf.tensor1d([3, 0, 1, 2, 3], 'int32');
  const writers: Record<string, NetworkWriter> = {
    sigmoid: new Hypernetwork({inputs: 12, hidden: 6, layout, output: 'sigmoid'}, random),
    signed: new Hypernetwork({inputs: 12, hidden: 6, layout, output: 'signed'}, random),
    chunked: new ChunkedHypernetwork(
      {inputs: 12, hidden: 6, embedding: 3, generatorHidden: 5, chunk: 16, layout},
      random,
    ),
  };
  for (const [name, writer] of Object.entries(writers)) {
    const batch = () => lossOf(writer)({x, labels});
    const loop = () => {
      const losses = [0, 1, 2, 3, 4].map(
        row => lossOf(writer)({x: x.slice(row, 1), labels: labels.slice(row, 1)}).crossEntropy,
      );
      const crossEntropy = tf.concat1d(losses);
      return {crossEntropy, loss: crossEntropy.mean<tf.Scalar>()};
    };
    close(`${name} loss`, batch().crossEntropy, loop().crossEntropy, {atol: 1e-5, rtol: 1e-5});
    const variables = Object.values(writer.weights);
    const [got, want] = [batch, loop].map(
      run => tf.variableGrads(() => run().loss, variables).grads,
    );
    for (const [weight, variable] of Object.entries(writer.weights)) {
      close(`${name} d ${weight}`, got![variable.name]!, want![variable.name]!, {atol: 1e-5});
    }
  }
});

test('with sigmoid weights and non-negative input every hidden unit is on', () => {
  const random = new Random(3);
  const config = {inputs: 20, hidden: 6, layout: denseLayout([20, 8, 3])};
  const x = random.stream('x').uniforms<tf.Rank.R2>([50, 20]);
  const active = (output: 'sigmoid' | 'signed') => {
    const {kernel0, bias0} = new Hypernetwork({...config, output}, random).write(x);
    const sums = tf.matMul(x.expandDims(1), kernel0!).add(bias0!.expandDims(1));
    return sums.greater(0).mean().dataSync()[0]!;
  };
  assert.equal(active('sigmoid'), 1);
  assert.ok(active('signed') < 0.9, `${active('signed')}`);
});

test('scales are the standard deviations of a network that starts well', () => {
  assert.equal(blockScale(guideLayout, 'kernel0'), Math.sqrt(2 / 784));
  assert.equal(blockScale(guideLayout, 'kernel1'), Math.sqrt(1 / 64));
  assert.equal(blockScale(guideLayout, 'bias0'), Math.sqrt(1 / 784));
  const layout = new WeightLayout({other: [3]});
  assert.throws(() => blockScale(layout, 'other'), /other belongs to no dense layer/);
});

test('one input for all networks, and inputs of their own', () => {
  const random = new Random(5);
  const layout = denseLayout([3, 4, 2]);
  const generated = layout.cut(random.normals([6, layout.size]));
  const x = random.normals<tf.Rank.R3>([1, 7, 3]);
  for (const activation of ['relu', 'tanh'] as const) {
    const shared = runNetworks(x, generated, activation);
    assert.deepEqual(shared.shape, [6, 7, 2]);
    close(activation, shared, runNetworks(x.tile([6, 1, 1]), generated, activation), {atol: 1e-5});
  }
});

test('training lowers the cross-entropy of each writer', () => {
  const random = new Random(8);
  const layout = denseLayout([12, 8, 4]);
  const x = random.stream('x').uniforms<tf.Rank.R2>([16, 12]);
  const labels = x.slice([0, 0], [-1, 4]).argMax<tf.Tensor1D>(1); // int32
  const sizes = {inputs: 12, hidden: 8, layout};
  const writers: NetworkWriter[] = [
    new Hypernetwork({...sizes, output: 'sigmoid'}, random),
    new Hypernetwork({...sizes, output: 'signed'}, random),
    new ChunkedHypernetwork({...sizes, embedding: 4, generatorHidden: 8, chunk: 32}, random),
  ];
  for (const writer of writers) {
    const optimizer = adam({learningRate: 1e-2});
    const step = trainingStep({weights: writer.weights, optimizer, loss: lossOf(writer)});
    const losses = Array.from({length: 100}, () => step.run({x, labels})['loss']);
    step.dispose();
    assert.ok(losses[99]! < 0.5 * losses[0]!, `${losses[0]} to ${losses[99]}`);
  }
});

test('a second loss and gradient leaves no tensor behind', async () => {
  const writer = new Hypernetwork(
    {inputs: 4, hidden: 3, layout: denseLayout([4, 3, 2]), output: 'signed'},
    new Random(1),
  );
  const examples = {x: tf.ones<tf.Rank.R2>([2, 4]), labels: tf.tensor1d([1, 0], 'int32')};
  await leavesNoTensor(() => writer.write(examples.x));
  await leavesNoTensor(() => tf.tidy(() => ({...lossOf(writer)(examples)})));
  await leavesNoTensor(() =>
    tf.variableGrads(
      () => tf.tidy(() => lossOf(writer)(examples).loss),
      Object.values(writer.weights),
    ),
  );
  await leavesNoTensor(() => chunked().dispose());
});

test('what does not fit is refused by name', () => {
  const layout = denseLayout([3, 2]);
  assert.throws(
    () => layout.cut(tf.ones([1, 7])),
    /WeightLayout.cut: rows has shape \[1,7\], expected \[B,8\]/,
  );
  assert.throws(() => denseLayout([3]), /denseLayout: 1 widths/);
  assert.throws(() => new WeightLayout({a: [2, 0]}), /WeightLayout: a has shape \[2,0\]/);
  assert.throws(() => new WeightLayout({}), /no block is named/);
  const generated = layout.cut(tf.ones([2, 8]));
  assert.throws(
    () => runNetworks(tf.ones([3, 1, 3]), generated),
    /runNetworks: input has shape \[3,1,3\], expected \[B,N,I\].* Give each network inputs/,
  );
  assert.throws(
    () => runNetworks(tf.ones([1, 1, 3]), {kernel0: generated['kernel0']!}),
    /kernel0 or bias0 is missing/,
  );
  assert.throws(
    () => categoricalNegativeLogLikelihood(tf.ones([2, 3]), tf.tensor1d([1], 'int32')),
    /labels has shape \[1\], expected \[B\] with/,
  );
  const bad = {inputs: 3, hidden: 2, embedding: 0, generatorHidden: 2, chunk: 4, layout};
  assert.throws(() => new ChunkedHypernetwork(bad, new Random(1)), /embedding is 0/);
});
