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
 * @param {readonly string[]} wanted '01', '01-dense-vae', '01-dense-vae.solutions', or the path of any
 *   notebook; none means all lessons
 * @param {{solutions?: boolean, folder?: string}} [options] `solutions`: with each lesson its solutions
 * @returns {string[]} paths, lessons in the order of the course, each once
 * @throws UnknownLesson
 */
export function findLessons(wanted, {solutions = false, folder = NOTEBOOKS} = {}) {
  const known = fs
    .readdirSync(folder)
    .filter(file => /^\d\d-.*\.ipynb$/.test(file))
    .map(file => path.join(folder, file))
    .sort();
  const lessons = known.filter(file => !file.endsWith('.solutions.ipynb'));
  const chosen = wanted.length === 0 ? lessons : wanted.map(name => oneLesson(name, known));
  const all = chosen.flatMap(file =>
    solutions ? [file, ...known.filter(other => other === solutionsOf(file))] : [file],
  );
  return [...new Set(all)].sort();
}

/** @param {string} file */
const solutionsOf = file => file.replace(/\.ipynb$/, '.solutions.ipynb');

/**
 * @param {string} wanted
 * @param {readonly string[]} known
 * @returns {string}
 */
function oneLesson(wanted, known) {
  const file = path.resolve(wanted);
  if (file.endsWith('.ipynb') && fs.existsSync(file)) return file;
  const name = path.basename(wanted, '.ipynb');
  const found =
    known.find(lesson => path.basename(lesson, '.ipynb') === name) ??
    known.find(lesson => /^\d\d$/.test(name) && path.basename(lesson).startsWith(`${name}-`));
  if (found !== undefined) return found;
  const list = known.map(lesson => `  ${path.basename(lesson, '.ipynb')}`).join('\n');
  throw new UnknownLesson(`There is no lesson "${wanted}". The lessons are:\n${list}`);
}
