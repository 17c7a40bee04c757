/** The whole set-up on a fake clone: first time, second time, after changes, after a violent end. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {fakeClone, COMMANDS} from './fake-clone.mjs';

/** @param {Parameters<typeof fakeClone>[0]} [options] */
function clone(t, options) {
  const made = fakeClone(options);
  t.after(made.remove);
  return made;
}

/** @param {Record<string, {ok: boolean}>} state */
const failed = state => Object.keys(state).filter(name => !state[name].ok);

test('a fresh clone, with a space in its path, is set up whole', async t => {
  const {folder, setUp} = clone(t, {name: 'a b'});
  const {code, output, state} = await setUp();
  assert.equal(code, 0, output);
  assert.deepEqual(failed(state), []);
  assert.match(output, /^npm packages: [\d.]+ s$/m);
  assert.match(output, /^Set up in \d+ s, 286 MB downloaded\.$/m);
  assert.equal(state.addon.detail, 'TensorFlow 2.21.0 on CPU, addon compiled here');

  const spec = path.join(folder, '.venv/share/jupyter/kernels/tslab/kernel.json');
  const {argv, language} = JSON.parse(fs.readFileSync(spec, 'utf8'));
  const kernel = path.join(folder, 'misc/kernel/kernel.cjs');
  assert.deepEqual(argv, [process.execPath, kernel, '--config-path', '{connection_file}']);
  assert.equal(language, 'typescript');
});

test('a second set-up does nothing, says nothing and takes no second', async t => {
  const {setUp} = clone(t);
  await setUp();
  const {code, output, calls, seconds, state} = await setUp();
  assert.deepEqual({code, output, calls}, {code: 0, output: '', calls: ''});
  assert.deepEqual(failed(state), []);
  assert.ok(seconds < 3, `${seconds} s`); // 0.15 s on a quiet machine
});

test('only what changed is made again', async t => {
  const {folder, setUp, write} = clone(t);
  await setUp();

  write('lib/two.ts', 'exports.two = 2;');
  const library = await setUp();
  assert.match(library.output, /^Library compiled: /);
  assert.equal(library.calls, '');
  assert.ok(fs.existsSync(path.join(folder, 'lib/dist/two.js')));

  fs.rmSync(path.join(folder, 'lib/two.ts'));
  await setUp();
  assert.ok(!fs.existsSync(path.join(folder, 'lib/dist/two.js')), 'what has no source goes');

  write('requirements.txt', 'jupyterlab==4.6.7\nnbclient==0.11.0\n');
  const pins = await setUp();
  assert.match(pins.calls, /pip install .*-r /);
  assert.doesNotMatch(pins.calls, /venv|tensorflow|c\+\+|npm/);
});

test('npm ci empties node_modules, and the addon comes back without the compiler', async t => {
  const {folder, setUp} = clone(t);
  await setUp();
  fs.rmSync(path.join(folder, 'node_modules'), {recursive: true});
  const {calls, state} = await setUp();
  assert.match(calls, /^npm ci/);
  assert.doesNotMatch(calls, /c\+\+/);
  assert.ok(state.addon.ok);
  const addon = 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node';
  assert.ok(fs.existsSync(path.join(folder, addon)));
});

test('another TensorFlow, or none at all any more, makes the addon again', async t => {
  const {folder, setUp, write} = clone(t);
  await setUp();
  const source = path.join(folder, 'misc/setup/tensorflow.mjs');
  const text = fs.readFileSync(source, 'utf8').replace(/'2\.21\.0'/, "'2.22.0'");
  write('misc/setup/tensorflow.mjs', text);
  const {calls} = await setUp();
  assert.match(calls, /pip install .*tensorflow\S*==2\.22\.0/);
  assert.match(calls, /c\+\+/);
});

test('a clone that was moved gets a new environment, as the old one holds its path', async t => {
  const {folder, setUp, env} = clone(t);
  await setUp();
  const moved = `${folder} moved`;
  fs.renameSync(folder, moved);
  const {run} = await import('../../misc/setup/run.mjs');
  const script = path.join(moved, 'misc/setup/setup.mjs');
  const {code, output} = await run(process.execPath, [script], {cwd: moved, env});
  assert.equal(code, 0);
  assert.match(output, /^JupyterLab in \.venv/m);
  assert.doesNotMatch(output, /npm packages|Addon compiled/);
});

test('killed while pip works, the next set-up starts that step again', async t => {
  const slow = COMMANDS['python3.12'].replace(
    '"-m pip install "*)',
    '"-m pip install "*) echo $$ > "$LOG.slow"; exec sleep 30;;\n  never)',
  );
  const {folder, setUp, setUpScript, env, command} = clone(t, {commands: {'python3.12': slow}});
  const options = {cwd: folder, env, stdio: 'ignore', detached: true};
  const child = spawn(process.execPath, [setUpScript], options);
  const ended = once(child, 'exit');
  while (!fs.existsSync(`${env.LOG}.slow`)) await sleep(20);
  process.kill(-child.pid, 'SIGKILL');
  await ended;
  assert.ok(fs.existsSync(path.join(folder, '.venv')), 'half an environment is there');
  assert.ok(fs.existsSync(path.join(folder, '.set-up/lock')), 'and the lock of the dead set-up');

  command('python3.12', COMMANDS['python3.12']);
  const {code, state, calls} = await setUp();
  assert.equal(code, 0);
  assert.deepEqual(failed(state), []);
  assert.match(calls, /-m venv/);
});

test('of two set-ups at once, the second waits and then finds all done', async t => {
  const slow = COMMANDS.npm.replace('rm -rf', 'sleep 2; rm -rf');
  const {setUp} = clone(t, {commands: {npm: slow}});
  const [one, two] = await Promise.all([setUp(), setUp()]);
  assert.deepEqual([one.code, two.code], [0, 0]);
  const output = `${one.output}\n${two.output}`;
  assert.match(output, /Another set-up is at work \(process \d+\); waiting for it\./);
  assert.equal(output.match(/^npm packages: /gm)?.length, 1);
});

test('an unknown argument is refused', async t => {
  const {code, output} = await clone(t).setUp('--gpus');
  assert.equal(code, 2);
  assert.match(output, /Unknown argument --gpus\. Usage: npm run setup \[-- --cpu \| --gpu\]/);
});
