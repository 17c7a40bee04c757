// @ts-check
/**
 * The cells' types, as strict as the library's: each notebook is one module for the compiler.
 * Source: tsconfig.base.json; the compiler API.   Lesson: all.
 */
import ts from 'typescript';
import {placeOf} from './module.mjs';

/** @typedef {import('./notebook.mjs').Finding} Finding */
/** @typedef {import('./module.mjs').CellModule} CellModule */

/** "is declared but its value is never read", for a variable, an import, all imports of a line. */
const UNUSED = new Set([6133, 6192, 6196, 6198, 6199]);

/**
 * @param {CellModule} module
 * @param {ts.Program} program one that holds the module
 * @returns {Finding[]}
 */
export function checkTypes(module, program) {
  const source = program.getSourceFile(module.file);
  if (source === undefined) throw new Error(`checkTypes: ${module.file} is not in the program.`);
  const diagnostics = [
    ...program.getSyntacticDiagnostics(source),
    ...program.getSemanticDiagnostics(source),
  ];
  return diagnostics.flatMap(diagnostic => {
    const {code, start = 0, messageText} = diagnostic;
    if (UNUSED.has(code) && isLeftToTheReader(source, start)) return [];
    const {line} = source.getLineAndCharacterOfPosition(start);
    const what = ts.flattenDiagnosticMessageText(messageText, '\n');
    return [
      {
        notebook: module.notebook.name,
        ...placeOf(module, line),
        rule: 'types',
        message: `TS${code}: ${what}`,
      },
    ];
  });
}

/**
 * An exercise is a function that only throws until the reader writes it: its parameters are unused.
 * @param {ts.SourceFile} source
 * @param {number} position
 * @returns {boolean}
 */
function isLeftToTheReader(source, position) {
  /** @type {ts.Node | undefined} */
  let node = source;
  while (node !== undefined) {
    if (ts.isFunctionLike(node) && 'body' in node && node.body && ts.isBlock(node.body)) {
      const {statements, pos} = node.body;
      const [only] = statements;
      if (position < pos && statements.length === 1 && only && ts.isThrowStatement(only))
        return true;
    }
    node = ts.forEachChild(node, child =>
      child.pos <= position && position < child.end ? child : undefined,
    );
  }
  return false;
}
