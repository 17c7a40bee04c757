import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {
  drawDigit,
  drawDigits,
  randomFactors,
  type DigitFactors,
} from 'latent-lib/data/drawn-digits';
import {DIGIT_STROKES} from 'latent-lib/data/digit-strokes';
import {Random} from 'latent-lib/tensor/random';
import {ready} from 'latent-lib/tensor/tf';

before(ready);

const plain: DigitFactors = {
  digit: 1,
  style: 0,
  slant: 0,
  rotation: 0,
  strokeWidth: 2.4,
  height: 16,
  stretch: 1,
  wobble: 0,
  shiftX: 0,
  shiftY: 0,
};
const draw = (factors: Partial<DigitFactors>) => drawDigit({...plain, ...factors}, new Random(1));

/** Ink, its centre, and its spread along and across: moments of the picture. */
function moments(image: Uint8Array) {
  const sums = {ink: 0, x: 0, y: 0, xx: 0, xy: 0, yy: 0};
  image.forEach((value, index) => {
    const [ink, x, y] = [value / 255, (index % 28) + 0.5, Math.floor(index / 28) + 0.5];
    sums.ink += ink;
    sums.x += ink * x;
    sums.y += ink * y;
    sums.xx += ink * x * x;
    sums.xy += ink * x * y;
    sums.yy += ink * y * y;
  });
  const {ink} = sums;
  const [x, y] = [sums.x / ink, sums.y / ink];
  return {
    ink,
    x,
    y,
    xx: sums.xx / ink - x * x,
    xy: sums.xy / ink - x * y,
    yy: sums.yy / ink - y * y,
  };
}

test('each factor does to a one what its name says', () => {
  const one = moments(draw({}));
  // A stroke of length 16 and width 2.4 with round ends: 16 · 2.4 + π · 1.2² pixels of ink.
  assert.ok(Math.abs(one.ink - (16 * 2.4 + Math.PI * 1.44)) < 1.5, `ink ${one.ink}`);
  assert.ok(Math.abs(one.x - 14) < 0.05 && Math.abs(one.y - 14) < 0.05);
  assert.ok(Math.abs(one.xy) < 0.05);
  const wide = moments(draw({strokeWidth: 3.6}));
  assert.ok(Math.abs(wide.ink / one.ink - 3.6 / 2.4) < 0.1);
  const shifted = moments(draw({shiftX: 2.5, shiftY: -1.5}));
  assert.ok(Math.abs(shifted.x - 16.5) < 0.05 && Math.abs(shifted.y - 12.5) < 0.05);
  const slanted = moments(draw({slant: 0.4}));
  assert.ok(Math.abs(slanted.xy / slanted.yy + 0.4) < 0.03, 'up leans to the right');
  const turned = moments(draw({rotation: 0.3}));
  const angle = 0.5 * Math.atan2(2 * turned.xy, turned.yy - turned.xx);
  assert.ok(Math.abs(angle + 0.3) < 0.02, 'clockwise: the top goes to the right');
  const tall = moments(draw({height: 20}));
  assert.ok(Math.abs(Math.sqrt(tall.yy / one.yy) - 20 / 16) < 0.03);
  const [zero, broad] = [extent(draw({digit: 0})), extent(draw({digit: 0, stretch: 1.5}))];
  assert.ok(Math.abs(broad.width - 2.4 - 1.5 * (zero.width - 2.4)) <= 2);
  assert.ok(Math.abs(broad.height - zero.height) <= 1);
});

/** Pixels from the first to the last that has ink, across and down. */
function extent(image: Uint8Array) {
  const inked = [...image.keys()].filter(index => image[index]! > 0);
  const span = (places: number[]) => Math.max(...places) - Math.min(...places) + 1;
  return {
    width: span(inked.map(index => index % 28)),
    height: span(inked.map(index => Math.floor(index / 28))),
  };
}

test('without wobble the hand is steady, with it no two digits are equal', () => {
  const steady = drawDigit(plain, new Random(2));
  assert.deepEqual(steady, draw({}));
  const shaky = {...plain, wobble: 0.5};
  assert.notDeepEqual(drawDigit(shaky, new Random(2)), drawDigit(shaky, new Random(3)));
});

