/** How a cell fails: what the client sees, and what happens to the cells after it. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {KernelClient, temporaryFolder, type KernelError, type Run} from './client';

let kernel: KernelClient;
before(async () => {
  kernel = await KernelClient.start();
});
after(() => kernel.stop());

/** The number of the cell that runs next. */
async function nextCount(): Promise<number> {
  return Number((await kernel.execute('0')).reply['execution_count']) + 1;
}

function theError(run: Run): KernelError {
  assert.equal(run.reply['status'], 'error');
  assert.equal(run.errors.length, 1, JSON.stringify(run.errors));
  const [error] = run.errors;
  assert.ok(error);
  const {ename, evalue, traceback} = run.reply;
  assert.deepEqual({ename, evalue, traceback}, {...error}, 'reply and error message agree');
  return error;
}

test('an error gives its name, its message and the line within the cell', async () => {
  const count = await nextCount();
  const source = `interface Row {
  value: number; // types take lines that the JavaScript does not have
}
const rows: Row[] = [{value: 1}];

function fail(row: Row): never {
  throw new RangeError(\`value \${row.value}\`);
}
rows.forEach(row => fail(row));`;
  const error = theError(await kernel.execute(source));
  assert.equal(error.ename, 'RangeError');
  assert.equal(error.evalue, 'value 1');
  assert.deepEqual(error.traceback, [
    'RangeError: value 1',
    `    at fail (cell ${count}, line 7)`,
    `    at cell ${count}, line 9`,
    `    at cell ${count}, line 9`,
    '',
    `cell ${count}, line 7:`,
    '    throw new RangeError(`value ${row.value}`);',
  ]);
});

test('a trace goes through earlier cells and waits, each with its own lines', async () => {
  const count = await nextCount();
  await kernel.execute('\n\nasync function deep() {\n  await null;\n  throw new Error("deep");\n}');
  const error = theError(await kernel.execute('// one\nawait deep();'));
  assert.deepEqual(error.traceback.slice(0, 3), [
    'Error: deep',
    `    at deep (cell ${count}, line 5)`,
    `    at cell ${count + 1}, line 2`,
  ]);
});

test('a trace names the TypeScript lines of a compiled file and hides installed packages', async () => {
  const folder = temporaryFolder();
  const compiled = path.join(folder, 'helper.js');
  // One line of JavaScript made of TypeScript's third line.
  const mappings = {version: 3, sources: ['helper.ts'], names: [], mappings: 'AAEA'};
  fs.writeFileSync(compiled, 'exports.boom = callback => callback();\n');
  fs.writeFileSync(`${compiled}.map`, JSON.stringify(mappings));
  const count = await nextCount();
  const source = `const {boom} = require(${JSON.stringify(compiled)});
const semver = require('semver');
boom(() => new semver.SemVer('no version'));`;
  const error = theError(await kernel.execute(source));
  fs.rmSync(folder, {recursive: true});
  assert.equal(error.ename, 'TypeError');
  assert.deepEqual(error.traceback.slice(1, 4), [
    `    at cell ${count}, line 3`,
    `    at exports.boom (${path.join(folder, 'helper.ts')}:3:1)`,
    `    at cell ${count}, line 3`,
  ]);
});

test('no frame of the kernel, of tslab or of Node is shown', async () => {
  const sources = [
    '(null as unknown as {x: 1}).x',
    'await Promise.reject(new Error("a"))',
    'JSON.parse("{")',
    "import fs from 'node:fs'; fs.readFileSync('/no/such/file')",
    '[1].map(() => { throw new Error("b") })',
  ];
  for (const source of sources) {
    const {traceback} = theError(await kernel.execute(source));
    const text = traceback.filter(line => line.startsWith('    at ')).join('\n');
    assert.match(text, /cell \d+, line 1/);
    assert.doesNotMatch(text, /node:|node_modules|misc\/kernel|evalmachine|vm\.js/, text);
  }
});

test('an error says what caused it', async () => {
  const source = 'throw new Error("outer", {cause: new TypeError("inner")})';
  const {traceback} = theError(await kernel.execute(source));
  assert.ok(traceback.includes('Caused by TypeError: inner'), traceback.join('\n'));
});

test('a thrown value that is no Error is shown', async () => {
  const error = theError(await kernel.execute('throw {code: 7}'));
  assert.equal(error.ename, 'Thrown');
  assert.equal(error.evalue, '{ code: 7 }');
});

