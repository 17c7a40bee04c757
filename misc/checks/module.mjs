// @ts-check
/**
 * All code cells of a notebook as one TypeScript module, with the way back from a place in it to the cell.
 * Source: the compiler API, https://github.com/microsoft/TypeScript/wiki/Using-the-Compiler-API.   Lesson: all.
 */
import path from 'node:path';
import ts from 'typescript';
import {NOTEBOOKS, ROOT} from './notebook.mjs';

/** @typedef {import('./notebook.mjs').Notebook} Notebook */
/** @typedef {{readonly cell: number, readonly line: number}} Place */

/**
 * @typedef {{readonly notebook: Notebook, readonly file: string, readonly text: string,
 *   readonly starts: readonly {readonly cell: number, readonly line: number}[]}} CellModule
 */

/**
 * Joins the code cells of a notebook, in order, into one module that lies beside it.
 * @param {Notebook} notebook
 * @returns {CellModule}
 */
export function toModule(notebook) {
  const starts = [];
  let text = '';
  let line = 0;
  for (const cell of notebook.code) {
    starts.push({cell: cell.number, line});
    text += `${cell.source}\n`;
    line += cell.source.split('\n').length;
  }
  const file = path.join(NOTEBOOKS, `${notebook.name.replaceAll('.', '-')}.cells.ts`);
  return {notebook, file, text: `${text}export {};\n`, starts};
}

/**
 * Where a line of the module (from 0) stands in the notebook (cell and line from 1).
 * @param {CellModule} module
 * @param {number} line
 * @returns {Place}
 */
export function placeOf({starts}, line) {
  const start = starts.filter(each => each.line <= line).at(-1);
  if (start === undefined) throw new RangeError(`placeOf: line ${line} is in no cell.`);
  return {cell: start.cell, line: line - start.line + 1};
}

/**
 * @param {CellModule} module
 * @param {ts.Node} node
 * @param {ts.SourceFile} source
 * @returns {Place}
 */
export function placeOfNode(module, node, source) {
  return placeOf(module, source.getLineAndCharacterOfPosition(node.getStart(source)).line);
}

/**
 * The strictness of the library's own compiler options; a notebook may await at the top level, and
 * imports as the kernel resolves them.
 * @returns {ts.CompilerOptions}
 */
export function strictOptions() {
  const file = path.join(ROOT, 'tsconfig.base.json');
  const {config, error} = ts.readConfigFile(file, name => ts.sys.readFile(name));
  if (error) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'));
  const {options} = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  return {...options, module: ts.ModuleKind.ES2022, isolatedModules: false, noEmit: true};
}

/**
 * Declaration files of packages, read once in a process.
 * @type {Map<string, ts.SourceFile>}
 */
const libraries = new Map();

/**
 * One program over the modules of several notebooks, so that the libraries are read once.
 * @param {readonly CellModule[]} modules
 * @param {ts.CompilerOptions} options
 * @returns {ts.Program}
 */
export function programOf(modules, options) {
  const texts = new Map(modules.map(({file, text}) => [file, text]));
  const host = ts.createCompilerHost(options, true);
  const {readFile, fileExists, getSourceFile} = host;
  host.fileExists = file => texts.has(file) || fileExists(file);
  host.readFile = file => texts.get(file) ?? readFile(file);
  host.getSourceFile = (file, language, ...rest) => {
    const text = texts.get(file);
    if (text !== undefined) return ts.createSourceFile(file, text, language, true);
    const known = libraries.get(file) ?? getSourceFile(file, language, ...rest);
    if (known && file.includes('node_modules')) libraries.set(file, known);
    return known;
  };
  host.getCurrentDirectory = () => NOTEBOOKS;
  return ts.createProgram([...texts.keys()], options, host);
}

/**
 * A node and everything in it, outermost first.
 * @param {ts.Node} node
 * @returns {Generator<ts.Node>}
 */
export function* within(node) {
  yield node;
  /** @type {ts.Node[]} */
  const children = [];
  ts.forEachChild(node, child => void children.push(child));
  for (const child of children) yield* within(child);
}

/**
 * The names that a top-level statement declares, imports included.
 * @param {ts.Statement} statement
 * @returns {string[]}
 */
export function declaredNames(statement) {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({name}) => boundNames(name));
  }
  if (ts.isImportDeclaration(statement)) {
    const clause = statement.importClause;
    const bindings = clause?.namedBindings;
    const named =
      bindings === undefined
        ? []
        : ts.isNamespaceImport(bindings)
          ? [bindings.name.text]
          : bindings.elements.map(({name}) => name.text);
    return clause?.name ? [clause.name.text, ...named] : named;
  }
  if (
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement)
  ) {
    return statement.name ? [statement.name.text] : [];
  }
  return [];
}

/**
 * @param {ts.BindingName} name
 * @returns {string[]}
 */
function boundNames(name) {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap(element =>
    ts.isOmittedExpression(element) ? [] : boundNames(element.name),
  );
}
