import assert from 'node:assert/strict';
import {before, test} from 'node:test';
import {drawDigits} from 'latent-lib/data/drawn-digits';
import {
  greyOf,
  imagesToTexts,
  imageToText,
  pooled,
  shadeOf,
  SHADES,
  TEXT_SIDES,
  textOfTokens,
  textToImage,
  textToImageLeniently,
  textTokens,
  textWords,
  tokensOfText,
} from 'latent-lib/data/mnist-text';
import {Rows} from 'latent-lib/data/rows';
import {Random} from 'latent-lib/tensor/random';
import {ready} from 'latent-lib/tensor/tf';

before(ready);

const digits = drawDigits(20, new Random(6)).images;

test('a text has 840, 224 or 99 tokens, all of them words of its vocabulary', () => {
  assert.deepEqual(TEXT_SIDES.map(textTokens), [840, 224, 99]);
  for (const side of TEXT_SIDES) {
    const words = new Set(textWords(side));
    assert.equal(words.size, SHADES + 2 + side);
    for (const text of imagesToTexts(digits, side, ['down', 'up'])) {
      const tokens = tokensOfText(text);
      assert.equal(tokens.length, textTokens(side));
      assert.ok(tokens.every(token => words.has(token)));
    }
  }
});

test('each grey level is read back within half a shade, for every side and direction', () => {
  for (const side of TEXT_SIDES) {
    const small = pooled(digits, side);
    for (const direction of ['down', 'up'] as const) {
      const grey = small.floats([7]);
      const image = textToImage(imageToText(grey, side, direction), side);
      assert.equal(image?.direction, direction);
      image.grey.forEach((level, at) => assert.ok(Math.abs(level - grey[at]!) <= 1 / 63));
    }
  }
});

test('full ink is the 64th shade, not a 65th', () => {
  assert.equal(shadeOf(0), '!');
  assert.equal(shadeOf(1), '`');
  assert.equal(greyOf('`'), 1);
  assert.equal(greyOf('a'), undefined);
  const shades = new Set(Array.from({length: 256}, (_, byte) => shadeOf(byte / 255)));
  assert.equal(shades.size, SHADES);
  assert.throws(() => shadeOf(1.01), RangeError);
});

test('bottom-up begins with the last row and keeps its number', () => {
  const grey = new Float32Array(81).fill(0);
  grey[80] = 1; // the last pixel of the bottom row
  assert.ok(imageToText(grey, 9, 'up').startsWith('08 up ! ! ! ! ! ! ! ! `\n07 up !'));
  assert.equal(textToImage(imageToText(grey, 9, 'up'), 9)?.grey[80], 1);
});

test('pooling takes the darkest pixel of each square and leaves out the 28th row and column', () => {
  const image = new Uint8Array(784);
  image[2 * 28 + 2] = 200;
  image[27 * 28 + 27] = 255;
  const small = pooled(new Rows(image, 784), 9);
  assert.equal(small.values[0], 200);
  assert.equal(
    Array.from(small.values).reduce((sum, value) => sum + value, 0),
    200,
  );
  assert.equal(pooled(new Rows(image, 784), 14).values.at(-1), 255);
  assert.throws(() => pooled(new Rows(new Uint8Array(81), 81), 9), /expected 784/);
});

test('reading refuses what the source lets pass', () => {
  const text = imageToText(pooled(digits, 9).floats([0]), 9);
  assert.ok(textToImage(text, 9));
  const broken = {
    'a row twice': text.replace('03 down', '02 down'),
    'two directions': text.replace('03 down', '03 up'),
    'a pixel missing': text.replace(/ \S$/, ''),
    'a word for a pixel': text.replace(/\S$/, 'up'),
    'a row missing': text.split('\n').slice(1).join('\n'),
    nothing: '',
  };
  for (const [what, wrong] of Object.entries(broken)) {
    assert.equal(textToImage(wrong, 9), undefined, what);
  }
  const lenient = ['a row twice', 'two directions', 'a row missing'] as const;
  for (const what of lenient) {
    const ink = textToImageLeniently(broken[what], 9).reduce((sum, level) => sum + level, 0);
    assert.ok(ink > 0, `the source takes: ${what}`);
  }
});

test('the lenient reader agrees with the strict one on valid texts', () => {
  for (const text of imagesToTexts(digits.slice(0, 5), 9, ['down', 'up'])) {
    assert.deepEqual(textToImageLeniently(text, 9), textToImage(text, 9)?.grey);
  }
});

test('tokens become the lines that they came from', () => {
  for (const text of imagesToTexts(digits.slice(0, 3), 14, ['down', 'up'])) {
    assert.equal(textOfTokens(tokensOfText(text)), text);
  }
});
