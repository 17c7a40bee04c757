import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {compile} from 'latent-lib/tensor/compile';
import {nativeBackend} from 'latent-lib/tensor/native-backend';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {adam, sgd} from 'latent-lib/training/optimizer';
import {trainingStep, type TrainingStep} from 'latent-lib/training/step';
import {close} from '../helpers/close';

before(ready);

/** What must be compiled to be tested; on other backends functions run eagerly. */
const whereCompiled = {skip: !tf.findBackendFactory('tensorflow')};

type Inputs = {x: tf.Tensor2D; epsilon: tf.Tensor2D; beta: tf.Scalar};

/** A small variational autoencoder, written out. */
class Toy {
  readonly weights: Record<string, tf.Variable>;

  constructor(seed = 1) {
    const random = new Random(seed);
    const matrix = (name: string, rows: number, columns: number) =>
      tf.tidy(() => {
        const start = random.stream(name).normals<tf.Rank.R2>([rows, columns]);
        return tf.variable(start.mul<tf.Tensor2D>(0.3));
      });
    this.weights = {
      'encoder.kernel': matrix('encoder', 6, 4),
      'encoder.bias': tf.tidy(() => tf.variable(tf.tensor1d([0.1, -0.2, 0.3, 0.05]))),
      'decoder.kernel': matrix('decoder', 2, 6),
    };
  }

