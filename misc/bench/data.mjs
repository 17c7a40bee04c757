/**
 * The data of the bench, the same for all: drawn digits, sinusoids and coins as files of float32.
 */
import fs from 'node:fs';
import path from 'node:path';
import {drawDigits} from 'latent-lib/data/drawn-digits';
import {sinusoids} from 'latent-lib/data/sinusoids';
import {Random} from 'latent-lib/tensor/random';

const EXAMPLES = 3200;
const COIN_STEPS = 10;
const FORCED = 0.6;

/**
 * Writes images [N, 784], labels [N], signals [N, 50] and coins [N / 32, 10], little-endian, row by row.
 * @param {string} folder
 */
export function writeData(folder) {
  fs.mkdirSync(folder, {recursive: true});
  const random = new Random(1);
  const digits = drawDigits(EXAMPLES, random.stream('digits'));
  const coins = random.stream('coins');
  /** @type {Record<string, Iterable<number>>} */
  const tables = {
    images: Array.from(digits.images.values, byte => byte / 255),
    labels: digits.labels,
    signals: sinusoids(EXAMPLES, random.stream('signals')).signals.values,
    coins: Array.from({length: (EXAMPLES / 32) * COIN_STEPS}, () =>
      coins.uniform() < FORCED ? 1 : 0,
    ),
  };
  for (const [name, values] of Object.entries(tables)) {
    fs.writeFileSync(path.join(folder, `${name}.f32`), Float32Array.from(values));
  }
}

/**
 * A file of `writeData`.
 * @param {string} folder
 * @param {'images' | 'labels' | 'signals' | 'coins'} name
 */
export function readTable(folder, name) {
  const bytes = fs.readFileSync(path.join(folder, `${name}.f32`));
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
