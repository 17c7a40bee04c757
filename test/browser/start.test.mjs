/**
 * `npm start`, already set up: JupyterLab answers, serves the lessons, and ends with one signal.
 */
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {answering, freePort, root} from './lab.mjs';
import {measured} from './measurements.mjs';

test('npm start serves the lessons and ends with one signal', async () => {
  const port = await freePort();
  const token = 'browser-suite';
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [
      path.join(root, 'misc', 'commands', 'start.mjs'),
      ...['--no-browser', `--port=${port}`, `--IdentityProvider.token=${token}`],
    ],
    {cwd: root, env: {...process.env, CI: '1'}, stdio: ['ignore', 'ignore', 'pipe']},
  );
  let log = '';
  child.stderr.on('data', (/** @type {Buffer} */ text) => (log += text.toString()));
  const ended = new Promise(resolve => child.once('close', resolve));
  try {
    const url = `http://127.0.0.1:${port}/api/contents?token=${token}`;
    await answering(url, () => child.exitCode !== null);
    measured('npm start, already set up', {server: (performance.now() - began) / 1000});
    const listed = /** @type {{content: {name: string}[]}} */ (await (await fetch(url)).json());
    const names = listed.content.map(({name}) => name);
    for (const name of fs.readdirSync(path.join(root, 'notebooks'))) {
      if (name.endsWith('.ipynb')) assert.ok(names.includes(name), `${name} is served`);
    }
  } finally {
    child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(hard);
  }
  assert.match(log, /JupyterLab is starting/);
  assert.equal(child.signalCode, null, 'it ended by itself');
});
