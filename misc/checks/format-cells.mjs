// @ts-check
/**
 * Code cells formatted by Prettier, with the library's options and narrower lines.
 *
 *   node misc/checks/format-cells.mjs [--write] [NOTEBOOK…]
 */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import * as prettier from 'prettier';
import {
  ROOT,
  describe,
  message,
  notebookFiles,
  readNotebook,
  withSources,
  writeWhole,
} from './notebook.mjs';
import {LIMITS} from './structure.mjs';

/** @typedef {import('./notebook.mjs').Notebook} Notebook */
/** @typedef {import('./notebook.mjs').Finding} Finding */

/**
 * @param {string} source
 * @returns {Promise<string>}
 * @throws {Error} when the source cannot be parsed
 */
export async function formatCell(source) {
  const options = await prettier.resolveConfig(path.join(ROOT, 'lib/cell.ts'));
  const text = await prettier.format(source, {
    ...options,
    parser: 'typescript',
    printWidth: LIMITS.columns,
  });
  return text.trimEnd();
}

/**
 * @param {Notebook} notebook
 * @returns {Promise<{findings: Finding[], formatted: Map<number, string>}>} the cells that differ
 */
export async function checkFormat(notebook) {
  /** @type {Finding[]} */
  const findings = [];
  /** @type {Map<number, string>} */
  const formatted = new Map();
  for (const cell of notebook.code) {
    const place = {notebook: notebook.name, cell: cell.number, rule: 'format'};
    try {
      const text = await formatCell(cell.source);
      if (text === cell.source) continue;
      formatted.set(cell.number, text);
      const lines = text.split('\n');
      const line = cell.source.split('\n').findIndex((each, index) => each !== lines[index]) + 1;
      const remedy = `node misc/checks/format-cells.mjs --write notebooks/${notebook.name}.ipynb`;
      findings.push({...place, line: line || lines.length, message: `not formatted: ${remedy}`});
    } catch (error) {
      const what = message(error).split('\n')[0] ?? '';
      findings.push({...place, message: `cannot be parsed: ${what}`});
    }
  }
  return {findings, formatted};
}

async function main() {
  const write = process.argv.includes('--write');
  const names = process.argv.slice(2).filter(each => !each.startsWith('--'));
  let wrong = 0;
  for (const file of notebookFiles(names)) {
    const notebook = readNotebook(file);
    const {findings, formatted} = await checkFormat(notebook);
    if (write && formatted.size > 0) {
      writeWhole(file, withSources(readFileSync(file, 'utf8'), formatted));
      console.log(`${notebook.name}: ${formatted.size} cells formatted.`);
    }
    const left = write ? findings.filter(({cell}) => !formatted.has(cell ?? 0)) : findings;
    for (const finding of left) console.log(describe(finding));
    wrong += left.length;
  }
  process.exitCode = wrong > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
