// @ts-check
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {checkCode} from '../../misc/checks/code.mjs';
import {checkTypes} from '../../misc/checks/types.mjs';
import {compiled} from './fixture.mjs';

const inspect = (/** @type {string[]} */ ...sources) => {
  const {module, program} = compiled(...sources);
  return checkCode(module, program).map(({rule, cell, line}) => `${rule} ${cell}:${line}`);
};
const typed = (/** @type {string[]} */ ...sources) => {
  const {module, program} = compiled(...sources);
  return checkTypes(module, program).map(({cell, line, message}) => `${cell}:${line} ${message}`);
};

test('a name declared in two cells is found, imports too', () => {
  assert.deepEqual(inspect('const a = 1;', 'function f(a: number) { return a; }'), []);
  assert.deepEqual(inspect('const a = 1;', '\nfunction a() {}'), ['declared twice 2:2']);
  assert.deepEqual(inspect('const {b, c: [d]} = x;', 'class d {}'), ['declared twice 2:1']);
  assert.deepEqual(inspect("import path from 'path';", "import * as path from 'path';"), [
    'declared twice 2:1',
  ]);
});

test('any and silenced checks are found', () => {
  assert.deepEqual(inspect('const a = 1;', 'const b = 2;\nconst c = b as any;'), ['any 2:2']);
  assert.deepEqual(inspect('// @ts-ignore\nconst a: string = 1;'), ['silenced 1:1']);
  assert.deepEqual(inspect('const company = "any";'), []);
});

test('the shorthand of an earlier name is found, of a local one it is not', () => {
  assert.deepEqual(inspect('const x = 1;', 'const y = {x};'), ['stock tslab 2:1']);
  assert.deepEqual(inspect('const x = 1;', 'function f() {\n  return {x};\n}'), [
    'stock tslab 2:2',
  ]);
  assert.deepEqual(inspect("import path from 'path';", 'const y = {path};'), ['stock tslab 2:1']);
  assert.deepEqual(inspect('const x = 1;', 'const f = (x: number) => ({x});'), []);
  assert.deepEqual(inspect('const x = 1;\nconst y = {x};', 'const z = {x: x};'), []);
});

test('await with a parenthesis and for await are found at the top level only', () => {
  assert.deepEqual(inspect('await (Promise.resolve(1));'), ['stock tslab 1:1']);
  assert.deepEqual(inspect('async function* g() { yield 1; }', 'for await (const x of g()) x;'), [
    'stock tslab 2:1',
  ]);
  assert.deepEqual(
    inspect(
      'async function f(g: AsyncIterable<number>) {\n  for await (const x of g) await (x);\n}',
      'await f(x);',
    ),
    [],
  );
});

test('a type error is found with its cell and line', () => {
  assert.deepEqual(typed('const a = 1;', 'const ok = await Promise.resolve(a);\nok;'), []);
  assert.deepEqual(typed('const a = 1;\na;', '\nconst b: string = a;\nb;'), [
    "2:2 TS2322: Type 'number' is not assignable to type 'string'.",
  ]);
  assert.match(
    typed('const list = [1];', 'const first: number = list[0];\nfirst;')[0] ?? '',
    /^2:1 TS2322/,
  );
  assert.match(typed('const = 1;')[0] ?? '', /^1:1 TS1/);
});

test('an unused import and an unused name are found, the parameters of an exercise are not', () => {
  assert.match(typed("import path from 'path';")[0] ?? '', /^1:1 TS6133: 'path'/);
  assert.match(typed("import {join, sep} from 'path';\nsep;")[0] ?? '', /^1:1 TS6133: 'join'/);
  assert.match(typed('const a = 1;')[0] ?? '', /^1:1 TS6133: 'a'/);
  const exercise = "function f(x: number): number {\n  throw new Error('your turn');\n}\nf(1);";
  assert.deepEqual(typed(exercise), []);
  assert.equal(typed(exercise.replace('throw', 'if (true) return 1;\n  throw')).length, 1);
});
