// @ts-check
/**
 * The documents beside the lessons: their links lead somewhere, and the course map knows every lesson.
 * Source: none.   Lesson: all.
 */
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import path from 'node:path';
import {NOTEBOOKS, ROOT} from './notebook.mjs';
import {brokenLinks} from './prose.mjs';
import {machinePath} from './structure.mjs';

/** @typedef {import('./notebook.mjs').Finding} Finding */

/** Folders whose Markdown files are the project's own. */
const FOLDERS = [
  '.',
  'notebooks',
  'lib',
  'misc',
  'misc/reference',
  'misc/kernel',
  'misc/setup',
  'data',
];

/**
 * @param {string} root
 * @returns {string[]} paths of the Markdown files
 */
export function documents(root = ROOT) {
  return FOLDERS.map(folder => path.join(root, folder))
    .filter(existsSync)
    .flatMap(folder =>
      readdirSync(folder)
        .filter(name => name.endsWith('.md'))
        .map(name => path.join(folder, name)),
    );
}

/**
 * @param {string} file
 * @param {string} text
 * @returns {Finding[]}
 */
export function checkDocument(file, text = readFileSync(file, 'utf8')) {
  const notebook = path.relative(ROOT, file);
  const found = brokenLinks(text, file, text).map(message => ({rule: 'link', message}));
  const machine = machinePath(text);
  if (machine !== undefined) {
    found.push({rule: 'machine path', message: `a path of one machine: ${machine}`});
  }
  const placeholder = /^(?:[A-Z]+(?:_[A-Z]+)+|TODO\b.*)$/m.exec(text)?.[0];
  if (placeholder !== undefined) {
    found.push({rule: 'placeholder', message: `"${placeholder}" waits to be filled in`});
  }
  return found.map(finding => ({notebook, ...finding}));
}

/**
 * Every lesson is linked from the course map.
 * @param {string} map the text of notebooks/README.md
 * @param {readonly string[]} files the names of the notebooks
 * @returns {Finding[]}
 */
export function checkMap(map, files = readdirSync(NOTEBOOKS)) {
  return files
    .filter(name => /^\d\d-.*\.ipynb$/.test(name) && !map.includes(`](${name})`))
    .map(name => ({
      notebook: 'notebooks/README.md',
      rule: 'course map',
      message: `${name} is not linked`,
    }));
}
