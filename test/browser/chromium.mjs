/**
 * The browser of the suite: whatever Chromium this machine has, driven by playwright-core.
 */
import fs from 'node:fs';
import path from 'node:path';
import {chromium} from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** Quiet, and without anything that would talk to the network by itself. */
const FLAGS = [
  '--headless',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * The browser's program: CHROME_PATH, or the first of the usual names on PATH.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string}
 * @throws {Error} when there is none, with the command that installs it
 */
export function findChromium(env = process.env) {
  const given = env['CHROME_PATH'];
  if (given !== undefined && given !== '') {
    if (fs.existsSync(given)) return given;
    throw new Error(`CHROME_PATH names ${given}, which does not exist.`);
  }
  for (const folder of (env['PATH'] ?? '').split(path.delimiter)) {
    for (const name of NAMES) {
      const file = path.join(folder, process.platform === 'win32' ? `${name}.exe` : name);
      if (folder !== '' && fs.existsSync(file)) return file;
    }
  }
  throw new Error(
    'No Chromium or Chrome is on PATH. On Debian: sudo apt-get install chromium. ' +
      'Elsewhere: set CHROME_PATH to the program.',
  );
}

/** @returns {Promise<import('playwright-core').Browser>} */
export function launchChromium() {
  const asRoot = process.getuid?.() === 0;
  return chromium.launch({
    executablePath: findChromium(),
    args: asRoot ? [...FLAGS, '--no-sandbox'] : FLAGS,
  });
}
