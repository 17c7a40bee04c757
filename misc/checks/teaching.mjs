// @ts-check
/**
 * What a lesson asks of its reader: predictions with answers, figures to read, exercises with solutions.
 * Source: CONTRIBUTING.md, "What a lesson looks like".   Lesson: all.
 */
import ts from 'typescript';
import {within} from './module.mjs';
import {calloutOf, paragraphs} from './prose.mjs';

/** @typedef {import('./notebook.mjs').Notebook} Notebook */
/** @typedef {import('./notebook.mjs').Cell} Cell */
/** @typedef {import('./notebook.mjs').Finding} Finding */

export const TEACHING_LIMITS = {figures: 6, predictions: 5, fewestExercises: 4, mostExercises: 6};

/**
 * @param {Notebook} notebook
 * @param {Notebook | undefined} solutions the notebook of its solutions
 * @returns {Finding[]}
 */
export function checkTeaching(notebook, solutions) {
  if (notebook.kind === 'solutions') return [];
  const found = [...predictions(notebook), ...exercises(notebook, solutions)];
  const figures = countFigures(notebook);
  if (notebook.kind === 'lesson' && figures < TEACHING_LIMITS.figures) {
    const message = `${figures} figures, at least ${TEACHING_LIMITS.figures}`;
    found.push({rule: 'figures', message});
  }
  return found.map(finding => ({notebook: notebook.name, ...finding}));
}

/**
 * Figures stored in the outputs, or, where a cell was not run, the calls that draw one.
 * @param {Notebook} notebook
 * @returns {number}
 */
export function countFigures({code}) {
  return code.reduce((sum, cell) => {
    const stored = cell.outputs.filter(({data}) => data && 'image/png' in data).length;
    const drawn = calls(cell, name => /^(?:showFigure|drawFigure)$/.test(name)).length;
    return sum + Math.max(stored, drawn);
  }, 0);
}

/**
 * A prediction is asked, then a cell runs, then it is answered, before the next one is asked.
 * @param {Notebook} notebook
 * @returns {Omit<Finding, 'notebook'>[]}
 */
function predictions({kind, cells}) {
  const found = [];
  let asked = 0;
  /** @type {{cell: number, ran: boolean} | undefined} */
  let open;
  const unanswered = (/** @type {number} */ cell) => {
    found.push({cell, rule: 'prediction', message: 'no "**Answer.**" follows this prediction'});
  };
  for (const cell of cells) {
    if (cell.type === 'code' && open) open.ran = true;
    if (cell.type !== 'markdown') continue;
    for (const callout of paragraphs(cell.source).map(calloutOf)) {
      if (callout === 'Predict') {
        if (open) unanswered(open.cell);
        open = {cell: cell.number, ran: false};
        asked++;
      } else if (callout === 'Answer') {
        const place = {cell: cell.number, rule: 'prediction'};
        if (!open) found.push({...place, message: 'an answer without a prediction'});
        else if (!open.ran) found.push({...place, message: 'answered before a cell has run'});
        open = undefined;
      }
    }
  }
  if (open) unanswered(open.cell);
  if (kind === 'lesson' && asked < TEACHING_LIMITS.predictions) {
    const message = `${asked} predictions, at least ${TEACHING_LIMITS.predictions}`;
    found.push({rule: 'prediction', message});
  }
  return found;
}

/**
 * @param {Notebook} notebook
 * @param {Notebook | undefined} solutions
 * @returns {Omit<Finding, 'notebook'>[]}
 */
function exercises(notebook, solutions) {
  const found = [];
  const asked = checked(notebook).filter(({name}) => /^exercise\b/i.test(name));
  const solved = new Set(solutions ? checked(solutions).map(({name}) => name) : []);
  for (const {name, cell} of asked) {
    const place = {cell: cell.number, rule: 'exercise'};
    const before = notebook.cells[cell.number - 2];
    const around = `${before?.type === 'markdown' ? before.source : ''}\n${cell.source}`;
    if (!/\bhint\b/i.test(around)) found.push({...place, message: `"${name}" has no hint`});
    if (!around.includes('★')) found.push({...place, message: `"${name}" is not graded by ★`});
    if (!solved.has(name)) {
      const where = solutions ? `in ${solutions.name}.ipynb` : 'and no solutions notebook';
      found.push({...place, message: `"${name}" has no solution ${where}`});
    }
  }
  const names = new Set(asked.map(({name}) => name));
  const {fewestExercises, mostExercises} = TEACHING_LIMITS;
  const few = names.size < (notebook.kind === 'lesson' ? fewestExercises : 1);
  if (few || names.size > mostExercises) {
    const wanted = notebook.kind === 'lesson' ? `${fewestExercises} to ${mostExercises}` : 'one';
    const message = `${names.size} exercises with a check('exercise N', …), expected ${wanted}`;
    found.push({rule: 'exercise', message});
  }
  for (const name of solved) {
    if (!names.has(name) && /^exercise\b/i.test(name)) {
      found.push({rule: 'exercise', message: `a solution of "${name}", which the lesson lacks`});
    }
  }
  return found;
}

/**
 * The first arguments of the calls check('…', …) of a notebook.
 * @param {Notebook} notebook
 * @returns {{name: string, cell: Cell}[]}
 */
function checked({code}) {
  return code.flatMap(cell =>
    calls(cell, name => name === 'check').flatMap(call => {
      const [name] = call.arguments;
      return name && ts.isStringLiteralLike(name) ? [{name: name.text, cell}] : [];
    }),
  );
}

/**
 * @param {Cell} cell
 * @param {(name: string) => boolean} wanted
 * @returns {ts.CallExpression[]}
 */
function calls(cell, wanted) {
  const source = ts.createSourceFile('cell.ts', cell.source, ts.ScriptTarget.ES2022);
  return [...within(source)]
    .filter(ts.isCallExpression)
    .filter(({expression}) => ts.isIdentifier(expression) && wanted(expression.text));
}
