/**
 * Sizes of folders and of downloads.
 */
import fs from 'node:fs';
import path from 'node:path';

/**
 * The bytes of all files under a folder; 0 when there is none.
 * @param {string} folder
 * @returns {number}
 */
export function folderSize(folder) {
  let bytes = 0;
  const waiting = [folder];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    let entries;
    try {
      entries = fs.readdirSync(next, {withFileTypes: true});
    } catch {
      continue;
    }
    for (const entry of entries) {
      const file = path.join(next, entry.name);
      if (entry.isDirectory()) waiting.push(file);
      else if (entry.isFile()) bytes += fs.lstatSync(file).size;
    }
  }
  return bytes;
}

/**
 * What pip says it downloaded: 'Downloading x.whl (11.5 MB)', but not 'Using cached x.whl (11.5 MB)'.
 * @param {string} output of pip install
 * @returns {number} bytes
 */
export function pipDownloads(output) {
  const units = {bytes: 1, kB: 1e3, MB: 1e6, GB: 1e9};
  let bytes = 0;
  for (const match of output.matchAll(/^\s*Downloading .*\(([\d.]+) (bytes|kB|MB|GB)\)/gm)) {
    bytes += Number(match[1]) * units[/** @type {keyof typeof units} */ (match[2])];
  }
  return bytes;
}

/**
 * @param {number} bytes
 * @returns {string} such as '412 MB'
 */
export function megabytes(bytes) {
  return `${Math.round(bytes / 1e6)} MB`;
}
