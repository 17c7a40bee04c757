import test from 'node:test';
import assert from 'node:assert/strict';
import {CLASS_COLOURS, CLASS_SYMBOLS, COLOURS, figure} from 'latent-lib/plot/theme';

/** Relative luminance and contrast of WCAG 2.2. */
function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map(at => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light! + 0.05) / (dark! + 0.05);
}

const LIGHT = '#ffffff';
const DARK = '#111111'; // JupyterLab's --jp-layout-color0 in the dark theme

test('text reads on both themes at WCAG AA for large text and nearly for small', () => {
  const {color} = figure('A title', 'Text.', []).layout['font'] as {color: string};
  assert.ok(contrast(color, LIGHT) > 4, String(contrast(color, LIGHT)));
  assert.ok(contrast(color, DARK) > 4, String(contrast(color, DARK)));
});

test('lines stand out from both themes', () => {
  for (const colour of [...Object.values(COLOURS), ...CLASS_COLOURS]) {
    const least = Math.min(contrast(colour, LIGHT), contrast(colour, DARK));
    assert.ok(least > 2, `${colour}: ${least.toFixed(2)}`);
  }
});

test('the colour-blind tell reconstruction from KL, and prior from posterior', () => {
  const pairs = [
    [COLOURS.reconstruction, COLOURS.kl],
    [COLOURS.prior, COLOURS.posterior],
    [COLOURS.data, COLOURS.reconstruction],
  ] as const;
  for (const [one, other] of pairs) {
    for (const blindness of [PROTANOPIA, DEUTERANOPIA]) {
      const [a, b] = [seenBy(blindness, one), seenBy(blindness, other)];
      const distance = Math.hypot(...a.map((value, n) => value - b[n]!));
      assert.ok(distance > 0.12, `${one} and ${other}: ${distance.toFixed(3)}`);
    }
  }
});

test('there are as many marks as class colours, all different', () => {
  assert.equal(new Set(CLASS_COLOURS).size, 10);
  assert.equal(new Set(CLASS_SYMBOLS).size, 10);
});

/** Machado, Oliveira & Fernandes 2009, severity 1, on linear light. */
type Three = readonly [number, number, number];
const PROTANOPIA: readonly Three[] = [
  [0.152286, 1.052583, -0.204868],
  [0.114503, 0.786281, 0.099216],
  [-0.003882, -0.048116, 1.051998],
];
const DEUTERANOPIA: readonly Three[] = [
  [0.367322, 0.860646, -0.227968],
  [0.280085, 0.672501, 0.047413],
  [-0.01182, 0.04294, 0.968881],
];

function seenBy(blindness: readonly Three[], colour: string): number[] {
  const light = [1, 3, 5].map(at => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return blindness.map(row => row.reduce((sum, weight, n) => sum + weight * light[n]!, 0));
}
