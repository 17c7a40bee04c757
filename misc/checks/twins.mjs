// @ts-check
/**
 * Twins: a definition shown in a lesson is the library's own, comments, layout and `export` aside.
 * Source: the compiler's syntax tree; CONTRIBUTING.md, "A definition and its twin".   Lesson: all.
 */
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import {ROOT} from './notebook.mjs';

/** @typedef {import('./notebook.mjs').Notebook} Notebook */
/** @typedef {import('./notebook.mjs').Cell} Cell */
/** @typedef {import('./notebook.mjs').Finding} Finding */
/** @typedef {{readonly form: string, readonly text: string}} Declaration */

/**
 * @param {Notebook} notebook
 * @param {(file: string) => string | undefined} read gives the text of a file 'lib/…', or undefined
 * @param {ReadonlyMap<string, string>} exported the library's names, each with its file
 * @returns {Finding[]}
 */
export function checkTwins(notebook, read = readLibrary, exported = libraryExports()) {
  return notebook.code.flatMap(cell => {
    const place = {notebook: notebook.name, cell: cell.number, rule: 'twin'};
    const marks = [...cell.source.matchAll(/^\/\/ *twin\b.*$/gm)];
    if (marks.length === 0) return unmarked(notebook, cell, exported);
    const named = /^\/\/ twin: (lib\/\S+\.ts)$/.exec(cell.source.split('\n')[0] ?? '');
    const file = named?.[1];
    if (marks.length > 1 || file === undefined) {
      return [{...place, message: 'the first line must read "// twin: lib/<folder>/<file>.ts"'}];
    }
    const library = read(file);
    if (library === undefined) return [{...place, message: `there is no ${file}`}];
    const shown = declarations(cell.source);
    const shared = declarations(library);
    if (shown.size === 0) return [{...place, message: 'declares nothing that could be a twin'}];
    return [...shown].flatMap(([name, declaration]) => {
      const other = shared.get(name);
      if (other === undefined) return [{...place, message: `${file} has no ${name}`}];
      if (other.form === declaration.form) return [];
      const texts = `--- the cell\n${declaration.text}\n--- ${file}\n${other.text}`;
      return [{...place, message: `${name} differs from ${file}\n${texts}`}];
    });
  });
}

/**
 * Definitions that bear the name of something in the library, and are not marked as its twin. An
 * exercise and a solution may, since the reader writes them.
 * @param {Notebook} notebook
 * @param {Cell} cell
 * @param {ReadonlyMap<string, string>} exported
 * @returns {Finding[]}
 */
function unmarked(notebook, cell, exported) {
  const isFree = cell.source.startsWith('// sketch') || cell.tags.includes('exercise');
  if (isFree || notebook.kind === 'solutions') return [];
  return definitions(cell.source).flatMap(name => {
    const file = exported.get(name);
    if (file === undefined) return [];
    const message = `${name} is in ${file}: mark the cell "// twin: ${file}", or "// sketch"`;
    return [{notebook: notebook.name, cell: cell.number, rule: 'unmarked twin', message}];
  });
}

/**
 * The functions, classes and interfaces that the library exports, each with its file.
 * @returns {Map<string, string>}
 */
function libraryExports() {
  return (known ??= new Map(
    libraryFiles().flatMap(file => {
      const text = readFileSync(path.join(ROOT, file), 'utf8');
      return definitions(text, true).map(name => [name, file]);
    }),
  ));
}

/** @type {Map<string, string> | undefined} */
let known;

/**
 * The sources of the library, as 'lib/<folder>/<file>.ts'.
 * @returns {string[]}
 */
export function libraryFiles() {
  return readdirSync(path.join(ROOT, 'lib'), {recursive: true, encoding: 'utf8'})
    .filter(name => /(?<!\.d)\.ts$/.test(name) && !/^(?:dist|node_modules)\b/.test(name))
    .map(name => `lib/${name.split(path.sep).join('/')}`);
}

/**
 * The names of the functions, classes and interfaces at the top level of a text.
 * @param {string} text
 * @param {boolean} exportedOnly
 * @returns {string[]}
 */
