// @ts-check
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {compareRuns} from '../../misc/checks/stock.mjs';
import {PICTURE, TEXT, code, notebook, prose} from './fixture.mjs';

const lesson = notebook([prose('a'), code('show(1);', {outputs: [TEXT]}), code('f();')]);
const run = (/** @type {object[][]} */ ...outputs) =>
  compareRuns(
    lesson,
    notebook([prose('a'), ...outputs.map(each => code('', {outputs: each}))]),
  ).map(({cell, message}) => `${cell}: ${message}`);

test('a run that speaks where the lesson does passes, whatever it says', () => {
  assert.deepEqual(run([PICTURE], []), []);
  assert.deepEqual(run([TEXT], [TEXT]), []);
});

test('an error on the error stream, silence and a missing cell are found', () => {
  const failed = {...TEXT, name: 'stderr', text: ['ReferenceError: x is not defined\n']};
  assert.deepEqual(run([failed], []), ['2: fails: ReferenceError: x is not defined']);
  assert.deepEqual(run([{output_type: 'error'}], []).length, 1);
  assert.deepEqual(run([], []), ['2: says nothing, though it does in the lesson']);
  assert.deepEqual(run([TEXT]), ['3: the cell was not executed']);
});
