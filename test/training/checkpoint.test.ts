import assert from 'node:assert/strict';
import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {ready, tf} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {Dense} from 'latent-lib/layers/dense';
import {DenseVae} from 'latent-lib/models/dense-vae';
import {adam} from 'latent-lib/training/optimizer';
import {trainingStep} from 'latent-lib/training/step';
import {
  loadCheckpoint,
  loadWeights,
  resumeTraining,
  saveCheckpoint,
  saveTraining,
} from 'latent-lib/training/checkpoint';
import {writeSafetensors} from 'latent-lib/training/safetensors';
import {writeWhole} from 'latent-lib/training/write-whole';
import {close} from '../helpers/close';
import {leavesNoTensor} from '../helpers/memory';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'checkpoint test '));
const at = (name: string): string => path.join(folder, name);

before(ready);
after(() => fs.rmSync(folder, {recursive: true}));

const config = {pixels: 6, hidden: 5, latents: 2};

test('a model that is saved and loaded into another gives the same output', () => {
  const [first, second] = [1, 2].map(seed => new DenseVae(config, new Random(seed)));
  const z = new Random(1).normals<tf.Rank.R2>([3, 2]);
  saveCheckpoint(at('vae.safetensors'), first!.weights, {seed: '1'});
  const metadata = loadWeights(at('vae.safetensors'), second!.weights);
  assert.deepEqual(metadata, {seed: '1'});
  close('logits', second!.decode(z), first!.decode(z), {atol: 0});
});

test('float32, int32, bool, scalars and empty tensors come back as they were', () => {
  const tensors = {
    float: tf.tensor2d([
      [1.5, -0],
      [NaN, Infinity],
    ] as [number, number][]),
    int: tf.tensor1d([-(2 ** 31), 2 ** 31 - 1], 'int32'),
    bool: tf.tensor1d([true, false, true], 'bool'),
    scalar: tf.scalar(7, 'int32'),
    empty: tf.zeros([0, 3]),
  };
  saveCheckpoint(at('kinds.safetensors'), tensors);
  const loaded = loadCheckpoint(at('kinds.safetensors')).tensors;
  assert.deepEqual(Object.keys(loaded).sort(), Object.keys(tensors).sort());
  for (const [name, {dtype, shape}] of Object.entries(tensors)) {
    assert.equal(loaded[name]?.dtype, dtype);
    assert.deepEqual(loaded[name]?.shape, shape);
  }
  assert.deepEqual(Array.from(loaded['float']!.dataSync()), [1.5, -0, NaN, Infinity]);
  assert.deepEqual(Array.from(loaded['int']!.dataSync()), [-(2 ** 31), 2 ** 31 - 1]);
  assert.deepEqual(Array.from(loaded['bool']!.dataSync()), [1, 0, 1]);
  const text = {text: tf.tensor1d(['a'])} as unknown as Record<string, tf.Tensor>;
  assert.throws(() => saveCheckpoint(at('text.safetensors'), text), /text is string, expected/);
});

test('a training that stops and resumes goes on as if it had not', () => {
  const x = new Random(5).uniforms<tf.Rank.R2>([4, 6]);
  const epsilon = (step: number) => new Random(6).stream(`${step}`).normals<tf.Rank.R2>([4, 2]);
  const start = (seed: number) => {
    const vae = new DenseVae(config, new Random(seed));
    const step = trainingStep({
      weights: vae.weights,
      optimizer: adam({learningRate: 0.05}),
      loss: (inputs: {x: tf.Tensor2D; epsilon: tf.Tensor2D}) => vae.elbo(inputs.x, inputs.epsilon),
    });
    return {vae, step, train: (number: number) => step.run({x, epsilon: epsilon(number)})};
  };
  const whole = start(1);
  for (const number of [0, 1, 2, 3, 4]) whole.train(number);
  const [stopped, resumed] = [start(1), start(2)];
  for (const number of [0, 1, 2]) stopped.train(number);
  saveTraining(at('run.safetensors'), stopped.step, {epoch: '3'});
  assert.deepEqual(resumeTraining(at('run.safetensors'), resumed.step), {epoch: '3'});
  assert.equal(resumed.step.steps, 3);
  for (const number of [3, 4]) resumed.train(number);
  const z = epsilon(9);
  close('logits', resumed.vae.decode(z), whole.vae.decode(z), {atol: 0});

  const evaluated = new DenseVae(config, new Random(3));
  loadWeights(at('run.safetensors'), evaluated.weights, 'weight.');
  close('weights of the state', evaluated.decode(z), stopped.vae.decode(z), {atol: 0});
  assert.throws(() => loadWeights(at('run.safetensors'), evaluated.weights), /Missing: encoder/);
});

