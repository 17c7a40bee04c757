import test from 'node:test';
import assert from 'node:assert/strict';
import {klPerDimension, latentPlane, sub} from 'latent-lib/plot/latents';
import {COLOURS} from 'latent-lib/plot/theme';
import {assertFigure} from './figures';

const classes = Array.from({length: 3000}, (_, n) => n % 10);
const means = classes.map((digit, n) => [digit + (n % 7) / 10, -digit / 2, 5]);

test('the prior is three dashed circles of radius 1, 2 and 3 under the points', () => {
  const {data} = assertFigure(latentPlane(means, {classes}));
  for (const radius of [1, 2, 3]) {
    const circle = data[radius - 1]!;
    const [x, y] = [circle['x'] as number[], circle['y'] as number[]];
    assert.ok(x.every((value, n) => Math.abs(Math.hypot(value, y[n]!) - radius) < 5e-3));
    assert.equal((circle['line'] as {color: string}).color, COLOURS.prior);
  }
});

test('every class is drawn, named, and marked in its own way', () => {
  const {data, layout} = assertFigure(latentPlane(means, {classes}));
  const clouds = data.slice(3);
  assert.deepEqual(
    clouds.map(cloud => cloud['name']),
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  );
  const marks = clouds.map(cloud => (cloud['marker'] as {symbol: string}).symbol);
  assert.equal(new Set(marks).size, 10);
  assert.equal((layout['annotations'] as unknown as unknown[]).length, 10);
});

test('about a thousand of many points are drawn, of each class about as many', () => {
  const {data} = assertFigure(latentPlane(means, {classes}));
  const counts = data.slice(3).map(cloud => (cloud['x'] as number[]).length);
  assert.ok(
    counts.every(count => count > 80 && count < 120),
    counts.join(),
  );
});

test('classes may be missing, dimensions may be chosen', () => {
  const {data, layout} = assertFigure(latentPlane(means.slice(0, 5), {dimensions: [2, 0]}));
  assert.deepEqual(data.at(-1)!['x'], [5, 5, 5, 5, 5]);
  assert.deepEqual(layout['xaxis']?.['title'], {text: 'z₂', standoff: 8});
  assert.throws(() => latentPlane(means, {dimensions: [0, 3]}), /3 of 3 latents/);
  assert.throws(() => latentPlane(means, {classes: [1]}), /1 classes for 3000 points/);
});

test('KL bars fall, and latents under the threshold are grey', () => {
  const {data} = assertFigure(klPerDimension([0.001, 3, 0.5, 0.009]));
  assert.deepEqual(data[0]?.['x'], ['z₁', 'z₂', 'z₃', 'z₀']);
  assert.deepEqual(data[0]['y'], [3, 0.5, 0.009, 0.001]);
  const {color} = data[0]['marker'] as {color: string[]};
  assert.deepEqual(color, [COLOURS.kl, COLOURS.kl, COLOURS.data, COLOURS.data]);
  assert.match(klPerDimension([0.001, 3, 0.5, 0.009]).layout.title.text, /2 of 4 are used/);
});

test('indices are written below the line', () => assert.equal(sub(120), '₁₂₀'));
