// @ts-check
/**
 * All checks over the lessons' text and code, without running them.
 *
 *   node misc/checks/lessons.mjs [LESSON…]
 */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {checkCode} from './code.mjs';
import {checkFormat} from './format-cells.mjs';
import {programOf, strictOptions, toModule} from './module.mjs';
import {checkDocument, checkMap, documents} from './documents.mjs';
import {NOTEBOOKS, ROOT, describe, notebookFiles, readNotebook} from './notebook.mjs';
import {checkProse} from './prose.mjs';
import {checkStructure} from './structure.mjs';
import {checkTeaching, countFigures} from './teaching.mjs';
import {checkWithTslab} from './tslab.mjs';
import {checkTwins, countTwins} from './twins.mjs';
import {checkTypes} from './types.mjs';

/** @typedef {import('./notebook.mjs').Notebook} Notebook */
/** @typedef {import('./notebook.mjs').Finding} Finding */
/** @typedef {{readonly name: string, readonly notebook: string, readonly findings: Finding[]}} Check */

/**
 * Each check of each notebook, with what it found.
 * @param {readonly string[]} names lessons wanted; none means all
 * @returns {Promise<Check[]>}
 */
export async function checkLessons(names = []) {
  const notebooks = notebookFiles(names).map(readNotebook);
  const modules = notebooks.map(toModule);
  const program = programOf(modules, strictOptions());
  const stock = checkWithTslab(notebooks);
  /** @type {Check[]} */
  const checks = [];
  for (const [index, notebook] of notebooks.entries()) {
    const module = modules[index];
    if (module === undefined) throw new RangeError('checkLessons: a notebook without a module.');
    const solutions = notebooks.find(({name}) => name === `${notebook.name}.solutions`);
    /** @type {Record<string, Finding[]>} */
    const found = {
      structure: checkStructure(notebook),
      prose: checkProse(notebook),
      teaching: checkTeaching(notebook, solutions),
      twins: checkTwins(notebook),
      code: checkCode(module, program),
      types: checkTypes(module, program),
      tslab: stock.filter(finding => finding.notebook === notebook.name),
      format: (await checkFormat(notebook)).findings,
    };
    for (const [name, findings] of Object.entries(found)) {
      checks.push({name, notebook: notebook.name, findings});
    }
  }
  if (names.length === 0) {
    const map = readFileSync(path.join(NOTEBOOKS, 'README.md'), 'utf8');
    checks.push({name: 'course map', notebook: 'notebooks/README.md', findings: checkMap(map)});
    for (const file of documents()) {
      const notebook = path.relative(ROOT, file);
      checks.push({name: 'document', notebook, findings: checkDocument(file)});
    }
  }
  return checks;
}

/**
 * One line on what a notebook holds.
 * @param {Notebook} notebook
 * @returns {string}
 */
export function summary(notebook) {
  const {name, cells, code, bytes} = notebook;
  return (
    `${name}: ${cells.length} cells, ${code.length} of code, ${countFigures(notebook)} figures, ` +
    `${countTwins(notebook)} twins, ${Math.round(bytes / 1024)} KiB`
  );
}

async function main() {
  const names = process.argv.slice(2);
  const checks = await checkLessons(names);
  for (const file of notebookFiles(names)) console.log(summary(readNotebook(file)));
  const findings = checks.flatMap(check => check.findings);
  for (const finding of findings) console.log(describe(finding));
  const failed = checks.filter(check => check.findings.length > 0).length;
  console.log(`${checks.length - failed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
