// @ts-check
/**
 * What every stored comparison says of itself, and how it is written.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {writeWhole} from 'latent-lib/training/write-whole';
import {root} from '../setup/paths.mjs';

/**
 * @param {string} command that made the file
 * @param {string} units of its numbers
 */
export function provenanceOf(command, units) {
  return {
    command,
    versions: {
      node: process.versions.node,
      tfjs: versionOf('@tensorflow/tfjs'),
      'tfjs-node-gpu': versionOf('@tensorflow/tfjs-node-gpu'),
    },
    machine: `${os.cpus().length} cores, shared`,
    environment: {
      LATENT_THREADS: process.env['LATENT_THREADS'] ?? '1',
      TF_ENABLE_ONEDNN_OPTS: process.env['TF_ENABLE_ONEDNN_OPTS'] ?? 'as the library chooses',
    },
    units,
  };
}

/**
 * @param {string} file
 * @returns {any} its content; undefined where there is none
 */
export function readResults(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined;
}

/**
 * Written whole: a killed command leaves the runs that had ended.
 * @param {string} file
 * @param {object} content
 */
export function writeResults(file, content) {
  fs.mkdirSync(path.dirname(file), {recursive: true});
  writeWhole(file, Buffer.from(`${JSON.stringify(content, null, 1)}\n`));
}

/** @param {number} value */
export function rounded(value) {
  return Number(value.toPrecision(6));
}

/** @param {string} name */
function versionOf(name) {
  const file = path.join(root, 'node_modules', name, 'package.json');
  return JSON.parse(fs.readFileSync(file, 'utf8')).version;
}
