/**
 * Which notebooks a command means.
 */
import fs from 'node:fs';
import path from 'node:path';
import {root} from '../setup/paths.mjs';

export const NOTEBOOKS = path.join(root, 'notebooks');

/** A name that is no lesson; its message lists the known ones. */
export class UnknownLesson extends Error {}

/**
 * @param {readonly string[]} wanted '01', '01-dense-vae', '01-dense-vae.solutions', a file's path;
 *   none means all lessons
 * @param {{solutions?: boolean, folder?: string}} [options] `solutions`: with each lesson its solutions
 * @returns {string[]} paths, in the order of the course, each once
 * @throws UnknownLesson
 */
export function findLessons(wanted, {solutions = false, folder = NOTEBOOKS} = {}) {
  const known = fs
    .readdirSync(folder)
    .filter(file => /^\d\d-.*\.ipynb$/.test(file))
    .map(file => path.basename(file, '.ipynb'))
    .sort();
  const lessons = known.filter(name => !name.endsWith('.solutions'));
  const chosen =
    wanted.length === 0 ? lessons : wanted.map(name => oneLesson(name, known, lessons));
  const withSolutions = chosen.flatMap(name =>
    solutions ? [name, ...known.filter(other => other === `${name}.solutions`)] : [name],
  );
  return [...new Set(withSolutions)].sort().map(name => path.join(folder, `${name}.ipynb`));
}

/**
 * @param {string} wanted
 * @param {readonly string[]} known
 * @param {readonly string[]} lessons
 */
function oneLesson(wanted, known, lessons) {
  const name = path.basename(wanted, '.ipynb');
  if (known.includes(name)) return name;
  const [byNumber] = /^\d\d$/.test(name) ? lessons.filter(lesson => lesson.startsWith(name)) : [];
  if (byNumber !== undefined) return byNumber;
  const list = known.length > 0 ? known.map(lesson => `  ${lesson}`).join('\n') : '  (none yet)';
  throw new UnknownLesson(`There is no lesson "${wanted}". The lessons are:\n${list}`);
}
