/** Everything that a machine may lack: said with its remedy, and the set-up goes on without. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import {once} from 'node:events';
import {test} from 'node:test';
import {installCommand} from '../../misc/setup/remedies.mjs';
import {run} from '../../misc/setup/run.mjs';
import {fakeClone, COMMANDS, LIBRARIES} from './fake-clone.mjs';

/** @param {Record<string, string | undefined>} [commands] */
function clone(t, commands) {
  const made = fakeClone({commands});
  t.after(made.remove);
  return made;
}

/** @param {Record<string, {ok: boolean}>} state */
const succeeded = state => Object.keys(state).filter(name => state[name].ok);

/** This system, with the commands of the fake clone. */
const machine = env => ({platform: process.platform, env});

const ADDON = 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node';

const APT = '#!/bin/sh\nexit 1';

test('no Python: the library and WebAssembly remain', async t => {
  const {setUp, env} = clone(t, {'python3.12': undefined, 'apt-get': APT});
  const {code, output, state} = await setUp();
  assert.equal(code, 0);
  assert.deepEqual(succeeded(state), ['node', 'packages', 'library']);
  assert.match(output, /There is no Python 3\.10 to 3\.13\./);
  const remedy = installCommand('python', machine(env));
  assert.ok(output.includes(`To mend it: ${remedy}`), output);
  assert.match(output, /The lessons run on WebAssembly instead/);
  assert.match(state.addon.detail, /^No TensorFlow to compile against: There is no Python/);
});

test('only a Python that is too old or too new: named', async t => {
  const old = COMMANDS['python3.12'].replace('3.12.1', '3.9.18');
  const fresh = COMMANDS['python3.12'].replace('3.12.1', '3.14.0');
  const {setUp} = clone(t, {'python3.12': undefined, python3: old, python: fresh});
  const {state} = await setUp();
  assert.equal(state.python.detail, 'There is no Python 3.10 to 3.13; found 3.9.18, 3.14.0.');
});

test('LATENT_PYTHON is the only one that is asked', async t => {
  const {setUp, env} = clone(t);
  env.LATENT_PYTHON = '/nowhere/python';
  const {state} = await setUp();
  assert.match(state.python.detail, /^There is no Python .* at LATENT_PYTHON=\/nowhere\/python\.$/);
});

test('a real Python without its venv module: the package that brings it is named', async t => {
  const {findPython} = await import('../../misc/setup/python.mjs');
  const {context} = await import('../../misc/setup/context.mjs');
  const real = (await findPython(context())).python;
  if (real === undefined) return t.skip('no Python on this machine');
  // As on Debian without python3-venv: ensurepip is not there.
  const without = `#!/bin/sh
exec '${real.executable}' -c 'import sys; sys.modules["ensurepip"] = None; exec(sys.argv[1])' "$2"`;
  const {setUp, env} = clone(t, {'python3.12': without, 'apt-get': APT});
  const {code, state} = await setUp();
  assert.equal(code, 0);
  assert.equal(state.python.detail, `Python ${real.version} has no venv module.`);
  const line = real.version.split('.').slice(0, 2).join('.');
  assert.equal(state.python.remedy, installCommand('venv', machine(env), line));
});

test('no C++ compiler: JupyterLab remains, the lessons run on WebAssembly', async t => {
  const {setUp, folder, command, env} = clone(t, {'c++': undefined, 'apt-get': APT});
  const {code, output, state} = await setUp();
  assert.equal(code, 0);
  assert.deepEqual(
    Object.keys(state).filter(name => !state[name].ok),
    ['addon'],
  );
  assert.match(output, /There is no C\+\+ compiler\.\n {2}To mend it: /);
  assert.match(output, /127\.0\.0\.1:9 cannot be reached/);
  const remedy = `${installCommand('compiler', machine(env))} && npm run setup`;
  assert.equal(state.addon.remedy, remedy);

  command('c++', COMMANDS['c++']);
  assert.ok((await setUp()).state.addon.ok, 'once there is one, it is used');
  assert.ok(fs.existsSync(path.join(folder, '.set-up/addon/tfjs_binding.node')));
});