  encode(x: tf.Tensor2D) {
    const kernel = this.weights['encoder.kernel'] as tf.Tensor2D;
    const out = tf.matMul(x.tanh(), kernel).add(this.weights['encoder.bias']!);
    const [mean, logVar] = tf.split(out, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
    return {mean, logVar};
  }

  loss({x, epsilon, beta}: Inputs) {
    const {mean, logVar} = this.encode(x);
    const z = mean.add<tf.Tensor2D>(logVar.mul(0.5).exp().mul(epsilon));
    const y = tf.matMul(z, this.weights['decoder.kernel'] as tf.Tensor2D);
    const reconstruction = x.sub(y).square().sum<tf.Tensor1D>(1).mul(0.5);
    const kl = mean.square().add(logVar.exp()).sub(1).sub(logVar).sum(1).mul(0.5);
    return {loss: reconstruction.add(kl.mul(beta)).mean<tf.Scalar>(), reconstruction, kl};
  }

  step(options: {compiled?: boolean; clipNorm?: number} = {}): TrainingStep<Inputs> {
    const loss = (inputs: Inputs) => this.loss(inputs);
    return trainingStep({
      weights: this.weights,
      optimizer: adam({learningRate: 0.02}),
      loss,
      ...options,
    });
  }

  dispose() {
    for (const weight of Object.values(this.weights)) weight.dispose();
  }
}

function batch(seed: number, size = 5): Inputs {
  const random = new Random(seed);
  return {
    x: random.stream('x').normals<tf.Rank.R2>([size, 6]),
    epsilon: random.stream('epsilon').normals<tf.Rank.R2>([size, 2]),
    beta: tf.scalar(Math.min(1, seed / 20)),
  };
}

function equalSteps(options: {clipNorm?: number}): void {
  const [one, two] = [new Toy(), new Toy()];
  const [compiled, eager] = [
    one.step({...options, compiled: true}),
    two.step({...options, compiled: false}),
  ];
  for (let seed = 1; seed <= 50; seed++) {
    const inputs = batch(seed, seed % 10 === 0 ? 3 : 5);
    const learningRate = 0.02 * 0.95 ** seed;
    const [got, want] = [compiled.run(inputs, {learningRate}), eager.run(inputs, {learningRate})];
    assert.deepEqual(Object.keys(got), ['loss', 'reconstruction', 'kl']);
    for (const [name, value] of Object.entries(want)) {
      assert.ok(Math.abs(got[name]! - value) <= 1e-5 * Math.abs(value), `${name} at step ${seed}`);
    }
    tf.dispose(inputs);
  }
  const [left, right] = [compiled.state(), eager.state()];
  assert.deepEqual(Object.keys(left), Object.keys(right));
  for (const [name, value] of Object.entries(right)) {
    const largest = value.abs().max().dataSync()[0]!;
    close(name, left[name]!, value, {atol: 1e-5 * largest});
  }
  tf.dispose([left, right]);
  for (const owned of [compiled, eager, one, two]) owned.dispose();
}

test('fifty compiled steps equal fifty eager ones: terms, weights and moments', () =>
  equalSteps({}));
test('also with gradients clipped', () => equalSteps({clipNorm: 0.5}));

test('the loss falls', () => {
  const toy = new Toy();
  const step = toy.step();
  const inputs = batch(3);
  const first = step.run(inputs)['loss']!;
  let last = first;
  for (let i = 0; i < 200; i++) last = step.run(inputs)['loss']!;
  assert.ok(last < 0.7 * first, `${first} to ${last}`);
  step.dispose();
  toy.dispose();
});

test('nobody sees a stale weight: eager code, another compiled function, another step', () => {
  const [one, two] = [new Toy(), new Toy()];
  const [compiled, eager] = [one.step({compiled: true}), two.step({compiled: false})];
  const encode = compile(({x}: {x: tf.Tensor2D}) => one.encode(x));
  const other = one.step({compiled: true});
  const otherEager = two.step({compiled: false});
  for (let seed = 1; seed <= 6; seed++) {
    const inputs = batch(seed);
    compiled.run(inputs);
    eager.run(inputs);
    if (seed % 2 === 0) {
      other.run(inputs);
      otherEager.run(inputs);
    }
    const want = two.encode(inputs.x);
    close('compiled encode', encode({x: inputs.x}).mean, want.mean, {atol: 1e-5});
    close('eager encode', one.encode(inputs.x).logVar, want.logVar, {atol: 1e-5});
  }
  for (const owned of [compiled, eager, other, otherEager, encode, one, two]) owned.dispose();
});

test('what a weight was stays what it was: clones survive later steps', () => {
  const toy = new Toy();
  const step = toy.step();
  const kernel = toy.weights['encoder.kernel']!;
  const start = kernel.clone();
  const startValues = start.arraySync();
  step.run(batch(1));
  const unseen = kernel.clone(); // nobody has looked at this value yet
  step.run(batch(2));
  step.run(batch(3));
  assert.deepEqual(start.arraySync(), startValues);
  const again = new Toy();
  const replay = again.step();
  replay.run(batch(1));
  assert.deepEqual(unseen.arraySync(), again.weights['encoder.kernel']!.arraySync());
  assert.notDeepEqual(kernel.arraySync(), unseen.arraySync());
  for (const owned of [step, replay, toy, again, start, unseen]) owned.dispose();
});

test('a weight assigned from outside is what the next step starts from', () => {
  const [one, two] = [new Toy(), new Toy()];
  const [compiled, eager] = [one.step({compiled: true}), two.step({compiled: false})];
  const run = (seed: number) => [compiled, eager].map(step => step.run(batch(seed))['loss']!);
  run(1);
  for (const toy of [one, two]) {
    const bias = toy.weights['encoder.bias']!;
    tf.tidy(() => bias.assign(bias.add(0.5)));
  }
  const [got, want] = run(2);
  assert.ok(Math.abs(got! - want!) < 1e-5 * Math.abs(want!), `${got}, ${want}`);
  const name = 'encoder.kernel';
  close('kernel', one.weights[name]!, two.weights[name]!, {atol: 1e-6});
  for (const owned of [compiled, eager, one, two]) owned.dispose();
});

test('a killed run resumes exactly: state, new process, restore', () => {
  const whole = new Toy();
  const step = whole.step({clipNorm: 1});
  for (let seed = 1; seed <= 10; seed++) step.run(batch(seed));
  const [first, second] = [new Toy(), new Toy(99)];
  const killed = first.step({clipNorm: 1});
  for (let seed = 1; seed <= 4; seed++) killed.run(batch(seed));
  const state = killed.state();
  const stored = Object.entries(state).map(([name, tensor]) => ({
    name,
    values: Array.from(tensor.dataSync()),
    shape: tensor.shape,
    dtype: tensor.dtype,
  }));
  tf.dispose(state);
  killed.dispose();
  const resumed = second.step({clipNorm: 1});
  const loaded = stored.map(({name, values, shape, dtype}) => {
    return [name, tf.tensor(values, shape, dtype)] as const;
  });
  resumed.restore(Object.fromEntries(loaded));
  assert.equal(resumed.steps, 4);
  for (let seed = 5; seed <= 10; seed++) resumed.run(batch(seed));
  for (const name of Object.keys(whole.weights)) {
    assert.deepEqual(second.weights[name]!.arraySync(), whole.weights[name]!.arraySync(), name);
  }
  for (const owned of [step, resumed, whole, first, second]) owned.dispose();
});

test('a state that does not fit is refused by name, and nothing is changed', () => {
  const toy = new Toy();
  const step = toy.step();
  const state = step.state();
  assert.deepEqual(Object.keys(state), [
    'weight.encoder.kernel',
    'weight.encoder.bias',
    'weight.decoder.kernel',
    ...['encoder.kernel', 'encoder.bias', 'decoder.kernel'].flatMap(name => [
      `adam.m.${name}`,
      `adam.v.${name}`,
    ]),
    'step',
  ]);
  const {step: count, ...rest} = state;
  assert.throws(() => step.restore(rest), /the state has no "step"/);
  assert.throws(
    () => step.restore({...state, 'weight.encoder.bias': tf.zeros([3])}),
    /weight\.encoder\.bias has shape \[3\], expected \[4\]/,
  );
  assert.equal(count!.dataSync()[0], 0);
  step.restore(state);
  tf.dispose(state);
  for (const owned of [step, toy]) owned.dispose();
});

test(
  'a thousand steps leave nothing behind; dispose leaves the trained weights',
  whereCompiled,
  () => {
    const {binding} = nativeBackend()!;
    const start = [
      tf.memory().numTensors,
      binding.getNumOfTensors(),
      binding.getNumOfSavedModels(),
    ];
    const toy = new Toy();
    const step = toy.step();
    const inputs = batch(1);
    const count = () => {
      const {numTensors, numBytes, numDataBuffers} = tf.memory();
      return {numTensors, numBytes, numDataBuffers};
    };
    const before = count();
    step.run(inputs);
    const handles = binding.getNumOfTensors();
    for (let i = 0; i < 1000; i++) tf.tidy(() => step.run(inputs));
    assert.deepEqual(count(), before);
    assert.equal(binding.getNumOfTensors(), handles);
    for (let i = 0; i < 20; i++) {
      step.run(inputs);
      toy.weights['encoder.kernel']!.dataSync();
      tf.tidy(() => void toy.encode(inputs.x));
      tf.dispose(step.state());
    }
    step.run(inputs);
    assert.deepEqual(count(), before);
    assert.equal(binding.getNumOfTensors(), handles);
    step.dispose();
    const trained = toy.weights['encoder.kernel']!.arraySync();
    const replay = new Toy();
    const again = replay.step();
    for (let i = 0; i < 1022; i++) again.run(inputs);
    assert.deepEqual(replay.weights['encoder.kernel']!.arraySync(), trained);
    for (const owned of [again, replay, toy]) owned.dispose();
    tf.dispose(inputs);
    const end = [tf.memory().numTensors, binding.getNumOfTensors(), binding.getNumOfSavedModels()];
    assert.deepEqual(end, start);
  },
);

test('a run leaves no tensor behind, eagerly either', () => {
  const toy = new Toy();
  const step = toy.step({compiled: false});
  const inputs = batch(1);
  step.run(inputs);
  const before = tf.memory();
  for (let i = 0; i < 5; i++) step.run(inputs);
  assert.equal(tf.memory().numTensors, before.numTensors);
  assert.equal(tf.memory().numBytes, before.numBytes);
  for (const owned of [step, toy]) owned.dispose();
});

test('a weight that the loss does not use stays as it is', () => {
  for (const compiled of [true, false]) {
    const [used, idle] = [tf.variable(tf.scalar(1)), tf.variable(tf.scalar(5))];
    const step = trainingStep({
      weights: {used, idle},
      optimizer: sgd({learningRate: 0.1, momentum: 0.9}),
      loss: ({x}: {x: tf.Scalar}) => ({loss: used.mul(x)}),
      compiled,
    });
    step.run({x: tf.scalar(2)});
    close('used', used, 0.8, {atol: 1e-6});
    close('idle', idle, 5, {atol: 0});
    for (const owned of [step, used, idle]) owned.dispose();
  }
});

test('one step is recorded a signature, and reports it', whereCompiled, () => {
  const toy = new Toy();
  const step = toy.step();
  for (const size of [5, 3, 5, 3]) step.run(batch(1, size));
  assert.equal(step.compiled, true);
  assert.deepEqual(
    step.recordings.map(({signature}) => signature),
    [
      'x: float32[5,6], epsilon: float32[5,2], beta: float32[]',
      'x: float32[3,6], epsilon: float32[3,2], beta: float32[]',
    ],
  );
  for (const owned of [step, toy]) owned.dispose();
});

test('misuse is refused with a word', () => {
  const weight = tf.variable(tf.scalar(1));
  const optimizer = sgd({learningRate: 1});
  const make = (loss: () => unknown, more = {}) =>
    trainingStep({weights: {weight}, optimizer, loss: loss as () => {loss: tf.Scalar}, ...more});
  assert.throws(
    () => trainingStep({weights: {}, optimizer, loss: () => ({loss: tf.scalar(1)})}),
    /weights is empty/,
  );
  assert.throws(() => make(() => undefined, {clipNorm: 0}), /clipNorm is 0/);
  assert.throws(
    () => make(() => ({loss: weight.mul([1, 2])})).run({}),
    /loss has shape \[2\], expected a scalar/,
  );
  assert.throws(
    () => make(() => ({loss: weight.square(), n: 1})).run({}),
    /the output n is number/,
  );
  assert.throws(() => make(() => weight.square()).run({}), /returns a bare tensor/);
  const step = make(() => ({loss: weight.square()}));
  step.run({});
  step.dispose();
  step.dispose();
  assert.throws(() => step.run({}), /used after dispose/);
  const orphan = make(() => ({loss: weight.square()}));
  weight.dispose();
  assert.throws(() => orphan.run({}), /the weight weight is disposed/);
  orphan.dispose();
});

test('a loss that cannot be recorded is refused', whereCompiled, () => {
  const weight = tf.variable(tf.scalar(1));
  const make = (loss: (inputs: {x: tf.Scalar}) => {loss: tf.Scalar}) =>
    trainingStep({weights: {weight}, optimizer: sgd({learningRate: 1}), loss});
  const tensors = tf.memory().numTensors;
  const x = tf.scalar(1);
  const reading = make(() => ({loss: weight.mul(weight.dataSync()[0]!)}));
  assert.throws(() => reading.run({x}), {name: 'RecordingError', message: /value is read/});
  const drawing = make(() => ({loss: weight.mul(tf.randomNormal([])).asScalar()}));
  assert.throws(() => drawing.run({x}), {
    name: 'RecordingError',
    message: /tf\.randomNormal draws/,
  });
  x.dispose();
  assert.equal(tf.memory().numTensors, tensors);
  weight.dispose();
});