test('missing, unexpected and misshapen tensors are named, and nothing is set', () => {
  const layer = new Dense({inputs: 3, units: 2}, new Random(1));
  const old = layer.kernel.arraySync();
  const file = at('other model.safetensors');
  saveCheckpoint(file, {kernel: tf.zeros([2, 3]), biases: tf.zeros([2])});
  assert.throws(() => loadWeights(file, layer.weights), {
    name: 'ShapeError',
    message:
      `loadWeights: ${file} holds another model's weights. Missing: bias. ` +
      'Unexpected: biases. kernel has shape [2,3], expected [3,2].',
  });
  assert.deepEqual(layer.kernel.arraySync(), old);
});

test('a damaged file, a missing file and foreign numbers each say so', () => {
  const file = at('damaged.safetensors');
  saveCheckpoint(file, {x: tf.ones([100])});
  fs.truncateSync(file, 300);
  assert.throws(() => loadCheckpoint(file), /damaged\.safetensors: 300 bytes long, expected \d+/);
  assert.throws(() => loadCheckpoint(at('none.safetensors')), /ENOENT.*none\.safetensors/);
  const data = Float64Array.of(1);
  writeSafetensors(file, {tensors: {x: {dtype: 'F64', shape: [1], data}}, metadata: {}});
  assert.throws(() => loadCheckpoint(file), /damaged\.safetensors: x is F64, expected F32/);
});

test('saving and loading leave no tensor behind, also when they fail', async () => {
  const layer = new Dense({inputs: 3, units: 2}, new Random(1));
  const training = {state: () => ({x: tf.ones([2])}), restore: () => undefined};
  await leavesNoTensor(() => {
    saveCheckpoint(at('leak.safetensors'), layer.weights);
    loadWeights(at('leak.safetensors'), layer.weights);
    assert.throws(() => loadWeights(at('leak.safetensors'), layer.weights, 'other.'));
    saveTraining(at('training.safetensors'), training);
    resumeTraining(at('training.safetensors'), training);
    return loadCheckpoint(at('leak.safetensors')).tensors;
  });
});

/** Runs a script in a process of its own; it finds `writeWhole` and its file in `target`. */
function script(target: string, code: string): string {
  const module = JSON.stringify(require.resolve('latent-lib/training/write-whole'));
  return `const {writeWhole} = require(${module}); const target = ${JSON.stringify(target)}; ${code}`;
}

test('a write that the disk refuses leaves the old file and no other', () => {
  const target = at('full/run.safetensors');
  writeWhole(target, Buffer.from('the old checkpoint'));
  // ulimit -f counts blocks of 512 or 1024 bytes: the fourth megabyte is refused either way
  const code = script(target, 'writeWhole(target, Buffer.alloc(4_000_000, 1));');
  const {status, stderr} = spawnSync(
    'sh',
    ['-c', 'ulimit -f 1000; exec "$0" -e "$1"', process.execPath, code],
    {
      encoding: 'utf8',
    },
  );
  assert.notEqual(status, 0);
  assert.match(stderr, /run\.safetensors was not written; what was there is untouched\. EFBIG/);
  assert.equal(fs.readFileSync(target, 'utf8'), 'the old checkpoint');
  assert.deepEqual(fs.readdirSync(path.dirname(target)), ['run.safetensors']);
});

test('a folder that cannot be written to is named', () => {
  fs.writeFileSync(at('plain file'), '');
  const target = path.join(at('plain file'), 'run.safetensors');
  assert.throws(
    () => writeWhole(target, Buffer.alloc(1)),
    /run\.safetensors was not written.*(ENOTDIR|EEXIST)/,
  );
});

test('a folder that stands in the file’s place stays, and nothing beside it', () => {
  const target = at('places/run.safetensors');
  fs.mkdirSync(path.join(target, 'kept'), {recursive: true});
  assert.throws(() => writeWhole(target, Buffer.alloc(1)), /run\.safetensors was not written/);
  assert.deepEqual(fs.readdirSync(path.dirname(target)), ['run.safetensors']);
});

test(
  'a process killed while it writes leaves a whole file, old or new',
  {timeout: 60_000},
  async () => {
    const target = at('killed/run.safetensors');
    const size = 3_000_000;
    const code = script(
      target,
      `for (let round = 1; ; round++) {
       writeWhole(target, Buffer.alloc(${size}, round % 250));
       if (round === 1) console.log('first');
     }`,
    );
    for (const delay of [1, 4, 9, 13, 22, 31]) {
      const child = spawn(process.execPath, ['-e', code], {stdio: ['ignore', 'pipe', 'inherit']});
      await once(child.stdout, 'data');
      await new Promise(resolve => setTimeout(resolve, delay));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const bytes = fs.readFileSync(target);
      assert.equal(bytes.length, size);
      assert.ok(
        bytes.every(byte => byte === bytes[0]),
        'bytes of two rounds in one file',
      );
    }
    writeWhole(target, Buffer.from('last'));
    assert.deepEqual(fs.readdirSync(path.dirname(target)), ['run.safetensors']);
  },
);
