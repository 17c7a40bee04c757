// @ts-check
import assert from 'node:assert/strict';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import os from 'node:os';
import path from 'node:path';
import {test} from 'node:test';
import {checkLibraryWithTslab, checkWithTslab} from '../../misc/checks/tslab.mjs';
import {code, notebook} from './fixture.mjs';

/**
 * What is found in notebooks of the cells given; one converter serves them all.
 * @param {readonly (readonly string[])[]} notebooks
 */
function foundIn(notebooks) {
  const books = notebooks.map((sources, index) => {
    const cells = sources.map(source => code(source));
    return notebook(cells, `${String(index).padStart(2, '0')}-a`);
  });
  const findings = checkWithTslab(books);
  return books.map(({name}) => {
    const first = findings.find(finding => finding.notebook === name);
    return first && `${first.cell}:${first.line ?? ''} ${first.message}`;
  });
}

/**
 * Whether each cell runs in stock tslab.
 * @param {readonly (readonly string[])[]} notebooks
 */
async function executed(notebooks) {
  const require = createRequire(import.meta.url);
  const node = require('tslab/dist/converter.js').createConverter({isJS: false, isBrowser: false});
  const quiet = {log() {}, error() {}};
  const both = {node, browser: node, close: () => node.close()};
  const {createExecutor} = require('tslab/dist/executor.js');
  const results = [];
  for (const cells of notebooks) {
    const executor = createExecutor(process.cwd(), both, quiet);
    const ran = [];
    for (const cell of cells) ran.push(await executor.execute(cell));
    results.push(ran);
  }
  both.close();
  return results;
}

test('cells that use each other compile', () => {
  const cells = ['const a = 1;', 'const b = a + 1;\nb', 'await Promise.resolve(b);'];
  assert.deepEqual(foundIn([cells]), [undefined]);
});

test("tslab's own complaint is found with its cell and line, and a notebook does not see another", () => {
  const [wrong, unknown] = foundIn([['const a = 1;', '\nconst b: string = a;'], ['show(a);']]);
  assert.match(wrong ?? '', /^2:2 TS2322 \(TypeScript 5\.0\.4\)/);
  assert.match(unknown ?? '', /^1:1 TS2304 .* Cannot find name 'show'/);
});

test('what stock tslab compiles to broken JavaScript is found', () => {
  const [awaited] = foundIn([['const list = [1];', 'for await (const x of list) x;']]);
  assert.match(awaited ?? '', /^2: compiles to broken JavaScript/);
});

test('renaming while destructuring something of an earlier cell is found', () => {
  const first =
    "import path from 'path';\nconst o = {a: 1};\nconst p = {in: o};\ninterface O {a: number}";
  const broken = [
    'const {a: b} = o;',
    'const {in: {a: b}} = p;',
    'function f({a: b}: O) { return b; }',
    '[o].map(({a: b}) => b);',
    'for (const {a: b} of [o]) b;',
  ];
  for (const [index, message] of foundIn(broken.map(cell => [first, cell])).entries()) {
    assert.match(message ?? '', /^2: renames while/, broken[index]);
  }
  const sound = ['const {a} = o;', "const {dir: d} = path.parse('a');", 'const b = o.a;'];
  for (const message of foundIn([
    ...sound.map(cell => [first, cell]),
    [`${first}\n${broken[0]}`],
  ])) {
    assert.equal(message, undefined);
  }
});

test('each of the four constructs breaks in stock tslab, and what the check advises does not', async () => {
  const first = 'const x = 1;\nconst o = {a: 1};\nconst p = Promise.resolve(1);\nconst list = [p];';
  const broken = [
    'const y = {x};',
    'const {a: b} = o;',
    'await (p);',
    'for await (const q of list) q;',
  ];
  const mended = [
    'const y = {x: x};',
    'const b = o.a;',
    'await p;',
    'for (const q of list) await q;',
  ];
  for (const [index, ran] of (await executed(broken.map(cell => [first, cell]))).entries()) {
    assert.deepEqual(ran, [true, false], broken[index]);
  }
  for (const [index, ran] of (await executed(mended.map(cell => [first, cell]))).entries()) {
    assert.deepEqual(ran, [true, true], mended[index]);
  }
});

test('a working directory is left as it was', () => {
  const before = process.cwd();
  foundIn([['const a = 1;']]);
  assert.equal(process.cwd(), before);
});

test('a library file that TypeScript 5.0.4 cannot take is found', t => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'latent-'));
  t.after(() => rmSync(folder, {recursive: true}));
  const file = path.join(folder, 'a.ts');
  writeFileSync(file, 'export const a: number = 1;\n');
  assert.deepEqual(checkLibraryWithTslab([file]), []);
  writeFileSync(file, 'export const f = <T>(x: NoInfer<T>): T => x;\n');
  assert.match(
    checkLibraryWithTslab([file])[0] ?? '',
    /a\.ts:1: TS2304: Cannot find name 'NoInfer'/,
  );
});
