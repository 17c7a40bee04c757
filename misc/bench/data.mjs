/**
 * The data of the bench, the same for all: drawn digits, sinusoids, coins and sentences as files of float32.
 */
import fs from 'node:fs';
import path from 'node:path';
import {drawDigits} from 'latent-lib/data/drawn-digits';
import {sinusoids} from 'latent-lib/data/sinusoids';
import {Random} from 'latent-lib/tensor/random';

const EXAMPLES = 3200;
const COIN_STEPS = 10;
const FORCED = 0.6;

/** Of the sentences: ids are below the vocabulary, 0 fills up, 1 begins and 2 ends. */
export const SENTENCES = {vocabulary: 2000, length: 32, shortest: 24};

/**
 * Writes images [N, 784], labels [N], signals [N, 50], coins [N / 32, 10], and ids of sentences,
 * sources and targets [N, 32]: little-endian, row by row.
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
  for (const name of ['sources', 'targets']) tables[name] = sentences(random.stream(name));
  for (const [name, values] of Object.entries(tables)) {
    fs.writeFileSync(path.join(folder, `${name}.f32`), Float32Array.from(values));
  }
}

/**
 * Rows that count up from anywhere, so that a few steps learn something, of different lengths.
 * @param {Random} random
 */
function sentences(random) {
  const {vocabulary, length, shortest} = SENTENCES;
  return Array.from({length: EXAMPLES}, () => {
    const words = shortest - 2 + random.integer(length - shortest + 1);
    const first = random.integer(vocabulary);
    const counted = Array.from({length: words}, (_, place) => {
      return 3 + ((first + place) % (vocabulary - 3));
    });
    const padding = new Array(length - words - 2).fill(0);
    return [1, ...counted, 2, ...padding];
  }).flat();
}

/**
 * A file of `writeData`.
 * @param {string} folder
 * @param {'images' | 'labels' | 'signals' | 'coins' | 'sources' | 'targets'} name
 */
export function readTable(folder, name) {
  const bytes = fs.readFileSync(path.join(folder, `${name}.f32`));
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
