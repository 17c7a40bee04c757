// @ts-check
/** Small notebooks for the tests of the checks. */
import path from 'node:path';
import {NOTEBOOKS, parseNotebook} from '../../misc/checks/notebook.mjs';
import {programOf, strictOptions, toModule} from '../../misc/checks/module.mjs';

/** @typedef {{cell_type: string, metadata: object, source: string, outputs?: object[],
 *   execution_count?: number | null}} RawCell */

/**
 * @param {string} source
 * @param {Partial<RawCell>} rest
 * @returns {RawCell}
 */
export function code(source, rest = {}) {
  return {cell_type: 'code', metadata: {}, execution_count: null, outputs: [], source, ...rest};
}

/**
 * @param {string} source
 * @returns {RawCell}
 */
export function prose(source) {
  return {cell_type: 'markdown', metadata: {}, source};
}

/**
 * @param {readonly RawCell[]} cells
 * @param {string} name
 */
export function notebook(cells, name = '01-example') {
  return parseNotebook(JSON.stringify({cells}), path.join(NOTEBOOKS, `${name}.ipynb`));
}

/**
 * A notebook of code cells as a module, in a program of its own.
 * @param {...string} sources
 */
export function compiled(...sources) {
  const module = toModule(notebook(sources.map(source => code(source))));
  return {module, program: programOf([module], strictOptions())};
}

/** @param {readonly {rule: string}[]} findings */
export function rules(findings) {
  return findings.map(({rule}) => rule);
}

/** An output as the kernel stores it. */
export const TEXT = {output_type: 'stream', name: 'stdout', text: ['1\n']};
export const PICTURE = {output_type: 'display_data', metadata: {}, data: {'image/png': 'iVBORw'}};
