// @ts-check
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {checkTwins, countTwins} from '../../misc/checks/twins.mjs';
import {code, notebook} from './fixture.mjs';

const LIBRARY = `
import {tf} from '../tensor/tf';
/** Doc. */
export function sum(x: tf.Tensor2D, scale = 1): tf.Tensor1D {
  // a comment
  return tf.tidy(() => x.sum<tf.Tensor1D>(1).mul(scale).mul((scale + 1) * 2).add(scale));
}
export interface Terms {
  /** nats */
  readonly loss: tf.Scalar;
}
export type Kind = 'a' | 'b';
export const LIMIT = 3;
export class Layer {
  constructor(readonly size: number) {}
  /** Doc. */
  apply(x: tf.Tensor2D): tf.Tensor2D {
    return x.mul(this.size);
  }
}
`;
const twin = (/** @type {string} */ body, head = '// twin: lib/a/b.ts') =>
  checkTwins(notebook([code(`${head}\n${body}`)]), file =>
    file === 'lib/a/b.ts' ? LIBRARY : undefined,
  );
const SUM = `function sum(x: tf.Tensor2D, scale = 1): tf.Tensor1D {
  return tf.tidy(() => x.sum<tf.Tensor1D>(1).mul(scale).mul((scale + 1) * 2).add(scale));
}`;

test('comments, layout, export, trailing commas and needless parentheses do not matter', () => {
  const laidOut = `function sum(
  x: tf.Tensor2D, // [B, D]
  scale = 1,
): tf.Tensor1D {
  return tf.tidy(() =>
    (x.sum<tf.Tensor1D>(1)
      .mul(scale)
      .mul((scale + 1) * 2,).add(scale)),
  );
}`;
  assert.deepEqual(twin(SUM), []);
  assert.deepEqual(twin(laidOut), []);
  assert.deepEqual(twin('interface Terms { readonly loss: tf.Scalar }'), []);
  assert.deepEqual(twin("type Kind =\n  | 'a'\n  | 'b';\nconst LIMIT = 3;"), []);
});

test('a change of meaning is found, and both texts are shown', () => {
  for (const [from, to] of [
    ['.sum<', '.mean<'],
    ['(scale + 1) * 2', 'scale + 1 * 2'],
    ['scale = 1', 'scale = 2'],
    ['tf.Tensor1D {', 'tf.Tensor {'],
    ['.add(scale)', ''],
    ['function sum', 'async function sum'],
  ]) {
    const [found, ...more] = twin(SUM.replace(from ?? '', to ?? ''));
    assert.equal(more.length, 0);
    assert.match(
      found?.message ?? `nothing found for ${to}`,
      /^sum differs from lib\/a\/b\.ts\n--- the cell\n.*function sum[\s\S]*\n--- lib\/a\/b\.ts\nfunction sum/,
    );
  }
});

test('interfaces, types, constants and methods of a class are compared', () => {
  const layer = LIBRARY.slice(LIBRARY.indexOf('export class')).replace('export ', '');
  assert.deepEqual(twin(layer), []);
  assert.equal(twin(layer.replace('x.mul', 'x.add')).length, 1);
  assert.equal(twin(layer.replace('apply(', 'static apply(')).length, 1);
  assert.equal(twin('interface Terms { loss: tf.Scalar }').length, 1);
  assert.equal(twin("type Kind = 'a' | 'c';").length, 1);
  assert.equal(twin('const LIMIT = 4;').length, 1);
  assert.equal(twin('let LIMIT = 3;').length, 1);
});

test('a mark that names no library file, or a name the library lacks, is found', () => {
  assert.match(twin(SUM, '// twin: lib/none.ts')[0]?.message ?? '', /there is no lib\/none\.ts/);
  assert.match(twin(SUM, '// twin: a/b.ts')[0]?.message ?? '', /must read/);
  assert.match(
    twin(SUM, 'let early;\n// twin: lib/a/b.ts')[0]?.message ?? '',
    /first line must read/,
  );
  assert.match(twin('function other() {}')[0]?.message ?? '', /has no other/);
  assert.match(twin('show(1);')[0]?.message ?? '', /declares nothing/);
});

test('a sketch and an unmarked cell are free', () => {
  assert.deepEqual(twin(SUM.replace('.sum<', '.mean<'), '// sketch'), []);
  assert.deepEqual(twin(SUM.replace('.sum<', '.mean<'), ''), []);
});

test('the real library is read', () => {
  const real = "class ShapeError extends Error {\n  override readonly name = 'ShapeError';\n}";
  const book = (/** @type {string} */ body) =>
    notebook([code(`// twin: lib/tensor/shapes.ts\n${body}`)]);
  assert.deepEqual(checkTwins(book(real)), []);
  assert.equal(countTwins(book(real)), 1);
  assert.equal(checkTwins(book(real.replace('readonly ', ''))).length, 1);
});

test('a definition of the library that is not marked as its twin is found', () => {
  const source = 'function reparameterize() {}\nconst Random = 1;';
  const found = (/** @type {string} */ text, rest = {}, name = '01-example') =>
    checkTwins(notebook([code(text, rest)], name)).map(({message}) => message);
  assert.match(found(source).join(), /^reparameterize is in lib\/probability\/gaussian\.ts: mark/);
  assert.deepEqual(found(`// sketch\n${source}`), []);
  assert.deepEqual(found(source, {metadata: {tags: ['exercise']}}), []);
  assert.deepEqual(found(source, {}, '01-example.solutions'), []);
});