test('edges are anti-aliased: grey only beside ink', () => {
  const image = draw({digit: 8});
  const grey = image.filter(value => value > 0 && value < 255).length;
  assert.ok(grey > 40 && grey < 300, `${grey} grey pixels`);
  image.forEach((value, index) => {
    const around = [-29, -28, -27, -1, 1, 27, 28, 29].map(step => image[index + step] ?? 0);
    if (value > 0 && value < 255) assert.ok(Math.max(...around) >= 100, `lonely pixel ${index}`);
  });
});

test('every style of every digit is drawn, in one piece where strokes meet', () => {
  DIGIT_STROKES.forEach((styles, digit) => {
    styles.forEach((_, style) => {
      for (let seed = 0; seed < 5; seed++) {
        const factors = {...randomFactors(new Random(seed)), digit, style};
        const image = drawDigit(factors, new Random(seed));
        const {ink} = moments(image);
        assert.ok(ink > 15 && ink < 250, `digit ${digit} style ${style}: ink ${ink}`);
      }
    });
  });
  assert.equal(pieces(draw({digit: 5, wobble: 0.7})), 1);
  assert.equal(pieces(draw({digit: 3, wobble: 0.7})), 1);
});

/** Counts connected pieces of ink. */
function pieces(image: Uint8Array): number {
  const rest = new Set([...image.keys()].filter(index => image[index]! > 60));
  let count = 0;
  for (const start of rest) {
    count++;
    const next = [start];
    while (next.length > 0) {
      const index = next.pop()!;
      if (!rest.delete(index)) continue;
      next.push(...[-29, -28, -27, -1, 1, 27, 28, 29].map(step => index + step));
    }
  }
  return count;
}

test('the same seed draws the same digits, and the first of many are those of few', () => {
  const few = drawDigits(20, new Random(7));
  const many = drawDigits(30, new Random(7));
  assert.deepEqual(many.images.slice(0, 20).values, few.images.values);
  assert.deepEqual(many.labels.slice(0, 20), few.labels);
  assert.deepEqual(many.factors.slant.slice(0, 20), few.factors.slant);
  assert.notDeepEqual(drawDigits(20, new Random(8)).images.values, few.images.values);
});

test('the table of factors redraws the digits’ labels, and all digits are about as frequent', () => {
  const {images, labels, factors} = drawDigits(3000, new Random(9));
  assert.equal(images.count, 3000);
  assert.equal(images.width, 784);
  assert.deepEqual(Uint8Array.from(factors.digit), labels);
  for (let digit = 0; digit < 10; digit++) {
    const count = labels.filter(label => label === digit).length;
    assert.ok(Math.abs(count - 300) < 66, `${count} of digit ${digit}`); // four deviations
  }
  for (const column of Object.values(factors)) assert.equal(column.length, 3000);
});

test('digits stay within their images', () => {
  const {images} = drawDigits(2000, new Random(10));
  let edge = 0;
  images.values.forEach((value, index) => {
    const [x, y] = [index % 28, Math.floor(index / 28) % 28];
    if (x === 0 || x === 27 || y === 0 || y === 27) edge += value / 255;
  });
  assert.ok(edge / 2000 < 0.02, `${edge / 2000} pixels of ink on the edge of a digit`);
});

test('digits can be told apart: the nearest mean image names nine in ten', () => {
  const train = drawDigits(3000, new Random(11));
  const means = Array.from({length: 10}, () => new Float64Array(784));
  const counts = new Float64Array(10);
  train.labels.forEach((label, row) => {
    counts[label]!++;
    for (let p = 0; p < 784; p++) means[label]![p]! += train.images.values[row * 784 + p]!;
  });
  means.forEach((mean, digit) => mean.forEach((sum, p) => (mean[p] = sum / counts[digit]!)));
  const held = drawDigits(500, new Random(12));
  let right = 0;
  held.labels.forEach((label, row) => {
    const distances = means.map(mean =>
      mean.reduce((sum, m, p) => sum + (held.images.values[row * 784 + p]! - m) ** 2, 0),
    );
    if (distances.indexOf(Math.min(...distances)) === label) right++;
  });
  assert.ok(right / 500 > 0.85, `${right} of 500`);
});

test('a digit, a style or a number that does not exist is refused', () => {
  assert.throws(() => draw({digit: 10}), /drawDigit: there is no digit 10 in style 0\./);
  assert.throws(() => draw({style: 9}), /drawDigit: there is no digit 1 in style 9\./);
  assert.throws(() => drawDigits(0, new Random(1)), /drawDigits: count is 0/);
});
