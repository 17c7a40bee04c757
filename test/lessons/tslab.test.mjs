// @ts-check
import assert from 'node:assert/strict';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import os from 'node:os';
import path from 'node:path';
import {test} from 'node:test';
import {checkLibraryWithTslab, checkWithTslab} from '../../misc/checks/tslab.mjs';
import {code, notebook} from './fixture.mjs';

const found = (/** @type {string[]} */ ...sources) =>
  checkWithTslab([notebook(sources.map(source => code(source)))]).map(
    ({cell, line, message}) => `${cell}:${line} ${message}`,
  );

/**
 * Whether each cell runs in stock tslab.
 * @param {...string} cells
 */
async function executed(...cells) {
  const require = createRequire(import.meta.url);
  const node = require('tslab/dist/converter.js').createConverter({isJS: false, isBrowser: false});
  const quiet = {log() {}, error() {}};
  const both = {node, browser: node, close: () => node.close()};
  const {createExecutor} = require('tslab/dist/executor.js');
  const executor = createExecutor(process.cwd(), both, quiet);
  const results = [];
  for (const cell of cells) results.push(await executor.execute(cell));
  both.close();
  return results;
}

test('cells that use each other compile', () => {
  assert.deepEqual(found('const a = 1;', 'const b = a + 1;\nb', 'await Promise.resolve(b);'), []);
});

test("tslab's own complaint is found with its cell and line", () => {
  assert.match(
    found('const a = 1;', '\nconst b: string = a;')[0] ?? '',
    /^2:2 TS2322 \(TypeScript 5\.0\.4\)/,
  );
});

test('what stock tslab compiles to broken JavaScript is found', () => {
  const [renamed] = found('const o = {a: 1};', 'const {a: b} = o;', 'b');
  assert.match(renamed ?? '', /^2:undefined compiles to broken JavaScript/);
  const [awaited] = found('const list = [1];', 'for await (const x of list) x;');
  assert.match(awaited ?? '', /^2:undefined compiles to broken JavaScript/);
});

test('each of the four constructs breaks in stock tslab, and what the check advises does not', async () => {
  const first = 'const x = 1;\nconst o = {a: 1};\nconst p = Promise.resolve(1);\nconst list = [p];';
  for (const [broken, mended] of [
    ['const y = {x};', 'const y = {x: x};'],
    ['const {a: b} = o;', 'const b = o.a;'],
    ['await (p);', 'await p;'],
    ['for await (const q of list) q;', 'for (const q of list) await q;'],
  ]) {
    assert.deepEqual(await executed(first, broken ?? ''), [true, false], broken);
    assert.deepEqual(await executed(first, mended ?? ''), [true, true], mended);
  }
});

test('a working directory is left as it was', () => {
  const before = process.cwd();
  found('const a = 1;');
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
