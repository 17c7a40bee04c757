// @ts-check
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {checkTeaching, countFigures} from '../../misc/checks/teaching.mjs';
import {PICTURE, code, notebook, prose} from './fixture.mjs';

const predictions = Array.from({length: 5}, () => [
  prose('**Predict.** What?'),
  code('show(1);', {outputs: [PICTURE]}),
  prose('**Answer.** This.'),
]).flat();
const figure = code('await showFigure(f);');
const exercise = (/** @type {number} */ number) =>
  code(`// ★ Do it.\n// Hint: think.\ncheck('exercise ${number}', f, 1);`);
const exercises = [1, 2, 3, 4].flatMap(number => [prose('Try.'), exercise(number)]);
const solutions = notebook([1, 2, 3, 4].map(exercise), '01-example.solutions');
const whole = [...predictions, figure, ...exercises];
const messages = (/** @type {import('./fixture.mjs').RawCell[]} */ cells, key = solutions) =>
  checkTeaching(notebook(cells), key).map(({message}) => message);

test('a lesson with figures, answered predictions and solved exercises passes', () => {
  assert.deepEqual(messages(whole), []);
});

test('figures are pictures stored, or calls that draw', () => {
  assert.equal(countFigures(notebook([figure, code('f()', {outputs: [PICTURE, PICTURE]})])), 3);
  assert.deepEqual(messages([...predictions, ...exercises]), ['5 figures, at least 6']);
});

test('a prediction needs a cell that runs and then an answer', () => {
  const at = (/** @type {import('./fixture.mjs').RawCell[]} */ ...more) =>
    messages([...whole, ...more]);
  assert.deepEqual(at(prose('**Predict.** And?')), ['no "**Answer.**" follows this prediction']);
  assert.deepEqual(at(prose('**Predict.** And?\n\n**Answer.** So.')), [
    'answered before a cell has run',
  ]);
  assert.deepEqual(at(prose('**Answer.** So.')), ['an answer without a prediction']);
  const twice = [
    prose('**Predict.** A?'),
    prose('**Predict.** B?'),
    code('f()'),
    prose('**Answer.** B.'),
  ];
  assert.deepEqual(at(...twice), ['no "**Answer.**" follows this prediction']);
});

test('a lesson has at least five predictions', () => {
  const few = [...predictions.slice(3), figure, figure, ...exercises];
  assert.deepEqual(messages(few), ['4 predictions, at least 5']);
});

test('an exercise has a hint, a grade and a solution', () => {
  const bare = [
    ...predictions,
    figure,
    ...exercises.slice(2),
    prose('Try.'),
    code("check('exercise 1', f, 1);"),
  ];
  assert.deepEqual(messages(bare), ['"exercise 1" has no hint', '"exercise 1" is not graded by ★']);
  const fewer = notebook([1, 2, 3].map(exercise), '01-example.solutions');
  assert.deepEqual(messages(whole, fewer), [
    '"exercise 4" has no solution in 01-example.solutions.ipynb',
  ]);
  assert.match(
    checkTeaching(notebook(whole), undefined)[0]?.message ?? '',
    /no solutions notebook/,
  );
});

test('a lesson has four to six exercises, and no solution without one', () => {
  const three = [...predictions, figure, ...exercises.slice(2)];
  const found = messages(three);
  assert.match(found[0] ?? '', /3 exercises .* expected 4 to 6/);
  assert.match(found[1] ?? '', /a solution of "exercise 1", which the lesson lacks/);
});
