// @ts-check
/**
 * Notebooks as the checks see them: reading, writing back unchanged in form, and naming a place in one.
 * Source: the notebook format 4.5, https://nbformat.readthedocs.io.   Lesson: all.
 */
import {mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

/** The clone's root. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const NOTEBOOKS = path.join(ROOT, 'notebooks');

/**
 * @typedef {{readonly output_type: string, readonly name?: string, readonly text?: string | string[],
 *   readonly data?: Readonly<Record<string, unknown>>}} Output
 * @typedef {{readonly number: number, readonly type: string, readonly source: string,
 *   readonly tags: readonly string[], readonly outputs: readonly Output[],
 *   readonly executionCount: unknown, readonly metadata: Readonly<Record<string, unknown>>}} Cell
 * @typedef {{readonly name: string, readonly file: string, readonly kind: Kind, readonly bytes: number,
 *   readonly cells: readonly Cell[], readonly code: readonly Cell[],
 *   readonly markdown: readonly Cell[]}} Notebook
 * @typedef {'orientation' | 'lesson' | 'solutions'} Kind
 */

/**
 * What a check has to say: which notebook, which cell (counted from 1, as a reader counts) and line.
 * @typedef {{readonly notebook: string, readonly cell?: number | undefined,
 *   readonly line?: number | undefined, readonly rule: string, readonly message: string}} Finding
 */

/**
 * The lessons and their solutions, in the order of the course.
 * @param {readonly string[]} names lessons wanted, e.g. '01-dense-vae'; none means all
 * @param {string} folder
 * @returns {string[]} paths
 * @throws {Error} when a name is no lesson
 */
export function notebookFiles(names = [], folder = NOTEBOOKS) {
  const known = readdirSync(folder)
    .filter(name => /^\d\d-.*\.ipynb$/.test(name))
    .sort();
  const wanted = names.map(name => path.basename(name).replace(/(\.solutions)?(\.ipynb)?$/, ''));
  for (const name of wanted) {
    if (!known.includes(`${name}.ipynb`)) {
      const lessons = known.filter(file => !file.includes('.solutions.'));
      throw new Error(`No lesson "${name}" in notebooks/; there are ${lessons.join(', ')}.`);
    }
  }
  return known
    .filter(file => wanted.length === 0 || wanted.some(name => file.startsWith(`${name}.`)))
    .map(file => path.join(folder, file));
}

/**
 * @param {string} file
 * @returns {Notebook}
 * @throws {Error} naming the file, when it is no notebook
 */
export function readNotebook(file) {
  const text = readFileSync(file, 'utf8');
  try {
    return parseNotebook(text, file);
  } catch (error) {
    throw new Error(`${path.relative(ROOT, file)} is no notebook: ${message(error)}`);
  }
}

/**
 * @param {string} text the JSON of a notebook
 * @param {string} file its path, of which the name says the kind
 * @returns {Notebook}
 */
export function parseNotebook(text, file) {
  /** @type {{cells: {cell_type: string, source: string | string[], outputs?: Output[],
   *   execution_count?: unknown, metadata?: {tags?: string[]}}[]}} */
  const json = JSON.parse(text);
  const cells = json.cells.map((cell, index) => ({
    number: index + 1,
    type: cell.cell_type,
    source: joined(cell.source),
    tags: cell.metadata?.tags ?? [],
    outputs: cell.outputs ?? [],
    executionCount: cell.execution_count ?? null,
    metadata: cell.metadata ?? {},
  }));
  const name = path.basename(file, '.ipynb');
  return {
    name,
    file,
    kind: kindOf(name),
    bytes: Buffer.byteLength(text),
    cells,
    code: cells.filter(cell => cell.type === 'code'),
    markdown: cells.filter(cell => cell.type === 'markdown'),
  };
}

/**
 * @param {string} name
 * @returns {Kind}
 */
function kindOf(name) {
  if (name.endsWith('.solutions')) return 'solutions';
  return name.startsWith('00-') ? 'orientation' : 'lesson';
}

/**
 * Replaces the sources of some cells in a notebook's JSON and keeps everything else as it is.
 * @param {string} text the JSON of a notebook
 * @param {ReadonlyMap<number, string>} sources by cell number
 * @returns {string}
 */
export function withSources(text, sources) {
  /** @type {{cells: {source: string | string[]}[]}} */
  const json = JSON.parse(text);
  for (const [number, source] of sources) {
    const cell = json.cells[number - 1];
    if (cell === undefined) throw new RangeError(`withSources: there is no cell ${number}.`);
    cell.source = source.split(/(?<=\n)/);
  }
  return `${JSON.stringify(json, null, 1)}\n`;
}

/**
 * Writes a whole file or none.
 * @param {string} file
 * @param {string} text
 */
export function writeWhole(file, text) {
  mkdirSync(path.dirname(file), {recursive: true});
  writeFileSync(`${file}.partial`, text);
  renameSync(`${file}.partial`, file);
}

/**
 * A text that the notebook format may store as one string or as lines.
 * @param {unknown} text
 * @returns {string}
 */
export function joined(text) {
  return Array.isArray(text) ? text.join('') : typeof text === 'string' ? text : '';
}

/**
 * What a cell printed, as text.
 * @param {Cell} cell
 * @returns {string}
 */
export function printed(cell) {
  return cell.outputs
    .map(output => joined(output.text) + joined(output.data?.['text/plain']))
    .join('\n');
}

/**
 * 'notebooks/01-dense-vae.ipynb cell 12 line 3: message (rule)'
 * @param {Finding} finding
 * @returns {string}
 */
export function describe({notebook, cell, line, rule, message: what}) {
  const place = [notebook, cell && `cell ${cell}`, line && `line ${line}`].filter(Boolean);
  return `${place.join(' ')}: ${what} [${rule}]`;
}

/**
 * @param {unknown} error
 * @returns {string}
 */
export function message(error) {
  return error instanceof Error ? error.message : String(error);
}
