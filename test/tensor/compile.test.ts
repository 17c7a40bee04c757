import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {compile} from 'latent-lib/tensor/compile';
import {nativeBackend} from 'latent-lib/tensor/native-backend';
import {Random} from 'latent-lib/tensor/random';
import {ready, tf} from 'latent-lib/tensor/tf';
import {close} from '../helpers/close';

// A folder of its own: other processes load graphs at the same time.
process.env['TMPDIR'] = fs.mkdtempSync(path.join(os.tmpdir(), 'compile test '));
before(ready);
after(() => fs.rmSync(os.tmpdir(), {recursive: true, force: true}));

/** What must be compiled to be tested; on other backends functions run eagerly. */
const whereCompiled = {skip: !tf.findBackendFactory('tensorflow')};

test('a compiled function returns what the function returns', () => {
  const kernel = tf.variable(new Random(1).normals<tf.Rank.R2>([3, 2]));
  const fn = ({x}: {x: tf.Tensor2D}) => ({y: tf.matMul(x, kernel).relu(), sum: x.sum()});
  const compiled = compile(fn);
  for (const seed of [2, 3, 4]) {
    const x = new Random(seed).normals<tf.Rank.R2>([4, 3]);
    const [got, want] = [compiled({x}), fn({x})];
    close('y', got.y, want.y, {atol: 1e-6});
    close('sum', got.sum, want.sum, {atol: 1e-6});
  }
  compiled.dispose();
  kernel.dispose();
});

test('variables are read anew at every call, clones of them keep their value', () => {
  const scale = tf.variable(tf.scalar(2));
  const before = scale.clone();
  const compiled = compile(({x}: {x: tf.Tensor1D}) => ({now: x.mul(scale), then: x.mul(before)}));
  const x = tf.tensor1d([1, 2]);
  assert.deepEqual(Array.from(compiled({x}).now.dataSync()), [2, 4]);
  scale.assign(tf.scalar(10));
  const {now, then} = compiled({x});
  assert.deepEqual(Array.from(now.dataSync()), [10, 20]);
  assert.deepEqual(Array.from(then.dataSync()), [2, 4]);
  compiled.dispose();
  scale.dispose();
});

test(
  'a tensor from outside is a constant, small or large, even after it is disposed',
  whereCompiled,
  () => {
    for (const size of [3, 400_000]) {
      const offset = tf.range(0, size).add<tf.Tensor1D>(0);
      const raw = tf.tensor1d(new Float32Array(size).fill(2));
      const compiled = compile(({x}: {x: tf.Scalar}) => ({y: offset.mul(raw).add(x).max()}));
      const x = tf.scalar(1);
      assert.equal(compiled({x}).y.dataSync()[0], 2 * (size - 1) + 1);
      tf.dispose([offset, raw]);
      assert.equal(compiled({x}).y.dataSync()[0], 2 * (size - 1) + 1);
      compiled.dispose();
    }
  },
);

test('inputs may be variables, the same tensor twice, and outputs inputs', () => {
  const v = tf.variable(tf.tensor1d([1, 2]));
  const compiled = compile(({a, b}: {a: tf.Tensor1D; b: tf.Tensor1D}) => ({
    sum: a.add(b).add(v),
    a,
    v,
  }));
  const run = (a: tf.Tensor1D, b: tf.Tensor1D) => Array.from(compiled({a, b}).sum.dataSync());
  assert.deepEqual(run(v, v), [3, 6]);
  const x = tf.tensor1d([5, 5]);
  assert.deepEqual(run(x, v), [7, 9]);
  assert.deepEqual(run(v, x), [7, 9]);
  const result = compiled({a: x, b: x});
  x.dispose();
  assert.deepEqual(Array.from(result.a.dataSync()), [5, 5]);
  assert.deepEqual(Array.from(result.v.dataSync()), [1, 2]);
  compiled.dispose();
  v.dispose();
});

test('dtypes other than float32 pass through', () => {
  const compiled = compile(({ids, mask}: {ids: tf.Tensor1D; mask: tf.Tensor1D}) => ({
    next: ids.add(tf.scalar(1, 'int32')),
    not: mask.logicalNot(),
    hot: tf.oneHot(ids, 4),
  }));
  const ids = tf.tensor1d([0, 2], 'int32');
  const {next, not, hot} = compiled({ids, mask: tf.tensor1d([true, false], 'bool')});
  assert.deepEqual([next.dtype, not.dtype, Array.from(next.dataSync())], ['int32', 'bool', [1, 3]]);
  assert.deepEqual(Array.from(not.dataSync()), [0, 1]);
  assert.deepEqual(hot.arraySync(), [
    [1, 0, 0, 0],
    [0, 0, 1, 0],
  ]);
  compiled.dispose();
});

