// @ts-check
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {checkFormat, formatCell} from '../../misc/checks/format-cells.mjs';
import {withSources} from '../../misc/checks/notebook.mjs';
import {code, notebook} from './fixture.mjs';

test('a cell that Prettier would change is found at its first changed line', async () => {
  const {findings, formatted} = await checkFormat(
    notebook([code('const a = 1;'), code('const b = 2;\nconst c = "x"')]),
  );
  assert.deepEqual(
    findings.map(({cell, line}) => [cell, line]),
    [[2, 2]],
  );
  assert.equal(formatted.get(2), "const b = 2;\nconst c = 'x';");
});

test('lines break at 88 columns, with the options of the library', async () => {
  const call = (/** @type {number} */ length) => `const a = f(${'x'.repeat(length)}, y);`;
  assert.equal(call(71).length, 88);
  assert.equal(await formatCell(call(71)), call(71));
  assert.notEqual(await formatCell(call(72)), call(72));
  assert.equal(await formatCell('f( "x", {a: 1} )'), "f('x', {a: 1});");
});

test('a cell that cannot be parsed is a finding, and top-level await can', async () => {
  const {findings} = await checkFormat(notebook([code('const = 1'), code('await ready();')]));
  assert.deepEqual(
    findings.map(({cell, rule}) => [cell, rule]),
    [[1, 'format']],
  );
});

test('writing replaces the source of one cell and nothing else', () => {
  const json = {cells: [{source: ['a\n', 'b']}, {source: 'c', outputs: [1]}], nbformat: 4};
  const text = withSources(JSON.stringify(json), new Map([[2, 'd\ne']]));
  assert.deepEqual(JSON.parse(text), {
    cells: [{source: ['a\n', 'b']}, {source: ['d\n', 'e'], outputs: [1]}],
    nbformat: 4,
  });
  assert.throws(() => withSources(JSON.stringify(json), new Map([[3, 'x']])), RangeError);
});
