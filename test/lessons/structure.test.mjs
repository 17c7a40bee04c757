// @ts-check
import assert from 'node:assert/strict';
import os from 'node:os';
import {test} from 'node:test';
import {checkStructure, machinePath, speaks} from '../../misc/checks/structure.mjs';
import {PICTURE, TEXT, code, notebook, prose, rules} from './fixture.mjs';

const lines = (/** @type {number} */ count) =>
  Array.from({length: count}, (_, index) => `const a${index} = ${index};`).join('\n');
const method = (/** @type {number} */ count) =>
  `class Model {\n${Array.from({length: count - 2}, (_, i) => `  a${i} = ${i};`).join('\n')}\n}`;

test('short cells with prose between them pass', () => {
  const good = notebook([
    prose('# A'),
    code(lines(10)),
    code('const b = 1;'),
    prose('And'),
    code('f()'),
  ]);
  assert.deepEqual(checkStructure(good), []);
});

test('a code cell of 26 lines is too long, blank lines not counted', () => {
  const short = ['const x = 1;', 'const y = 2;'].map(source => code(source));
  const at = (/** @type {number} */ count) =>
    notebook([prose('a'), code(lines(count)), prose('b'), ...short]);
  assert.deepEqual(rules(checkStructure(at(25))), []);
  assert.deepEqual(rules(checkStructure(at(26))), ['cell length']);
  const airy = notebook([code(lines(25).replaceAll('\n', '\n\n')), prose('b'), ...short]);
  assert.deepEqual(rules(checkStructure(airy)), []);
});

test('one cell that is a whole class may have 40 lines, a second may not', () => {
  const short = [prose('a'), code('const x = 1;'), prose('b'), code('const y = 2;'), prose('c')];
  const one = notebook([code(method(40)), ...short]);
  assert.deepEqual(rules(checkStructure(one)), []);
  assert.deepEqual(rules(checkStructure(notebook([code(method(41)), ...short]))), ['cell length']);
  const second = method(30).replace('Model', 'Other');
  const two = notebook([
    code(method(40)),
    ...short,
    code(second),
    prose('d'),
    code('const z = 3;'),
  ]);
  assert.deepEqual(
    checkStructure(two).map(({cell}) => cell),
    [7],
  );
  const mixed = notebook([code(`${method(30)}\nconst after = 1;`), ...short]);
  assert.deepEqual(rules(checkStructure(mixed)), ['cell length']);
});

test('the median code cell may have 10 lines', () => {
  const cells = (/** @type {number} */ count) =>
    [1, 2, 3].flatMap(() => [code(lines(count)), prose('a')]);
  assert.deepEqual(rules(checkStructure(notebook(cells(10)))), []);
  assert.deepEqual(rules(checkStructure(notebook(cells(11)))), ['median cell']);
});

test('three code cells in a row are one too many', () => {
  const row = [code('const a = 1;'), code('const b = 1;'), code('const c = 1;')];
  assert.deepEqual(
    checkStructure(notebook([prose('a'), ...row])).map(({rule, cell}) => [rule, cell]),
    [['code run', 4]],
  );
});

test('a line may have 88 columns', () => {
  const line = (/** @type {number} */ columns) => `// ${'é'.repeat(columns - 3)}`;
  assert.deepEqual(rules(checkStructure(notebook([code(line(88))]))), []);
  const [wide] = checkStructure(notebook([code(`const a = 1;\n${line(89)}`)]));
  assert.deepEqual([wide?.rule, wide?.line], ['line width', 2]);
});

test('a notebook may have 500 KiB', () => {
  const big = {...PICTURE, data: {'image/png': 'x'.repeat(500 * 1024)}};
  assert.deepEqual(rules(checkStructure(notebook([code('f()', {outputs: [big]})]))), ['file size']);
});

test('outputs are stored where a cell prints, without errors, counts and foreign metadata', () => {
  const rulesOf = (/** @type {import('./fixture.mjs').RawCell} */ cell) =>
    rules(checkStructure(notebook([cell])));
  assert.deepEqual(rulesOf(code('show(x);', {outputs: [TEXT]})), []);
  assert.deepEqual(rulesOf(code('show(x);')), ['no output']);
  assert.deepEqual(
    rulesOf(code('check("exercise 1", f, 1);', {metadata: {tags: ['exercise']}})),
    [],
  );
  assert.deepEqual(rulesOf(code('f();', {execution_count: 3})), ['execution count']);
  assert.deepEqual(rulesOf(code('f();', {outputs: [{output_type: 'error'}]})), ['error output']);
  assert.deepEqual(rulesOf(code('f();', {outputs: [{...TEXT, name: 'stderr'}]})), ['stderr']);
  const raw = {...TEXT, text: ['Tensor {\n', '  id: 3\n', '}\n']};
  assert.deepEqual(rulesOf(code('f();', {outputs: [raw]})), ['raw object']);
  assert.deepEqual(rulesOf(code('f();', {metadata: {collapsed: true}})), ['metadata']);
});

test('a path of one machine is found in sources and outputs', () => {
  assert.equal(machinePath('/home/ada/notes'), '/home/ada');
  assert.equal(machinePath(`${os.homedir()}/x`), os.homedir());
  assert.equal(machinePath('see C:\\data'), 'C:\\data');
  assert.equal(machinePath('a/home-made/thing, at https://x.org/users/1'), undefined);
  const output = {...TEXT, text: ['/Users/ada/lesson\n']};
  const found = checkStructure(notebook([code('f();', {outputs: [output]})]));
  assert.deepEqual(rules(found), ['machine path']);
});

test('what prints is told from what does not', () => {
  for (const source of [
    'show(x)',
    'await showFigure(f)',
    'console.log(1)',
    'const a = 1;\na',
    'a.b',
    'check("a", f, 1)',
  ]) {
    assert.equal(speaks(source), true, source);
  }
  for (const source of [
    'const a = 1;',
    'a = 2',
    'await ready()',
    'model.dispose()',
    'i++',
    'import {a} from "a";',
  ]) {
    assert.equal(speaks(source), false, source);
  }
});
