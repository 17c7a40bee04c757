/** Whether our own kernels are taken: only where they are built, suit and are wanted. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {before, test} from 'node:test';
import {nativeBackend} from 'latent-lib/tensor/native-backend';
import {kernelFile} from 'latent-lib/tensor/kernel-files';
import {loadKernels, nativeKernels} from 'latent-lib/tensor/native-kernels';
import {ready, tf} from 'latent-lib/tensor/tf';

before(ready);

const whereCompiled = {skip: !tf.findBackendFactory('tensorflow')};

test('kernels that are not built are not used', () => {
  const report = loadKernels(path.join(os.tmpdir(), 'no-such-folder', 'kernels.node'));
  assert.deepEqual(report, {used: false, multiplies: false, why: 'they are not built'});
});

test('a file that is no library is passed over', t => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kernels-'));
  t.after(() => fs.rmSync(folder, {recursive: true}));
  const file = path.join(folder, 'kernels.node');
  fs.writeFileSync(file, 'no library');
  const {used, why} = loadKernels(file);
  assert.equal(used, false);
  assert.match(why, /^they do not load: /);
});

test('kernels for another TensorFlow have another name, so they are not even opened', () => {
  assert.notEqual(kernelFile('2.20.0'), kernelFile('2.21.0'));
  assert.equal(loadKernels(kernelFile('0.0.0')).why, 'they are not built');
});

test('kernels of another version are ignored', whereCompiled, t => {
  const file = kernelFile(nativeBackend()!.binding.TF_Version);
  if (!fs.existsSync(file)) return t.skip('not built here');
  assert.match(loadKernels(file, 1e6).why, /^they are version \d+, expected 1000000$/);
  const {used, why} = loadKernels(file);
  assert.deepEqual([used, why], [true, '']);
});

test('LATENT_KERNELS=0 does without, from the next recording on', whereCompiled, t => {
  const before = process.env['LATENT_KERNELS'];
  t.after(() => {
    if (before === undefined) delete process.env['LATENT_KERNELS'];
    else process.env['LATENT_KERNELS'] = before;
  });
  process.env['LATENT_KERNELS'] = '0';
  assert.equal(nativeKernels().used, false);
  delete process.env['LATENT_KERNELS'];
  const isBuilt = fs.existsSync(kernelFile(nativeBackend()!.binding.TF_Version));
  assert.equal(nativeKernels().used, isBuilt && !nativeBackend()!.isUsingGpuDevice);
});

test('they are used, or it is said why not', () => {
  const {used, why} = nativeKernels();
  assert.equal(used, why === '');
  if (nativeBackend() === undefined) assert.equal(why, 'the backend is not native TensorFlow');
});
