// @ts-check
/**
 * The cells as tslab's own converter compiles them, one after the other, and the library as it loads it.
 * Source: tslab 1.0.22, dist/converter.js; its compiler is TypeScript 5.0.4.   Lesson: all.
 */
import {createRequire} from 'node:module';
import path from 'node:path';
import vm from 'node:vm';
import ts from 'typescript';
import {within} from './module.mjs';
import {NOTEBOOKS, ROOT, message} from './notebook.mjs';

/** @typedef {import('./notebook.mjs').Notebook} Notebook */
/** @typedef {import('./notebook.mjs').Finding} Finding */
/** @typedef {{readonly start: {readonly line: number}, readonly messageText: string,
 *   readonly code: number}} TslabDiagnostic */
/** @typedef {{readonly output?: string, readonly declOutput?: string,
 *   readonly diagnostics: readonly TslabDiagnostic[], readonly hasToplevelAwait?: boolean}} Conversion */
/** @typedef {{convert(previous: string, source: string): Conversion, close(): void}} Converter */

const require = createRequire(import.meta.url);

/**
 * Compiles the code cells of notebooks with stock tslab, in order, as a kernel does. One converter
 * serves them all, so that the libraries' types are read once.
 * @param {readonly Notebook[]} notebooks
 * @returns {Finding[]}
 */
export function checkWithTslab(notebooks) {
  const back = process.cwd();
  process.chdir(NOTEBOOKS); // the converter resolves imports from the working directory
  /** @type {{createConverter(options?: {isJS: boolean, isBrowser: boolean}): Converter}} */
  const {createConverter} = require('tslab/dist/converter.js');
  const converter = createConverter({isJS: false, isBrowser: false});
  try {
    return notebooks.flatMap(notebook => convertCells(notebook, converter));
  } finally {
    converter.close();
    process.chdir(back);
  }
}

/**
 * @param {Notebook} notebook
 * @param {Converter} converter
 * @returns {Finding[]}
 */
function convertCells({name, code}, converter) {
  /** @type {Finding[]} */
  const found = [];
  let previous = '';
  for (const cell of code) {
    const place = {notebook: name, cell: cell.number, rule: 'tslab'};
    const converted = converter.convert(previous, cell.source);
    const {output, declOutput, diagnostics, hasToplevelAwait} = converted;
    for (const {start, messageText, code: number} of diagnostics) {
      const line = start.line + 1;
      found.push({...place, line, message: `TS${number} (TypeScript 5.0.4): ${messageText}`});
    }
    if (diagnostics.length > 0) break; // what follows would only repeat it
    previous = declOutput ?? previous;
    const broken = brokenOutput(output ?? '', hasToplevelAwait);
    if (broken !== undefined) found.push({...place, message: broken});
  }
  return found;
}

/**
 * What is wrong with the JavaScript that tslab made of a cell, as it would run it.
 * @param {string} output
 * @param {boolean} isAsync
 * @returns {string | undefined}
 */
function brokenOutput(output, isAsync = false) {
  // tslab mistakes the `a` of `{a: b}` for a name of an earlier cell and writes `{exports, a: b}`.
  const source = ts.createSourceFile('cell.js', output, ts.ScriptTarget.ES2022);
  const isMistaken = [...within(source)].some(
    node => ts.isBindingElement(node) && ts.isIdentifier(node.name) && node.name.text === 'exports',
  );
  if (isMistaken) {
    return 'renames while destructuring something of an earlier cell: use its property';
  }
  try {
    new vm.Script(`(${isAsync ? 'async ' : ''}function(exports, require) { ${output}\n})`);
    return undefined;
  } catch (error) {
    return `compiles to broken JavaScript: ${message(error)}`;
  }
}

/**
 * Type-checks the library's sources as tslab would load them: TypeScript 5.0.4, not strict.
 * @param {readonly string[]} files
 * @returns {string[]} the compiler's complaints
 */
export function checkLibraryWithTslab(files) {
  /** @type {typeof ts} */
  const old = require('@tslab/typescript-for-tslab');
  const options = {
    target: old.ScriptTarget.ES2022,
    module: old.ModuleKind.CommonJS,
    moduleResolution: old.ModuleResolutionKind.Node10,
    lib: ['lib.es2022.d.ts'],
    types: ['node'],
    esModuleInterop: true,
    skipLibCheck: true,
    noEmit: true,
  };
  const host = old.createCompilerHost(options);
  const program = old.createProgram([...files], options, host);
  const own = new Set(files.map(file => path.resolve(file)));
  const found = old
    .getPreEmitDiagnostics(program)
    .filter(({file}) => file === undefined || own.has(path.resolve(file.fileName)));
  return found.map(({file, start = 0, code, messageText}) => {
    const place = file
      ? `${path.relative(ROOT, file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1}`
      : 'lib';
    return `${place}: TS${code}: ${old.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}
