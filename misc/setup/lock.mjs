/**
 * One set-up at a time: a second one waits until the first has ended.
 */
import fs from 'node:fs';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';

/**
 * @template T
 * @param {string} folder the folder .set-up
 * @param {() => Promise<T>} work
 * @param {(text: string) => void} say
 * @returns {Promise<T>}
 */
export async function alone(folder, work, say) {
  fs.mkdirSync(folder, {recursive: true});
  const file = path.join(folder, 'lock');
  let told = false;
  while (!take(file)) {
    const owner = ownerOf(file);
    if (owner !== undefined && !lives(owner)) fs.rmSync(file, {force: true});
    else {
      if (!told) say(`Another set-up is at work (process ${owner ?? '?'}); waiting for it.`);
      told = true;
      await sleep(500);
    }
  }
  try {
    return await work();
  } finally {
    fs.rmSync(file, {force: true});
  }
}

/**
 * @param {string} file
 * @returns {boolean} whether the lock is ours now
 */
function take(file) {
  const own = `${file}.${process.pid}`;
  fs.writeFileSync(own, String(process.pid));
  try {
    fs.linkSync(own, file); // the lock appears with its owner in it, or not at all
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(own, {force: true});
  }
}

/** @param {string} file */
function ownerOf(file) {
  try {
    return Number(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
