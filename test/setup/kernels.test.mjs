/** Our own TensorFlow kernels in the set-up: built once, kept, and done without where that fails. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {run} from '../../misc/setup/run.mjs';
import {fakeClone, COMMANDS} from './fake-clone.mjs';

const FOLDER = 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8';
const KERNELS = `${FOLDER}/latent-kernels-2.21.0.node`;

/** A compiler that fails, or makes something else, for the kernels and not for the addon. */
const kernelsOnly = instead =>
  COMMANDS['c++'].replace('echo addon', `case "$*" in *kernels*) ${instead} ;; esac\necho addon`);

/** @param {Record<string, string | undefined>} [commands] */
function clone(t, commands) {
  const made = fakeClone({commands});
  t.after(made.remove);
  return {...made, there: file => fs.existsSync(path.join(made.folder, file))};
}

test('kernels: built beside the addon, and back after npm ci without the compiler', async t => {
  const {folder, setUp, there} = clone(t);
  const {output, calls} = await setUp();
  assert.match(output, /^Kernels for training steps: [\d.]+ s$/m);
  assert.match(calls, /^c\+\+ .*misc\/native\/kernels\.cc /m);
  assert.ok(there(KERNELS));
  fs.rmSync(path.join(folder, 'node_modules'), {recursive: true});
  const again = await setUp();
  assert.doesNotMatch(again.calls, /c\+\+/);
  assert.ok(there(KERNELS));
});

test('kernels: another source is compiled again, the addon is not', async t => {
  const {setUp, write, there} = clone(t);
  await setUp();
  write('misc/native/kernels.cc', '// another');
  const {calls} = await setUp();
  assert.match(calls, /kernels\.cc/);
  assert.doesNotMatch(calls, /tfjs_binding\.cc/);
  assert.ok(there(KERNELS));
});

test('kernels of another TensorFlow are taken away', async t => {
  const {setUp, write, there} = clone(t);
  await setUp();
  const old = `${FOLDER}/latent-kernels-2.20.0.node`;
  write(old, 'addon');
  await setUp();
  assert.ok(!there(old) && there(KERNELS));
});

test('kernels that do not compile: a remark, said once; all steps are well', async t => {
  const {setUp, there, write} = clone(t, {
    'c++': kernelsOnly('echo "kernels.cc:1:2: error: no"; exit 1'),
  });
  const {code, output, state} = await setUp();
  assert.equal(code, 0);
  assert.deepEqual(
    Object.keys(state).filter(name => !state[name].ok),
    [],
  );
  assert.match(output, /c\+\+ failed: kernels\.cc:1:2: error: no$/m);
  assert.match(output, /use TensorFlow's own kernels/);
  assert.ok(!there(KERNELS));
  const second = await setUp();
  assert.deepEqual([second.output, second.calls], ['', ''], 'and not tried again');
  write('misc/native/kernels.cc', '// mended');
  assert.match((await setUp()).calls, /kernels\.cc/, 'until something has changed');
});

test('kernels that bring Node down are taken away, so that no lesson loads them', async t => {
  const crash = kernelsOnly('while [ "$1" != -o ]; do shift; done; echo crash > "$2"; exit 0');
  const {setUp, there, folder, env} = clone(t, {'c++': crash});
  const {output, state} = await setUp();
  assert.match(output, /They do not load: they end Node with SIGILL\./);
  assert.ok(!there(KERNELS) && !there('.set-up/addon/latent-kernels.node'));
  assert.ok(state.addon.ok && there(`${FOLDER}/tfjs_binding.node`));
  const script = path.join(folder, 'misc/commands/doctor.mjs');
  const doctor = await run(process.execPath, [script], {cwd: folder, env});
  assert.match(doctor.output, /^Own kernels +- /m);
});

test('no compiler: no kernels, and not a word about them', async t => {
  const {setUp, there} = clone(t, {'c++': undefined});
  const {code, output} = await setUp();
  assert.equal(code, 0);
  assert.doesNotMatch(output, /[Kk]ernels/);
  assert.ok(!there(KERNELS));
});