test('a type error quotes the line, points at the place and gives all reasons', async () => {
  const count = await nextCount();
  const source = `const ok = 1;
  const wrong: number = 'text';
const worse: {a: {b: number}} = {a: {b: 'c'}};`;
  const error = theError(await kernel.execute(source));
  assert.equal(error.ename, 'TypeScriptError');
  assert.equal(error.evalue, "Type 'string' is not assignable to type 'number'.");
  assert.deepEqual(error.traceback, [
    "TypeScriptError: Type 'string' is not assignable to type 'number'. (TS2322)",
    '',
    `cell ${count}, line 2:`,
    "    const wrong: number = 'text';",
    '          ^',
    '',
    "Type 'string' is not assignable to type 'number'. (TS2322)",
    '',
    `cell ${count}, line 3:`,
    "    const worse: {a: {b: number}} = {a: {b: 'c'}};",
    '                                         ^',
  ]);
});

test('a syntax error fails the cell and nothing of it runs', async () => {
  const error = theError(await kernel.execute('console.log("ran"); const = 3;'));
  assert.equal(error.ename, 'TypeScriptError');
  assert.equal((await kernel.execute('console.log("next")')).stdout, 'next\n');
});

test('a failed cell keeps what earlier cells defined', async () => {
  await kernel.execute('let kept = 41');
  theError(await kernel.execute('kept++; throw new Error("after the change")'));
  assert.equal((await kernel.execute('kept')).stdout, '42\n');
});

test('a forgotten await fails its cell', async () => {
  const count = await nextCount();
  const source = `async function step() {
  throw new Error('in the step');
}
step();
console.log('went on');`;
  const run = await kernel.execute(source);
  const error = theError(run);
  assert.equal(run.stdout, 'went on\n');
  assert.equal(error.evalue, 'in the step');
  assert.equal(error.traceback[1], `    at step (cell ${count}, line 2)`);
  assert.equal(error.traceback.at(-1), 'Nobody waited for this: is an await missing?');
});

test('a forgotten await fails a cell that waits for something else, at once', async () => {
  const source = `Promise.reject(new Error('lost'));
await new Promise(() => {});`;
  assert.equal(theError(await kernel.execute(source)).evalue, 'lost');
});

test('an exception in a callback fails the cell that waits', async () => {
  const source = `setTimeout(() => { throw new Error('in the timer'); }, 5);
await new Promise(() => {});`;
  assert.equal(theError(await kernel.execute(source)).evalue, 'in the timer');
});

test('a rejection that is handled is no failure', async () => {
  const source = `await Promise.reject(new Error('a')).catch(() => 0);
try { await Promise.reject(new Error('b')); } catch {}
await Promise.allSettled([Promise.reject(new Error('c'))]);`;
  assert.equal((await kernel.execute(source)).reply['status'], 'ok');
});

test('a rejection after the end of its cell fails the cell that runs then, at once', async () => {
  const count = await nextCount();
  const late = `const later = async () => {
  await new Promise(done => setTimeout(done, 100));
  throw new Error('late');
};
void later();`;
  assert.equal((await kernel.execute(late)).reply['status'], 'ok');
  const next = theError(await kernel.execute('await new Promise(() => {});'));
  assert.equal(next.evalue, 'late');
  assert.equal(next.traceback[1], `    at later (cell ${count}, line 3)`);
});

test('a rejection between two cells shows below the first and on stderr of the second', async () => {
  const source = `void setTimeout(() => Promise.reject(new Error('between')), 30);`;
  const id = await kernel.sendCell(source);
  assert.equal((await kernel.outcome(id)).reply['status'], 'ok');
  await kernel.waitFor(all => all.some(({type, parent}) => type === 'error' && parent === id));
  const next = await kernel.execute('1');
  assert.equal(next.reply['status'], 'ok');
  assert.match(next.stderr, /^Since the cell before:\nError: between\n/);
  assert.equal((await kernel.execute('1')).stderr, '');
});

test('a promise is printed without anything of the kernel', async () => {
  const {stdout} = await kernel.execute('console.log(new Promise(() => {}))');
  assert.equal(stdout, 'Promise { <pending> }\n');
});

test('a module that appears after its import failed is found, and cells go on', async () => {
  const source = `import {late} from './late-module';\nconsole.log(late);`;
  assert.equal(theError(await kernel.execute(source)).ename, 'TypeScriptError');
  const file = path.join(kernel.folder, 'late-module.ts');
  fs.writeFileSync(file, 'export const late = 1;');
  await kernel.execute('await new Promise(done => setTimeout(done, 1000));');
  assert.equal((await kernel.execute('console.log(2)')).stdout, '2\n');
  assert.equal((await kernel.execute(source)).stdout, '1\n');
});