test('it is recorded once a signature', whereCompiled, () => {
  let calls = 0;
  const compiled = compile(({x}: {x: tf.Tensor}) => {
    calls += 1;
    return {y: x.square()};
  });
  for (const size of [2, 3, 2, 3, 2]) compiled({x: tf.ones([size])}).y.dispose();
  compiled({x: tf.ones([2], 'int32')}).y.dispose();
  assert.equal(calls, 6, 'two calls a recording: float32[2], float32[3], int32[2]');
  assert.deepEqual(compiled.recordings.map(({signature}) => signature).sort(), [
    'x: float32[2]',
    'x: float32[3]',
    'x: int32[2]',
  ]);
  for (const {operations, bytes, milliseconds} of compiled.recordings) {
    assert.ok(operations >= 3 && bytes > 50 && milliseconds > 0);
  }
  compiled.dispose();
  assert.equal(compiled.recordings.length, 0);
});

test(
  'a shape that changes every call warns with the number of recordings',
  whereCompiled,
  async () => {
    const warnings: string[] = [];
    const listen = (warning: Error) => warnings.push(warning.message);
    process.on('warning', listen);
    const compiled = compile(function grow({x}: {x: tf.Tensor}) {
      return {y: x.add(1)};
    });
    for (let size = 1; size <= 40; size++) compiled({x: tf.ones([size])}).y.dispose();
    await new Promise(resolve => setImmediate(resolve));
    process.off('warning', listen);
    const relevant = warnings.filter(text => text.includes('recorded'));
    assert.equal(relevant.length, 1);
    assert.match(
      relevant[0]!,
      /compile\(grow\) has been recorded 8 times, last for x: float32\[8\]/,
    );
    assert.ok(compiled.recordings.length <= 32, 'old recordings are dropped');
    compiled.dispose();
  },
);

const refused: Record<string, [(inputs: {x: tf.Tensor1D}) => unknown, RegExp]> = {
  'a value read with dataSync': [({x}) => ({y: x.mul(x.dataSync()[0]!)}), /value is read/],
  'a value read with arraySync': [({x}) => ({y: x.mul(x.arraySync()[0]!)}), /value is read/],
  'tf.randomNormal': [({x}) => ({y: x.add(tf.randomNormal([2]))}), /tf\.randomNormal draws/],
  'a seeded tf.randomUniform': [
    ({x}) => ({y: x.add(tf.randomUniform([2], 0, 1, 'float32', 7))}),
    /tf\.randomUniform draws/,
  ],
  'tf.dropout': [({x}) => ({y: tf.dropout(x, 0.5)}), /tf\.dropout draws in JavaScript/],
  'tf.truncatedNormal': [({x}) => ({y: x.add(tf.truncatedNormal([2]))}), /truncatedNormal draws/],
  'Math.random': [({x}) => ({y: x.mul(Math.random())}), /two calls .* differ .*Const/],
  'a coin that changes the ops': [
    (() => {
      let calls = 0;
      return ({x}: {x: tf.Tensor1D}) => ({y: (calls += 1) % 2 === 0 ? x : x.square()});
    })(),
    /two calls with the same inputs differ/,
  ],
  'an advancing stream': [
    (() => {
      const random = new Random(3);
      return ({x}: {x: tf.Tensor1D}) => ({y: x.add(random.normals([2]))});
    })(),
    /two calls with the same inputs differ/,
  ],
  'an advancing stream of a million numbers': [
    (() => {
      const random = new Random(3);
      return ({x}: {x: tf.Tensor1D}) => ({y: random.uniforms([300_000]).sum().add(x)});
    })(),
    /two calls with the same inputs differ \(a large tensor\)/,
  ],
  'a variable created inside': [
    ({x}) => ({y: x.add(tf.variable(tf.scalar(1), true, 'inside'))}),
    /creates 1 variable\(s\) inside \(inside\)/,
  ],
  'a bare tensor': [({x}) => x.add(1), /returns a bare tensor, expected an object/],
  'a number among the outputs': [({x}) => ({y: x, n: 3}), /the output n is number/],
  'a promise': [async ({x}) => Promise.resolve({y: x}), /returns a promise/],
};

