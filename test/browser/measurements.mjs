/**
 * Times that the suite takes, kept beside the screenshots as build/browser/measurements.json.
 */
import fs from 'node:fs';
import path from 'node:path';
import {artefacts} from './lab.mjs';

const file = path.join(artefacts, 'measurements.json');

/**
 * Notes numbers under a name; seconds unless the name says otherwise.
 * @param {string} name
 * @param {Readonly<Record<string, number>>} numbers
 */
export function measured(name, numbers) {
  fs.mkdirSync(artefacts, {recursive: true});
  const all = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
  const rounded = Object.entries(numbers).map(([key, value]) => [key, Number(value.toFixed(2))]);
  all[name] = {...all[name], ...Object.fromEntries(rounded)};
  fs.writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
}
