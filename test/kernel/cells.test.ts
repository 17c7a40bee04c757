/** What a cell may contain, and what later cells see of it. */
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {KernelClient} from './client';

let kernel: KernelClient;
before(async () => {
  kernel = await KernelClient.start();
});
after(() => kernel.stop());

/** Runs cells one after another, each of which must succeed, and gives the last one's stdout. */
async function printed(...cells: string[]): Promise<string> {
  let stdout = '';
  for (const cell of cells) {
    const run = await kernel.execute(cell);
    assert.deepEqual(run.errors, [], cell);
    assert.equal(run.reply['status'], 'ok');
    stdout = run.stdout;
  }
  return stdout;
}

test('the last expression is printed', async () => {
  assert.equal(await printed('1 + 1'), '2\n');
});

test('a shorthand property means a variable of an earlier cell', async () => {
  assert.equal(await printed('const short = 3', 'console.log({short})'), '{ short: 3 }\n');
});

test('a shorthand property means an import of an earlier cell', async () => {
  const cells = ["import {sep} from 'node:path'", 'console.log({sep})'];
  assert.equal(await printed(...cells), "{ sep: '/' }\n");
});

test('a shorthand property means a local variable where that hides an earlier one', async () => {
  const cells = ['const hidden = 1', '(() => { const hidden = 2; console.log({hidden}); })()'];
  assert.equal(await printed(...cells), '{ hidden: 2 }\n');
});

test('destructuring renames what an earlier cell made', async () => {
  const cells = [
    'const pair = {left: 1, right: {inner: 2}}',
    'const {left: west, right: {inner: east = 9}} = pair; console.log(west, east)',
    'console.log(west + east)',
  ];
  assert.equal(await printed(...cells), '3\n');
});

test('destructuring in parameters renames, with the type from an earlier cell', async () => {
  const cells = [
    'interface Posterior {mean: number; logVar: number}\nconst q: Posterior = {mean: 1, logVar: 2}',
    'const f = ({mean: m, logVar: v}: Posterior) => m + v; console.log(f(q))',
  ];
  assert.equal(await printed(...cells), '3\n');
});

test('destructuring assigns to variables of earlier cells', async () => {
  const cells = [
    'let first = 0, second = 0; const source = {first: 5, second: undefined as number | undefined}',
    '({first, second = 7} = source); console.log(first, second)',
    '({first: second} = source); console.log(second)',
  ];
  assert.equal(await printed(...cells), '5\n');
});

test('await takes an expression in parentheses', async () => {
  assert.equal(await printed('await (Promise.resolve(4))'), '4\n');
});

test('for await works at the top level', async () => {
  const cells = [
    'async function* count() { yield 1; yield 2; }',
    'let sum = 0; for await (const n of count()) sum += n; console.log(sum)',
  ];
  assert.equal(await printed(...cells), '3\n');
});

test('an await inside a function does not make the cell wait', async () => {
  const source = 'const later = async () => { await null; return 1; }; console.log(typeof later())';
  assert.equal(await printed(source), 'object\n');
});

test('classes, types and functions carry over to later cells', async () => {
  const cells = [
    'class Counter { n = 0; up() { this.n++; return this; } }\ntype Pair = [number, number]',
    'const counter = new Counter(); const both: Pair = [1, 2]',
    'console.log(counter.up().n + both[1])',
  ];
  assert.equal(await printed(...cells), '3\n');
});

test('Tab completes a name of an earlier cell, also behind a character of two UTF-16 units', async () => {
  await printed('const completeMe = {alpha: 1}');
  const code = "'𝛽'; completeMe.al";
  const reply = await kernel.request('complete_request', {code, cursor_pos: [...code].length});
  assert.deepEqual(reply['matches'], ['alpha']);
  assert.equal(reply['cursor_start'], [...code].length - 2);
  assert.equal(reply['status'], 'ok');
});

test('Shift-Tab shows the signature and the documentation with its labels', async () => {
  await printed(
    '/** Doubles.\n * @param n what\n * @returns twice n\n * @throws RangeError never */\n' +
      'function double(n: number): number { return 2 * n; }',
  );
  const content = {code: 'double', cursor_pos: 3, detail_level: 0};
  const reply = await kernel.request('inspect_request', content);
  const text = (reply['data'] as Record<string, string>)['text/plain'] ?? '';
  for (const part of ['function double(n: number): number', 'Doubles.', '@param n what']) {
    assert.ok(text.includes(part), text);
  }
  assert.match(text, /@returns twice n\n@throws RangeError never/);
});
