/**
 * JupyterLab with the arguments of `npm start`, on a folder of copies, so that no lesson is changed.
 */
import {spawn} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import {jupyterArguments} from '../../misc/commands/start.mjs';
import {jupyterEnvironment} from '../../misc/setup/jupyter.mjs';
import {root, venvPython} from '../../misc/setup/paths.mjs';

export {root};

/** Screenshots, executed copies and measurements end here. */
export const artefacts = path.join(root, 'build', 'browser');

/** @typedef {{url: string, folder: string, seconds: number, close: () => Promise<void>, page: (file: string) => string}} Lab */

/**
 * @param {string} name the folder of copies, under build/browser
 * @param {readonly string[]} files notebooks to copy
 * @returns {Promise<Lab>}
 */
export async function startLab(name, files) {
  const folder = path.join(artefacts, name);
  fs.rmSync(folder, {recursive: true, force: true});
  fs.mkdirSync(folder, {recursive: true});
  for (const file of files) fs.copyFileSync(file, path.join(folder, path.basename(file)));
  const port = await freePort();
  const token = randomBytes(16).toString('hex');
  const began = performance.now();
  const args = jupyterArguments(
    [
      ...[`--port=${port}`, '--ServerApp.port_retries=0', `--IdentityProvider.token=${token}`],
      '--LabApp.expose_app_in_browser=True',
    ],
    {display: false, superuser: process.getuid?.() === 0, notebooks: folder},
  );
  const child = spawn(venvPython, args, {
    cwd: root,
    env: {...jupyterEnvironment(), LATENT_PROFILE: 'quick'},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (/** @type {Buffer} */ text) => (log += text.toString()));
  }
  const ended = new Promise(resolve => child.once('close', resolve));
  process.once('exit', () => child.kill('SIGKILL')); // nothing is left behind by a suite that fails
  const url = `http://127.0.0.1:${port}`;
  const close = async () => {
    child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(hard);
  };
  try {
    await answering(`${url}/api?token=${token}`, () => child.exitCode !== null);
  } catch (error) {
    await close();
    throw new Error(`JupyterLab did not start. ${String(error)}\n${log.slice(-3000)}`);
  }
  return {
    url,
    folder,
    seconds: (performance.now() - began) / 1000,
    close,
    page: file => `${url}/lab/tree/${file}?token=${token}&reset`,
  };
}

/** @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/**
 * Waits until the server answers.
 * @param {string} url
 * @param {() => boolean} hasEnded
 */
export async function answering(url, hasEnded) {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    if (hasEnded()) throw new Error('It ended by itself.');
    const isUp = await fetch(url).then(
      response => response.ok,
      () => false,
    );
    if (isUp) return;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error('It did not answer within a minute.');
}
