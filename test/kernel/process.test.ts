/** The kernel as a process: how it starts, what it refuses, and that it never stays behind. */
import assert from 'node:assert/strict';
import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {KERNEL, KernelClient, ROOT, temporaryFolder, until} from './client';

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('a shutdown request ends the process, whatever a cell left running', async () => {
  const kernel = await KernelClient.start({TF_CPP_MIN_LOG_LEVEL: '0'});
  const {stdout} = await kernel.execute(
    'setInterval(() => {}, 1000); process.env.TF_CPP_MIN_LOG_LEVEL',
  );
  assert.equal(stdout, '0\n', 'a level that is set is kept');
  const start = Date.now();
  await kernel.stop();
  assert.equal(kernel.process.exitCode, 0);
  assert.ok(Date.now() - start < 2000);
});

test('the kernel dies with the process that started it, also in the middle of a busy cell', async () => {
  const folder = temporaryFolder();
  const connection = path.join(folder, 'connection.json');
  const ports = {shell_port: 0, iopub_port: 0, control_port: 0, stdin_port: 0, hb_port: 0};
  const where = {transport: 'tcp', ip: '127.0.0.1', key: '', signature_scheme: 'hmac-sha256'};
  fs.writeFileSync(connection, JSON.stringify({...where, ...ports}));
  // A parent that starts the kernel with a module that blocks its thread, and then waits.
  const busy = path.join(folder, 'busy.cjs');
  fs.writeFileSync(busy, 'setTimeout(() => { while (true); }, 1000);');
  const parentSource = `const {spawn} = require('node:child_process');
    const options = {env: {...process.env, JPY_PARENT_PID: String(process.pid)}, detached: true};
    const args = ['--require', ${JSON.stringify(busy)}, ${JSON.stringify(KERNEL)}];
    const kernel = spawn(process.execPath, [...args, '--config-path', ${JSON.stringify(connection)}], options);
    console.log(kernel.pid); setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['-e', parentSource], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  await new Promise(resolve => setTimeout(resolve, 1800));
  assert.ok(alive(pid), 'the kernel runs while its parent does');
  parent.kill('SIGKILL');
  await until(() => !alive(pid), 5000);
  fs.rmSync(folder, {recursive: true});
});

test('a connection file that is missing or not named is a clear error', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [KERNEL, ...args], {encoding: 'utf8', timeout: 10_000});
  const unnamed = run();
  assert.equal(unnamed.status, 1);
  assert.match(unnamed.stderr, /^Usage: node misc\/kernel\/kernel\.cjs --config-path /);
  const missing = run('--config-path', '/no/such/file.json');
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /ENOENT.*\/no\/such\/file\.json/);
});

test('a tslab in which the corrections do not take effect is refused by name', () => {
  const source = `const {createConverter} = require('tslab/dist/converter.js');
    const {verifyHooks} = require('./misc/kernel/tslab.cjs');
    const converter = createConverter({});
    try { verifyHooks(converter, {maps: new Map()}, '9.9.9'); console.log('accepted'); }
    catch (error) { console.log(error.message); }
    process.exit(0);`;
  const {stdout} = spawnSync(process.execPath, ['-e', source], {cwd: ROOT, encoding: 'utf8'});
  assert.match(stdout, /do not take effect in tslab 9\.9\.9;.*written for tslab 1\.0\.22.*npm ci/);
});
