// @ts-check
/**
 * The cells as tslab's own converter compiles them, one after the other, and the library as it loads it.
 * Source: tslab 1.0.22, dist/converter.js; its compiler is TypeScript 5.0.4.   Lesson: all.
 */
import {createRequire} from 'node:module';
import path from 'node:path';
import vm from 'node:vm';
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
    try {
      new vm.Script(
        `(${hasToplevelAwait ? 'async ' : ''}function(exports, require) { ${output ?? ''}\n})`,
      );
    } catch (error) {
      found.push({...place, message: `compiles to broken JavaScript: ${message(error)}`});
    }
  }
  return found;
}

/**
 * Type-checks the library's sources as tslab would load them: TypeScript 5.0.4, not strict.
 * @param {readonly string[]} files
 * @returns {string[]} the compiler's complaints
 */
export function checkLibraryWithTslab(files) {
  /** @type {typeof import('typescript')} */
  const ts = require('@tslab/typescript-for-tslab');
  const options = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.CommonJS,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    lib: ['lib.es2022.d.ts'],
    types: ['node'],
    esModuleInterop: true,
    skipLibCheck: true,
    noEmit: true,
  };
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram([...files], options, host);
  const own = new Set(files.map(file => path.resolve(file)));
  const found = ts
    .getPreEmitDiagnostics(program)
    .filter(({file}) => file === undefined || own.has(path.resolve(file.fileName)));
  return found.map(({file, start = 0, code, messageText}) => {
    const place = file
      ? `${path.relative(ROOT, file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1}`
      : 'lib';
    return `${place}: TS${code}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}
