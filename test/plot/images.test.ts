import test, {before} from 'node:test';
import assert from 'node:assert/strict';
import {ready} from 'latent-lib/tensor/tf';
import {Random} from 'latent-lib/tensor/random';
import {decodedGrid, imageGrid, reconstructionTriplets} from 'latent-lib/plot/images';
import {imageList} from 'latent-lib/plot/image-list';
import {assertFigure} from './figures';
import {readPng} from './read-png';

before(ready);

const random = new Random(3);
const image = (side: number) => Float32Array.from({length: side * side}, () => random.uniform());

function pixelsOf(trace: Record<string, unknown> | undefined) {
  return readPng(Buffer.from(String(trace?.['source']).split(',')[1]!, 'base64'));
}

test('all images are one trace, and each answers the mouse with its label', () => {
  const images = Array.from({length: 6}, () => image(4));
  const labels = images.map((_, n) => `sample ${n}`);
  const {data} = assertFigure(imageGrid(images, {title: 'Six samples', columns: 3, labels}));
  assert.deepEqual(
    data.map(trace => trace['type']),
    ['image', 'scatter'],
  );
  assert.deepEqual(data[1]?.['text'], labels);
});

test('white is the high end of the range, black the low end, and gaps are see-through', () => {
  const {data} = assertFigure(
    imageGrid([[0, 1, 0.5, 2].map(value => value * 4)], {title: 'Four pixels', range: [0, 4]}),
  );
  const {rgba, width} = pixelsOf(data[0]);
  const grey = (x: number, y: number) =>
    rgba.subarray((y * width + x) * 4, (y * width + x) * 4 + 4);
  assert.deepEqual([...grey(0, 0)], [0, 0, 0, 255]);
  assert.deepEqual([...grey(1, 0)], [255, 255, 255, 255]);
  assert.deepEqual([...grey(0, 1)], [128, 128, 128, 255]);
  assert.deepEqual([...grey(1, 1)], [255, 255, 255, 255], 'above the range');
  const two = assertFigure(imageGrid([image(2), image(2)], {title: 'Two images', columns: 2}));
  const sheet = pixelsOf(two.data[0]);
  assert.equal(sheet.width, 5);
  assert.equal(sheet.rgba[2 * 4 + 3], 0);
});

test('a hundred digits stay under 100 KB', () => {
  const images = Array.from({length: 100}, () => image(28).map(value => (value > 0.8 ? value : 0)));
  assertFigure(imageGrid(images, {title: 'A hundred images'}), 100_000);
});

test('triplets show input, reconstruction and a signed difference', () => {
  const inputs = [new Float32Array(16).fill(0.5)];
  const outputs = [Float32Array.from({length: 16}, (_, n) => (n < 8 ? 1 : 0))];
  const {data} = assertFigure(reconstructionTriplets(inputs, outputs));
  const {rgba, width, height} = pixelsOf(data[0]);
  assert.equal(height, 3 * 4 + 2);
  const at = (y: number) => [...rgba.subarray(y * width * 4, y * width * 4 + 3)];
  assert.deepEqual(at(0), [128, 128, 128]);
  assert.deepEqual(at(5), [255, 255, 255]);
  const [red, , blue] = at(10);
  assert.ok(red! > blue!, 'too bright is red');
  const [redBelow, , blueBelow] = at(13);
  assert.ok(blueBelow! > redBelow!, 'too dark is blue');
  assert.match(String((data[1]?.['text'] as string[])[0]), /RMS 0\.5/);
});

test('a decoded grid is labelled with its latent coordinates', () => {
  const figure = decodedGrid(
    Array.from({length: 6}, () => image(3)),
    {
      columns: [-1, 0, 1],
      lines: [0.5, -0.5],
    },
  );
  const {data, layout} = assertFigure(figure);
  assert.equal((data[1]?.['text'] as string[])[2], 'z₀ = 1<br>z₁ = 0.5');
  assert.deepEqual(layout['xaxis']?.['ticktext'], ['-1', '0', '1']);
  assert.throws(() => decodedGrid([image(3)], {columns: [0, 1], lines: [0]}), RangeError);
});

test('images come as tensors of three ranks', () => {
  for (const shape of [
    [2, 4, 4],
    [2, 4, 4, 1],
    [2, 16],
  ]) {
    const tensor = random.normals(shape);
    const {list, height, width} = imageList('test', tensor);
    assert.deepEqual([list.length, height, width], [2, 4, 4]);
    tensor.dispose();
  }
  const oblong = random.normals([1, 2, 3]);
  assert.deepEqual(imageList('test', oblong).width, 3);
  oblong.dispose();
});

test('what is no image is refused by name', () => {
  assert.throws(() => imageGrid([[1, 2, 3]], {title: 'Odd'}), /imageGrid: an image of 3 pixels/);
  assert.throws(() => imageGrid([], {title: 'None'}), /square|no images/);
  assert.throws(() => imageList('f', random.normals([2, 2, 2, 3])), /\[2,2,2,3\]/);
});
