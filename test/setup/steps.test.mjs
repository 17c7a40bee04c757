/** The steps' decisions, one by one, and pip against an index that refuses or keeps silent. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {once} from 'node:events';
import {test} from 'node:test';
import {hasDisplay, jupyterArguments} from '../../misc/commands/start.mjs';
import {table} from '../../misc/commands/doctor.mjs';
import {context} from '../../misc/setup/context.mjs';
import {jupyterEnvironment} from '../../misc/setup/jupyter.mjs';
import {checkNode} from '../../misc/setup/node.mjs';
import {places, placesIn, root} from '../../misc/setup/paths.mjs';
import {askIndex, INDEX_PATIENCE} from '../../misc/setup/pip.mjs';
import {Progress} from '../../misc/setup/progress.mjs';
import {installCommand} from '../../misc/setup/remedies.mjs';
import {run} from '../../misc/setup/run.mjs';
import {pipDownloads} from '../../misc/setup/sizes.mjs';
import {readState, skippedSteps, STEPS, writeState} from '../../misc/setup/state.mjs';
import {wheelFor} from '../../misc/setup/tensorflow.mjs';

test('Node: 20.19, 22.13, 24 and 26 are taken, others refused with a remedy', () => {
  const answer = version => checkNode({node: {version}}).ok;
  for (const version of ['20.19.0', '20.20.2', '22.13.0', '24.0.1', '26.10.0', '28.0.0']) {
    assert.ok(answer(version), version);
  }
  for (const version of ['16.20.2', '18.20.8', '20.18.3', '21.7.3', '22.12.0', '23.11.0']) {
    assert.ok(!answer(version), version);
  }
  const {detail, remedy} = checkNode({node: {version: '18.20.8'}});
  assert.match(detail, /Node 18\.20\.8 is not supported; wanted: 20\.19, 22\.13, 24, 26/);
  assert.match(remedy ?? '', /^nvm install 24/);
});

test('TensorFlow: the wheel for each machine, or none', () => {
  const wheel = (platform, arch, device = 'cpu', musl = false) =>
    wheelFor({platform, arch, musl}, device)?.split('==')[0];
  assert.equal(wheel('linux', 'x64'), 'tensorflow-cpu');
  assert.equal(wheel('linux', 'x64', 'gpu'), 'tensorflow[and-cuda]');
  assert.equal(wheel('linux', 'arm64'), 'tensorflow');
  assert.equal(wheel('darwin', 'arm64', 'gpu'), 'tensorflow');
  assert.equal(wheel('darwin', 'x64'), undefined);
  assert.equal(wheel('linux', 'x64', 'cpu', true), undefined);
  assert.equal(wheel('win32', 'x64'), undefined);
});

test('remedies: a command for the package manager that is there', t => {
  const folder = temporary(t);
  fs.writeFileSync(path.join(folder, 'dnf'), '', {mode: 0o755});
  const fedora = {platform: /** @type {const} */ ('linux'), env: {PATH: folder}};
  assert.equal(installCommand('compiler', fedora), 'sudo dnf install -y gcc-c++');
  fs.writeFileSync(path.join(folder, 'apt-get'), '', {mode: 0o755});
  const debian = fedora;
  const venv = installCommand('venv', debian, '3.11');
  assert.equal(venv, 'sudo apt-get install -y python3.11-venv');
  assert.equal(installCommand('compiler', debian), 'sudo apt-get install -y g++');
  const mac = {platform: /** @type {const} */ ('darwin'), env: {}};
  assert.equal(installCommand('python', mac), 'brew install python@3.12');
  assert.equal(installCommand('compiler', mac), 'xcode-select --install');
});

test('pip against an index that refuses: said at once, with the remedy', async t => {
  const answer = await ask(t, {PIP_INDEX_URL: 'http://127.0.0.1:9/simple'}, INDEX_PATIENCE);
  if (answer === undefined) return;
  assert.match(answer.failure?.detail ?? '', /^No Python package index can be reached: /);
  assert.match(answer.failure?.remedy ?? '', /npm run setup/);
  assert.ok(answer.seconds < INDEX_PATIENCE, `${answer.seconds} s`);
  assert.ok(INDEX_PATIENCE < 30);
});

test('pip against an index that keeps silent: given up when the time is over', async t => {
  const server = net.createServer(() => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const {port} = /** @type {net.AddressInfo} */ (server.address());
  const answer = await ask(t, {PIP_INDEX_URL: `http://127.0.0.1:${port}/simple`}, 2);
  if (answer === undefined) return;
  assert.match(answer.failure?.detail ?? '', /no answer in 2 s$/);
  assert.ok(answer.seconds < 8, `${answer.seconds} s`);
});

/**
 * Asks with the real pip of the clone's environment.
 * @returns {Promise<{failure: {detail: string, remedy?: string} | undefined, seconds: number} | undefined>}
 */
async function ask(t, env, patience) {
  if (!fs.existsSync(places.venvPython)) return void t.skip('no .venv: npm run setup');
  const folder = temporary(t);
  const alone = {PIP_CONFIG_FILE: os.devNull, PIP_FIND_LINKS: '', PIP_NO_CACHE_DIR: '1'};
  const start = performance.now();
  const failure = await askIndex(
    context({
      places: {
        ...placesIn(folder),
        venvPython: places.venvPython,
        requirements: places.requirements,
      },
      env: {...process.env, ...alone, PIP_EXTRA_INDEX_URL: '', ...env},
    }),
    patience,
  );
  return {failure, seconds: (performance.now() - start) / 1000};
}

test('a command that does not end is ended, one that is not there is told apart', async () => {
  const slow = await run(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], {seconds: 0.3});
  assert.ok(slow.timedOut && slow.code === null);
  const missing = await run('no-such-command-anywhere', []);
  assert.ok(missing.missing);
});

