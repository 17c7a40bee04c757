// @ts-check
/**
 * What code cells may not hold: a name declared twice, `any`, and the constructs that stock tslab breaks.
 * Source: tslab 1.0.22, dist/converter.js; test/lessons/tslab.test.mjs shows each break.   Lesson: all.
 */
import ts from 'typescript';
import {declaredNames, placeOf, placeOfNode, within} from './module.mjs';

/** @typedef {import('./notebook.mjs').Finding} Finding */
/** @typedef {import('./module.mjs').CellModule} CellModule */

/**
 * @param {CellModule} module
 * @param {ts.Program} program one that holds the module
 * @returns {Finding[]}
 */
export function checkCode(module, program) {
  const source = program.getSourceFile(module.file);
  if (source === undefined) throw new Error(`checkCode: ${module.file} is not in the program.`);
  const checker = program.getTypeChecker();
  return [
    ...repeatedNames(module, source),
    ...escapes(module, source),
    ...stockConstructs(module, source, checker),
  ].map(finding => ({notebook: module.notebook.name, ...finding}));
}

/**
 * @param {CellModule} module
 * @param {ts.SourceFile} source
 * @returns {Omit<Finding, 'notebook'>[]}
 */
function repeatedNames(module, source) {
  const found = [];
  /** @type {Map<string, number>} */
  const first = new Map();
  for (const statement of source.statements) {
    const place = placeOfNode(module, statement, source);
    for (const name of declaredNames(statement)) {
      const cell = first.get(name);
      if (cell !== undefined && cell !== place.cell) {
        const message = `"${name}" is already declared in cell ${cell}`;
        found.push({...place, rule: 'declared twice', message});
      }
      first.set(name, cell ?? place.cell);
    }
  }
  return found;
}

/**
 * `any`, and comments that silence the compiler.
 * @param {CellModule} module
 * @param {ts.SourceFile} source
 * @returns {Omit<Finding, 'notebook'>[]}
 */
function escapes(module, source) {
  const found = [...within(source)]
    .filter(node => node.kind === ts.SyntaxKind.AnyKeyword)
    .map(node => {
      return {...placeOfNode(module, node, source), rule: 'any', message: 'say the type'};
    });
  source.text.split('\n').forEach((line, index) => {
    const directive = /(?:\/\/|\/\*)\s*(@ts-\w+|eslint-disable\S*|prettier-ignore)/.exec(line)?.[1];
    if (directive === undefined) return;
    const message = `"${directive}" silences a check`;
    found.push({...placeOf(module, index), rule: 'silenced', message});
  });
  return found;
}

/**
 * Constructs that stock tslab compiles to code that fails when it runs. The project's own kernel
 * mends them; without them a lesson runs on both. The fourth such construct, renaming while
 * destructuring, is seen in what tslab compiles it to (tslab.mjs).
 * @param {CellModule} module
 * @param {ts.SourceFile} source
 * @param {ts.TypeChecker} checker
 * @returns {Omit<Finding, 'notebook'>[]}
 */
function stockConstructs(module, source, checker) {
  /** @type {Omit<Finding, 'notebook'>[]} */
  const found = [];
  const report = (/** @type {ts.Node} */ node, /** @type {string} */ message) => {
    found.push({...placeOfNode(module, node, source), rule: 'stock tslab', message});
  };
  const isEarlier = (/** @type {ts.Symbol | undefined} */ symbol, /** @type {ts.Node} */ node) => {
    const here = placeOfNode(module, node, source).cell;
    return (symbol?.declarations ?? []).some(declaration => {
      const home = declaration.getSourceFile();
      return home === source && placeOfNode(module, declaration, source).cell < here;
    });
  };
  for (const node of within(source)) {
    if (ts.isShorthandPropertyAssignment(node)) {
      const symbol = checker.getShorthandAssignmentValueSymbol(node);
      if (isEarlier(symbol, node) && symbol && isTopLevel(symbol)) {
        const name = node.name.text;
        report(node, `{${name}} of an earlier cell: write {${name}: ${name}}`);
      }
    } else if (isOutsideFunctions(node)) {
      if (ts.isAwaitExpression(node) && ts.isParenthesizedExpression(node.expression)) {
        report(node, '"await (" at the top level: name the promise first');
      } else if (ts.isForOfStatement(node) && node.awaitModifier) {
        report(node, '"for await" at the top level: put it into an async function');
      }
    }
  }
  return found;
}

/**
 * @param {ts.Symbol} symbol
 * @returns {boolean}
 */
function isTopLevel(symbol) {
  return (symbol.declarations ?? []).some(isOutsideFunctions);
}

/**
 * @param {ts.Node} node
 * @returns {boolean}
 */
function isOutsideFunctions(node) {
  for (let up = node.parent; up !== undefined; up = up.parent) {
    if (ts.isFunctionLike(up) || ts.isClassLike(up)) return false;
  }
  return true;
}
