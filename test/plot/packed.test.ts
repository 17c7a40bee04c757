import test from 'node:test';
import assert from 'node:assert/strict';
import {line} from 'latent-lib/plot/charts';
import {matrix} from 'latent-lib/plot/matrices';
import {packed, type PackedArray} from 'latent-lib/plot/packed';
import {toPng} from 'latent-lib/plot/picture';

const options = {title: 'A line', x: 'step', y: 'loss', yUnit: 'nats'};
const waves = Array.from({length: 100}, (_, n) => Math.sin(n / 9));

function unpack({dtype, bdata}: PackedArray): number[] {
  const bytes = Uint8Array.from(Buffer.from(bdata, 'base64')).buffer;
  const kinds = {i1: Int8Array, i2: Int16Array, f4: Float32Array};
  return Array.from(new kinds[dtype](bytes));
}

test('packed numbers are the same numbers, in the smallest type that holds them', () => {
  const figure = line(
    [{name: 'loss', y: [...waves, NaN], x: waves.map((_, n) => n).concat(100)}],
    options,
  );
  const [trace] = packed(figure).data;
  const [x, y] = [trace!['x'] as PackedArray, trace!['y'] as PackedArray];
  assert.equal(x.dtype, 'i1');
  assert.deepEqual(unpack(x), figure.data[0]!['x']);
  assert.equal(y.dtype, 'f4');
  const wanted = figure.data[0]!['y'] as (number | null)[];
  for (const [n, value] of unpack(y).entries()) {
    if (wanted[n] === null) assert.ok(Number.isNaN(value));
    else assert.ok(Math.abs(value - wanted[n]!) <= 1e-6);
  }
  const wide = packed(line([{name: 'a', x: waves.map((_, n) => n * 300), y: waves}], options));
  assert.equal((wide.data[0]!['x'] as PackedArray).dtype, 'i2');
});

test('short lists and names stay readable', () => {
  const figure = line([{name: 'loss', y: [1, 2, 3]}], options);
  assert.deepEqual(packed(figure).data[0]!['y'], [1, 2, 3]);
});

test('a matrix keeps its shape', () => {
  const {z} = packed(matrix([waves.slice(0, 5), waves.slice(5, 10)], {title: 'Rows'})).data[0]!;
  assert.equal((z as PackedArray).shape, '2, 5');
  assert.equal(unpack(z as PackedArray).length, 10);
});

test('plotly draws packed figures like plain ones', async () => {
  const figures = [
    line([{name: 'loss', y: waves}], options),
    matrix([waves.slice(0, 9), waves.slice(9, 18)], {title: 'Two rows of nine'}),
  ];
  for (const figure of figures) {
    assert.deepEqual(await toPng(packed(figure)), await toPng(figure));
  }
});
