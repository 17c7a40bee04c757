/**
 * Stamps: what a step made, so that it is made again only when what it depends on has changed.
 * A step writes its stamp last, so a step that was interrupted has none and runs again.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** @typedef {Readonly<Record<string, string>>} Stamp */

/**
 * @param {string} folder the folder .set-up
 * @param {string} name of the step
 */
const stampFile = (folder, name) => path.join(folder, `${name}.stamp.json`);

/**
 * @param {string} folder
 * @param {string} name
 * @returns {Stamp} empty when there is none
 */
export function readStamp(folder, name) {
  try {
    const stamp = JSON.parse(fs.readFileSync(stampFile(folder, name), 'utf8'));
    return typeof stamp === 'object' && stamp !== null ? stamp : {};
  } catch {
    return {};
  }
}

/**
 * @param {string} folder
 * @param {string} name
 * @param {Stamp} stamp
 */
export function writeStamp(folder, name, stamp) {
  fs.mkdirSync(folder, {recursive: true});
  const file = stampFile(folder, name);
  fs.writeFileSync(`${file}.draft`, `${JSON.stringify(stamp, null, 2)}\n`);
  fs.renameSync(`${file}.draft`, file);
}

/**
 * @param {string} folder
 * @param {string} name
 */
export function removeStamp(folder, name) {
  fs.rmSync(stampFile(folder, name), {force: true});
}

/**
 * Whether a stamp says all that is wanted (it may say more).
 * @param {Stamp} stamp
 * @param {Stamp} wanted
 */
export function agrees(stamp, wanted) {
  return Object.entries(wanted).every(([key, value]) => stamp[key] === value);
}

/**
 * One hash over the names and contents of files.
 * @param {readonly string[]} files a file that is not there counts as such
 */
export function hashFiles(files) {
  const hash = crypto.createHash('sha256');
  for (const file of files) {
    hash.update(`${path.basename(file)}\0`);
    hash.update(fs.existsSync(file) ? fs.readFileSync(file) : 'absent');
    hash.update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}
