// @ts-check
/**
 * A lesson's form: cells short enough to read, prose between them, outputs kept as an execution leaves them.
 * Source: CONTRIBUTING.md, "What a lesson looks like".   Lesson: all.
 */
import os from 'node:os';
import ts from 'typescript';
import {ROOT, joined} from './notebook.mjs';

/** @typedef {import('./notebook.mjs').Notebook} Notebook */
/** @typedef {import('./notebook.mjs').Cell} Cell */
/** @typedef {import('./notebook.mjs').Finding} Finding */

export const LIMITS = {
  cellLines: 25,
  classLines: 40,
  medianLines: 10,
  codeRun: 2,
  columns: 88,
  bytes: 500 * 1024,
};

/**
 * @param {Notebook} notebook
 * @returns {Finding[]}
 */
export function checkStructure(notebook) {
  const found = [...cellLengths(notebook), ...runs(notebook), ...outputs(notebook)];
  if (notebook.bytes > LIMITS.bytes) {
    const size = `${Math.round(notebook.bytes / 1024)} KiB`;
    found.push({rule: 'file size', message: `${size}, at most ${LIMITS.bytes / 1024} KiB`});
  }
  return found.map(finding => ({notebook: notebook.name, ...finding}));
}

/**
 * @param {Notebook} notebook
 * @returns {Omit<Finding, 'notebook'>[]}
 */
function cellLengths({kind, code}) {
  const found = [];
  const lengths = [];
  let classes = 0;
  for (const cell of code) {
    const lines = cell.source.split('\n');
    const length = lines.filter(line => line.trim() !== '').length;
    lengths.push(length);
    const whole = length > LIMITS.cellLines && isOneClass(cell.source);
    if (whole) classes++;
    const limit = whole && classes === 1 ? LIMITS.classLines : LIMITS.cellLines;
    if (length > limit) {
      const message = `${length} lines of code, at most ${limit}`;
      found.push({cell: cell.number, rule: 'cell length', message});
    }
    if (length === 0) found.push({cell: cell.number, rule: 'empty cell', message: 'no code'});
    lines.forEach((line, index) => {
      const columns = [...line].length;
      if (columns <= LIMITS.columns) return;
      const message = `${columns} columns, at most ${LIMITS.columns}`;
      found.push({cell: cell.number, line: index + 1, rule: 'line width', message});
    });
  }
  const median = lengths.sort((a, b) => a - b)[Math.floor(lengths.length / 2)] ?? 0;
  if (kind !== 'solutions' && median > LIMITS.medianLines) {
    const message = `the median code cell has ${median} lines, at most ${LIMITS.medianLines}`;
    found.push({rule: 'median cell', message});
  }
  return found;
}

/**
 * @param {string} source
 * @returns {boolean}
 */
function isOneClass(source) {
  const {statements} = ts.createSourceFile('cell.ts', source, ts.ScriptTarget.ES2022);
  return statements.length === 1 && statements.every(ts.isClassDeclaration);
}

/**
 * @param {Notebook} notebook
 * @returns {Omit<Finding, 'notebook'>[]}
 */
function runs({cells}) {
  const found = [];
  let run = 0;
  for (const cell of cells) {
    run = cell.type === 'code' ? run + 1 : 0;
    if (run === LIMITS.codeRun + 1) {
      const message = `code cell number ${run} in a row without prose, at most ${LIMITS.codeRun}`;
      found.push({cell: cell.number, rule: 'code run', message});
    }
  }
  return found;
}

/**
 * @param {Notebook} notebook
 * @returns {Omit<Finding, 'notebook'>[]}
 */
function outputs({cells, code}) {
  const found = [];
  for (const cell of code) {
    const place = {cell: cell.number};
    if (cell.executionCount !== null) {
      found.push({...place, rule: 'execution count', message: 'not stripped'});
    }
    if (cell.outputs.some(output => output.output_type === 'error')) {
      found.push({...place, rule: 'error output', message: 'the cell failed when it was run'});
    }
    if (cell.outputs.some(output => output.name === 'stderr')) {
      found.push({...place, rule: 'stderr', message: 'the cell wrote to the error stream'});
    }
    if (cell.outputs.some(isRawObject)) {
      const message = 'prints the insides of an object: end the cell with show(…) or a statement';
      found.push({...place, rule: 'raw object', message});
    }
    if (cell.outputs.length === 0 && !cell.tags.includes('exercise') && speaks(cell.source)) {
      const message = 'prints something, but no output is stored: execute the lesson';
      found.push({...place, rule: 'no output', message});
    }
  }
  for (const cell of cells) {
    const extra = Object.keys(cell.metadata).filter(key => key !== 'tags');
    if (extra.length > 0) {
      const message = `cell metadata ${extra.join(', ')} not stripped`;
      found.push({cell: cell.number, rule: 'metadata', message});
    }
    const path = machinePath(`${cell.source}\n${cell.outputs.map(outputText).join('\n')}`);
    if (path !== undefined) {
      const message = `a path of one machine: ${path}`;
      found.push({cell: cell.number, rule: 'machine path', message});
    }
  }
  return found;
}

/**
 * Whether running the cell must leave an output: it calls something that prints, or ends in a value.
 * @param {string} source
 * @returns {boolean}
 */
export function speaks(source) {
  const {statements} = ts.createSourceFile('cell.ts', source, ts.ScriptTarget.ES2022);
  const expressions = statements.filter(ts.isExpressionStatement).map(each => {
    return ts.isAwaitExpression(each.expression) ? each.expression.expression : each.expression;
  });
  const calls = expressions.filter(ts.isCallExpression).map(({expression}) => {
    return ts.isPropertyAccessExpression(expression)
      ? expression.name.text
      : ts.isIdentifier(expression)
        ? expression.text
        : '';
  });
  if (calls.some(name => /^(show|check|display|log|print)/.test(name))) return true;
  const last = statements.at(-1);
  if (last === undefined || !ts.isExpressionStatement(last)) return false;
  return !(
    ts.isCallExpression(last.expression) ||
    ts.isAwaitExpression(last.expression) ||
    (ts.isBinaryExpression(last.expression) && isAssignment(last.expression.operatorToken.kind)) ||
    ts.isPostfixUnaryExpression(last.expression) ||
    ts.isPrefixUnaryExpression(last.expression)
  );
}

/**
 * @param {ts.SyntaxKind} kind
 * @returns {boolean}
 */
function isAssignment(kind) {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

/**
 * Whether an output is what tslab makes of a last line whose value is an object.
 * @param {import('./notebook.mjs').Output} output
 * @returns {boolean}
 */
function isRawObject(output) {
  return output.name === 'stdout' && /^(?:\w+ )?\{\n/.test(joined(output.text));
}

/**
 * @param {import('./notebook.mjs').Output} output
 * @returns {string}
 */
function outputText(output) {
  const data = output.data ?? {};
  return [joined(output.text), ...['text/plain', 'text/html'].map(type => joined(data[type]))].join(
    '\n',
  );
}

/**
 * The first path in a text that exists on one machine only.
 * @param {string} text
 * @returns {string | undefined}
 */
export function machinePath(text) {
  const own = [ROOT, os.homedir()]
    .filter(each => each.length > 1)
    .find(each => text.includes(each));
  if (own !== undefined) return own;
  return /(?:\/(?:home|Users)\/[\w.-]+|\b[A-Z]:\\\w+|\bfile:\/\/\/\S+)/.exec(text)?.[0];
}