test('downloads: what pip fetched is counted, what it had is not', () => {
  const said = `Collecting jupyterlab
  Downloading jupyterlab-4.6.6-py3-none-any.whl.metadata (16 kB)
  Using cached numpy-2.4.6.whl (16.9 MB)
Downloading tensorflow_cpu-2.21.0.whl (273.8 MB)`;
  assert.equal(pipDownloads(said), 273.8e6 + 16e3);
});

test('state: written whole, read back, and not believed when it is broken', t => {
  const folder = temporary(t);
  assert.equal(readState(folder), undefined);
  const entries = STEPS.map(name => [name, {ok: name !== 'addon', detail: name}]);
  const state = Object.fromEntries(entries);
  writeState(state, folder);
  assert.deepEqual(readState(folder), state);
  assert.deepEqual(skippedSteps(state), [{name: 'addon', ok: false, detail: 'addon'}]);
  fs.writeFileSync(path.join(folder, 'state.json'), '{"node": {"ok": tr');
  assert.equal(readState(folder), undefined);
  fs.writeFileSync(path.join(folder, 'state.json'), '{"node": {"ok": true}}');
  assert.equal(readState(folder), undefined);
});

test('progress: one line a step, with its time, its failure and the remedy', () => {
  let written = '';
  let now = 0;
  const progress = new Progress({write: text => (written += text)}, () => now);
  const packages = progress.begin('npm packages');
  const python = progress.begin('JupyterLab');
  now = 12_300;
  packages.done();
  now = 13_600;
  python.failed({ok: false, detail: 'It is raining.', remedy: 'wait'});
  const lines = ['npm packages: 12 s', 'JupyterLab: 14 s, failed', '  It is raining.'];
  assert.equal(written, [...lines, '  To mend it: wait', ''].join('\n'));
  assert.equal(progress.steps, 2);
});

test('progress on a terminal: the line of what is at work is wiped by what is done', t => {
  let written = '';
  const progress = new Progress({write: text => (written += text), isTTY: true}, () => 0);
  const line = progress.begin('npm packages');
  assert.equal(written, '\r\x1b[Knpm packages: 0.0 s …');
  line.done();
  assert.ok(written.endsWith('\r\x1b[Knpm packages: 0.0 s\n'));
});

test('start: JupyterLab shows the first lesson, and the own arguments win', t => {
  const notebooks = temporary(t);
  const machine = {display: false, superuser: true, notebooks};
  assert.ok(jupyterArguments([], machine).includes('--LabApp.default_url=/lab'));
  fs.writeFileSync(path.join(notebooks, '00-orientation.ipynb'), '{}');
  const args = jupyterArguments(['--port', '9000'], machine);
  assert.ok(args.includes('--LabApp.default_url=/lab/tree/00-orientation.ipynb'));
  assert.deepEqual(args.slice(-4), ['--allow-root', '--no-browser', '--port', '9000']);
  const desk = jupyterArguments([], {...machine, display: true, superuser: false});
  assert.ok(!desk.includes('--no-browser') && !desk.includes('--allow-root'));
});

test('start: a browser only where one can be seen', () => {
  assert.ok(hasDisplay({DISPLAY: ':0'}, 'linux'));
  assert.ok(!hasDisplay({}, 'linux'));
  assert.ok(!hasDisplay({DISPLAY: ':0', CI: 'true'}, 'linux'));
  assert.ok(hasDisplay({}, 'darwin'));
  assert.ok(!hasDisplay({SSH_CONNECTION: 'a b'}, 'darwin'));
});

test("Jupyter's settings, data and sockets stay in the clone", () => {
  const env = jupyterEnvironment({PATH: '/bin', HOME: '/home/somebody'});
  for (const name of ['CONFIG_DIR', 'DATA_DIR', 'RUNTIME_DIR']) {
    assert.ok(env[`JUPYTER_${name}`]?.startsWith(path.join(root, '.set-up')), name);
  }
  assert.ok(env['PATH']?.startsWith(path.join(root, '.venv')));
});

test('doctor: a table whose second lines stand under the first, with the remedy of a lack', () => {
  const rows = [
    {name: 'Node', mark: /** @type {const} */ ('yes'), detail: 'Node 24.0.0'},
    {
      name: 'Kernel',
      mark: /** @type {const} */ ('no'),
      detail: 'one\ntwo',
      remedy: 'npm run setup',
    },
  ];
  const lines = ['Node    yes  Node 24.0.0', 'Kernel  no   one', '             two'];
  assert.equal(table(rows), [...lines, '             To mend it: npm run setup'].join('\n'));
});

/** A folder that goes when the test ends. */
function temporary(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'set-up-'));
  t.after(() => fs.rmSync(folder, {recursive: true, force: true}));
  return folder;
}