test("no compiler, but upstream's host answers: its prebuilt addon is taken", async t => {
  const {setUp, env, folder} = clone(t, {'c++': undefined});
  const host = http.createServer((_, response) => response.end()).listen(0, '127.0.0.1');
  await once(host, 'listening');
  t.after(() => host.close());
  env.TFJS_NODE_CDN_STORAGE = `http://127.0.0.1:${host.address().port}/`;
  const script = path.join(env.TEMPLATE, '@tensorflow/tfjs-node-gpu/scripts/install.js');
  fs.writeFileSync(
    script,
    `const fs = require('fs');
    if (process.argv[3] !== 'download') process.exit(1);
    for (const folder of ['deps/lib', 'lib/napi-v8']) fs.mkdirSync(folder, {recursive: true});
    fs.writeFileSync('deps/lib/${LIBRARIES[0]}', '2.9.1');
    fs.writeFileSync('lib/napi-v8/tfjs_binding.node', 'addon');
    fs.writeFileSync('package.json', '{"version": "changed"}');`,
  );
  const {output, state} = await setUp();
  assert.match(output, /^Upstream's prebuilt addon: [\d.]+ s$/m);
  assert.equal(state.addon.detail, 'TensorFlow 2.9.1 on CPU, prebuilt addon');
  const manifest = path.join(folder, 'node_modules/@tensorflow/tfjs-node-gpu/package.json');
  assert.equal(JSON.parse(fs.readFileSync(manifest, 'utf8')).version, '1.0.0');

  await new Promise(done => host.close(done));
  const again = await setUp();
  assert.equal(again.state.addon.detail, state.addon.detail, 'and kept');
  const library = path.join(path.dirname(manifest), 'deps/lib', LIBRARIES[0]);
  assert.equal(fs.readFileSync(library, 'utf8'), '2.9.1', 'with the library that it needs');
});

test('a compiler that fails: its first error is shown, and where the rest is', async t => {
  const broken = '#!/bin/sh\necho "x.cc:3:9: fatal error: no such file"\nexit 1';
  const {setUp} = clone(t, {'c++': broken});
  const {code, state} = await setUp();
  assert.equal(code, 0);
  assert.match(state.addon.detail, /^c\+\+ failed: x\.cc:3:9: fatal error: no such file/);
  assert.equal(state.addon.remedy, 'cat .set-up/logs/addon.log');
});

test('an addon that brings Node down is taken away, so that no lesson loads it', async t => {
  const crash = COMMANDS['c++'].replace('echo addon', 'echo crash');
  const {setUp, folder} = clone(t, {'c++': crash});
  const {code, state} = await setUp();
  assert.equal(code, 0);
  assert.match(state.addon.detail, /^It does not run: it ends Node with SIGILL/);
  assert.ok(!fs.existsSync(path.join(folder, ADDON)));
});

test('no package index: said, and TensorFlow is not tried after it', async t => {
  const refused = COMMANDS['python3.12'].replace(
    '"-m pip download "*) exit 0',
    '"-m pip download "*) echo "ERROR: No matching distribution found"; exit 1',
  );
  const {setUp, command} = clone(t, {'python3.12': refused});
  const {code, output, state, calls} = await setUp();
  assert.equal(code, 0);
  assert.deepEqual(succeeded(state), ['node', 'packages', 'python', 'library']);
  assert.match(output, /No Python package index can be reached: ERROR: No matching distribution/);
  assert.match(state.venv.remedy, /PIP_INDEX_URL=.* npm run setup/);
  assert.doesNotMatch(calls, /pip install/);

  command('python3.12', COMMANDS['python3.12']);
  assert.ok((await setUp()).state.kernelspec.ok, 'the next set-up makes up for it');
});

test('an environment that is lost and cannot be fetched: the addon waits for it', async t => {
  const {setUp, folder, command} = clone(t);
  await setUp();
  fs.rmSync(path.join(folder, '.venv'), {recursive: true});
  command('python3.12', undefined);
  const without = await setUp();
  assert.equal(without.code, 0);
  assert.ok(!without.state.addon.ok);
  assert.ok(
    !fs.existsSync(path.join(folder, ADDON)),
    'no lesson loads an addon without its library',
  );

  command('python3.12', COMMANDS['python3.12']);
  const again = await setUp();
  assert.ok(again.state.addon.ok);
  assert.doesNotMatch(again.calls, /c\+\+/);
});

test('no npm registry: the set-up ends, with the exit code 1', async t => {
  const refused = '#!/bin/sh\necho "npm error code ECONNREFUSED"\nexit 1';
  const {code, output, state} = await clone(t, {npm: refused}).setUp();
  assert.equal(code, 1);
  assert.match(output, /npm ci failed:\n {2}npm error code ECONNREFUSED\n {2}To mend it: npm ping/);
  assert.ok(!state.packages.ok);
  assert.ok(!state.library.ok);
});

test('a binary that npm left out: the package is named with its version', async t => {
  const {setUp, env} = clone(t);
  const missing = "Cannot find module 'nodejs-polars-linux-x64-gnu'";
  const index = path.join(env.TEMPLATE, 'nodejs-polars', 'index.js');
  fs.writeFileSync(index, `throw new Error(${JSON.stringify(missing)})`);
  const {code, state} = await setUp();
  assert.equal(code, 1);
  assert.equal(state.packages.detail, `nodejs-polars does not load: ${missing}`);
  const mend = 'npm install --no-save nodejs-polars-linux-x64-gnu@1.0.0 && npm run setup';
  assert.equal(state.packages.remedy, mend);
});

test('a library that does not compile: the errors are shown, and the set-up goes on', async t => {
  const {setUp, write} = clone(t);
  write('lib/one.ts', 'wrong');
  const {code, output, state} = await setUp();
  assert.equal(code, 0);
  assert.match(output, /lib\/one\.ts\(1,1\): error TS2322: It is wrong\./);
  assert.ok(!state.library.ok);
  assert.ok(state.kernelspec.ok);
});

test('doctor: before any set-up it says what is missing, and shows no stack trace', async t => {
  const {folder, env} = clone(t);
  const script = path.join(folder, 'misc/commands/doctor.mjs');
  const {code, output} = await run(process.execPath, [script], {cwd: folder, env});
  assert.equal(code, 1);
  assert.match(output, /^Set-up +no +no set-up has ended yet\n +To mend it: npm run setup$/m);
  assert.match(output, /^Backend +no +none: Error: Cannot find module/m);
  assert.match(output, /^npm +yes +npm 11\.0\.0$/m);
  assert.match(output, /^GPU +- +no NVIDIA driver$/m);
  assert.doesNotMatch(output, /^ +at /m);
});

test('doctor: what went away after the set-up is noticed', async t => {
  const {folder, env, setUp} = clone(t);
  await setUp();
  fs.rmSync(path.join(folder, '.venv'), {recursive: true});
  const script = path.join(folder, 'misc/commands/doctor.mjs');
  const {output} = await run(process.execPath, [script], {cwd: folder, env});
  assert.match(output, /^JupyterLab +no +\.venv is not as the last set-up left it$/m);
  assert.match(output, /^npm packages +yes/m);
});