for (const [title, [fn, message]] of Object.entries(refused)) {
  test(`refused with a word: ${title}`, whereCompiled, () => {
    const x = tf.tensor1d([1, 2]);
    const tensors = tf.memory().numTensors;
    const variables = Object.keys(tf.engine().registeredVariables).length;
    const compiled = compile(fn as (inputs: {x: tf.Tensor1D}) => {y: tf.Tensor});
    assert.throws(() => compiled({x}), {name: 'RecordingError', message});
    assert.equal(tf.memory().numTensors, tensors, 'and nothing is left behind');
    assert.equal(Object.keys(tf.engine().registeredVariables).length, variables);
    assert.deepEqual(Array.from(x.add(1).dataSync()), [2, 3], 'and the backend is as before');
  });
}

test('refused with a word: a variable assigned inside', whereCompiled, () => {
  const count = tf.variable(tf.scalar(0), false, 'count');
  const compiled = compile(({x}: {x: tf.Scalar}) => {
    count.assign(count.add(1));
    return {y: x.add(count)};
  });
  assert.throws(() => compiled({x: tf.scalar(1)}), /assigns the variable count inside/);
  count.dispose();
});

test('inputs that are no tensors, or disposed, are named', whereCompiled, () => {
  const compiled = compile(({x}: {x: tf.Tensor}) => ({y: x.add(1)}));
  assert.throws(() => compiled({x: 3 as unknown as tf.Tensor}), /The input x is number/);
  const gone = tf.scalar(1);
  gone.dispose();
  assert.throws(() => compiled({x: gone}), /The input x is a disposed tensor/);
});

test('inside another compiled function and inside tf.grad it just runs', () => {
  const square = compile(({x}: {x: tf.Scalar}) => ({y: x.square()}));
  const fourth = compile(({x}: {x: tf.Scalar}) => ({y: square({x: square({x}).y}).y}));
  assert.equal(fourth({x: tf.scalar(2)}).y.dataSync()[0], 16);
  const slope = tf.grad((x: tf.Tensor) => square({x: x as tf.Scalar}).y);
  assert.equal(slope(tf.scalar(3)).dataSync()[0], 6);
  assert.equal(square.recordings.length, 0);
  tf.dispose([square, fourth].map(compiled => compiled.dispose()));
});

test(
  'a thousand calls leave no tensor, no folder; dispose leaves no session',
  whereCompiled,
  () => {
    const {binding} = nativeBackend()!;
    const sessions = binding.getNumOfSavedModels();
    const table = tf.ones([400_000]);
    tf.dispose(table.square()); // now TensorFlow holds it
    const handlesBefore = binding.getNumOfTensors();
    const compiled = compile(({x}: {x: tf.Tensor1D}) => ({
      y: x.add(1),
      sum: table.sum().add(x.sum()),
    }));
    const x = tf.tensor1d([1, 2]);
    tf.dispose(compiled({x}));
    const [tensors, handles] = [tf.memory().numTensors, binding.getNumOfTensors()];
    for (let call = 0; call < 1000; call++) tf.dispose(compiled({x}));
    assert.equal(tf.memory().numTensors, tensors);
    assert.equal(binding.getNumOfTensors(), handles);
    assert.deepEqual(fs.readdirSync(os.tmpdir()), []);
    assert.equal(binding.getNumOfSavedModels(), sessions + 1);
    compiled.dispose();
    compiled.dispose();
    assert.equal(binding.getNumOfSavedModels(), sessions);
    x.dispose();
    assert.equal(binding.getNumOfTensors(), handlesBefore, 'handles of captured tensors are freed');
  },
);

test('a kernel that fails says so, and the function can be called again', whereCompiled, () => {
  const table = tf.variable(tf.tensor2d([[1], [2]]));
  const compiled = compile(({ids}: {ids: tf.Tensor1D}) => ({rows: tf.gather(table, ids)}));
  const rows = (ids: number[]) => compiled({ids: tf.tensor1d(ids, 'int32')}).rows;
  assert.deepEqual(rows([1, 0]).arraySync(), [[2], [1]]);
  assert.throws(() => rows([0, 7]), /indices.* = 7 is not in \[0, 2\)/);
  assert.deepEqual(rows([0, 0]).arraySync(), [[1], [1]]);
  compiled.dispose();
});