function definitions(text, exportedOnly = false) {
  const {statements} = ts.createSourceFile('lib.ts', text, ts.ScriptTarget.ES2022);
  return statements.flatMap(statement => {
    const isDefinition =
      ts.isFunctionDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isInterfaceDeclaration(statement);
    if (!isDefinition || statement.name === undefined) return [];
    const isExported = statement.modifiers?.some(({kind}) => kind === ts.SyntaxKind.ExportKeyword);
    return exportedOnly && !isExported ? [] : [statement.name.text];
  });
}

/**
 * The number of declarations that a notebook shares with the library.
 * @param {Notebook} notebook
 * @returns {number}
 */
export function countTwins({code}) {
  const twins = code.filter(cell => cell.source.startsWith('// twin: '));
  return twins.reduce((sum, cell) => sum + declarations(cell.source).size, 0);
}

/**
 * @param {string} file
 * @returns {string | undefined}
 */
function readLibrary(file) {
  const full = path.join(ROOT, file);
  const inside = full.startsWith(path.join(ROOT, 'lib') + path.sep);
  return inside && existsSync(full) ? readFileSync(full, 'utf8') : undefined;
}

/**
 * The functions, classes, interfaces, types and constants that a text declares at its top level.
 * Overloads of a function count as one declaration.
 * @param {string} text
 * @returns {Map<string, Declaration>}
 */
export function declarations(text) {
  const source = ts.createSourceFile('twin.ts', text, ts.ScriptTarget.ES2022, true);
  const printer = ts.createPrinter({removeComments: true});
  /** @type {Map<string, Declaration>} */
  const found = new Map();
  const add = (/** @type {string} */ name, /** @type {ts.Node} */ node) => {
    const before = found.get(name);
    const printed = printer
      .printNode(ts.EmitHint.Unspecified, node, source)
      .replace(/^export (?:default )?/, '');
    found.set(name, {
      form: (before?.form ?? '') + form(node, source),
      text: before ? `${before.text}\n${printed}` : printed,
    });
  };
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement)) {
      const {declarationList} = statement;
      const kind = declarationList.flags & ts.NodeFlags.BlockScoped;
      for (const declaration of declarationList.declarations) {
        if (!ts.isIdentifier(declaration.name)) continue;
        const {text: name} = declaration.name;
        add(name, declaration);
        const entry = found.get(name);
        if (entry) found.set(name, {...entry, form: `${kind} ${entry.form}`});
      }
    } else if (
      (ts.isFunctionDeclaration(statement) ||
        ts.isClassDeclaration(statement) ||
        ts.isInterfaceDeclaration(statement) ||
        ts.isTypeAliasDeclaration(statement) ||
        ts.isEnumDeclaration(statement)) &&
      statement.name
    ) {
      add(statement.name.text, statement);
    }
  }
  return found;
}

/**
 * A node's tokens with their nesting. What the formatter may add or drop is left out: comments, layout,
 * parentheses (the nesting says the same), a trailing comma, the first bar of a union, `export`.
 * @param {ts.Node} node
 * @param {ts.SourceFile} source
 * @returns {string}
 */
function form(node, source) {
  if (ts.isParenthesizedExpression(node)) return form(node.expression, source);
  if (ts.isParenthesizedTypeNode(node)) return form(node.type, source);
  if (ts.isJSDoc(node) || node.kind === ts.SyntaxKind.ExportKeyword) return '';
  const children = node.getChildren(source);
  if (children.length === 0) {
    return node.kind === ts.SyntaxKind.SyntaxList ? '' : `${tokenText(node, source)} `;
  }
  const listed = node.kind === ts.SyntaxKind.SyntaxList;
  const kept = children.filter((child, index) => {
    if (!listed) return child.kind !== ts.SyntaxKind.SemicolonToken;
    const last = index === children.length - 1;
    return !(index === 0 && isBar(child)) && !(last && child.kind === ts.SyntaxKind.CommaToken);
  });
  const inner = kept.map(child => form(child, source));
  const joined = inner.join('');
  return joined === '' ? '' : `(${joined})`;
}

/**
 * @param {ts.Node} node
 * @param {ts.SourceFile} source
 * @returns {string}
 */
function tokenText(node, source) {
  return ts.isStringLiteral(node) ? JSON.stringify(node.text) : node.getText(source);
}

/**
 * Whether a token is a bar or an ampersand, as before the first part of `| A | B`.
 * @param {ts.Node} token
 * @returns {boolean}
 */
function isBar({kind}) {
  return kind === ts.SyntaxKind.BarToken || kind === ts.SyntaxKind.AmpersandToken;
}
