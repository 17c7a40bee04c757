import test from 'node:test';
import assert from 'node:assert/strict';
import {encodePng} from 'latent-lib/plot/png';
import {encodePalettePng} from 'latent-lib/plot/palette';
import {Resvg} from '@resvg/resvg-js';
import {readPng} from './read-png';

/** Reads a PNG by drawing it: a decoder that shares nothing with ours. */
function drawn(png: Buffer, width: number, height: number): Uint8Array {
  const source = `data:image/png;base64,${png.toString('base64')}`;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    `<image image-rendering="optimizeSpeed" width="${width}" height="${height}" href="${source}"/></svg>`;
  return new Resvg(svg).render().pixels;
}

const colours = Uint8Array.from(
  Array.from({length: 35}, (_, n) => [(n * 7) % 256, (n * 31) % 256, (n * 13) % 256, 255]).flat(),
);

test('another decoder reads the pixels of a colour image unchanged', () => {
  assert.deepEqual([...drawn(encodePng(colours, 7, 5, 4), 7, 5)], [...colours]);
});

test('another decoder reads the pixels of a palette image unchanged', () => {
  assert.deepEqual([...drawn(encodePalettePng(colours, 7, 5), 7, 5)], [...colours]);
});

test('grey has one byte a pixel', () => {
  const grey = Uint8Array.from([0, 128, 255, 64]);
  const {rgba, colourType} = readPng(encodePng(grey, 2, 2, 1));
  assert.equal(colourType, 0);
  assert.deepEqual([rgba[0], rgba[4], rgba[8], rgba[12]], [...grey]);
});

test('pixels that are not there stay away', () => {
  const pixels = Uint8Array.from([9, 9, 9, 0, 255, 0, 0, 255]);
  const {rgba} = readPng(encodePalettePng(pixels, 2, 1));
  assert.equal(rgba[3], 0);
  assert.deepEqual([...rgba.subarray(4)], [255, 0, 0, 255]);
});

test('with thousands of colours each pixel moves little', () => {
  const many = new Uint8Array(64 * 64 * 4);
  for (let n = 0; n < 64 * 64; n++) many.set([n % 64, Math.floor(n / 64), 0, 255], n * 4);
  const {rgba} = readPng(encodePalettePng(many, 64, 64));
  const worst = many.reduce((most, value, n) => Math.max(most, Math.abs(value - rgba[n]!)), 0);
  assert.ok(worst <= 8, `by ${worst} of 255`);
});

test('a wrong number of bytes is refused', () => {
  assert.throws(() => encodePng(new Uint8Array(5), 2, 2, 1), /5 bytes, expected 2 · 2 · 1/);
  assert.throws(() => encodePalettePng(new Uint8Array(5), 2, 2), RangeError);
});
