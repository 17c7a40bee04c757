/**
 * Digits written as text: one symbol a pixel, one line a row of pixels, top-down or bottom-up; and read back.
 * Source: Fraser-Greenlee/my-huggingface-datasets, mnist-text, -small and -tiny.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import {Rows} from './rows';

/** Pixels a side: MNIST's own, and max-pooled by 2 and by 3. */
export const TEXT_SIDES = [28, 14, 9] as const;
export type TextSide = (typeof TEXT_SIDES)[number];

/** Whether the first line is the top row or the bottom row. */
export type TextDirection = 'down' | 'up';

/** The shades of grey, from '!' for white paper to '`' for full ink. */
export const SHADES = 64;
/** The code of the first shade, '!'. */
const FIRST = 33;

/** How many tokens a text has: a number and a direction lead each row. 840, 224 or 99. */
export function textTokens(side: TextSide): number {
  return side * (side + 2);
}

/** All tokens of texts of this side: 64 shades, two directions, the numbers of the rows. */
export function textWords(side: TextSide): string[] {
  const shades = Array.from({length: SHADES}, (_, level) => String.fromCharCode(FIRST + level));
  return [...shades, 'down', 'up', ...Array.from({length: side}, (_, row) => rowName(row))];
}

/**
 * Makes images smaller by the darkest pixel of each square (max-pooling). For 9 the last row and
 * column are left out, since 9 · 3 = 27.
 *
 * @param images [N, 784]
 * @returns [N, side²], a new array unless side is 28
 * @throws RangeError when an image has not 28 × 28 pixels
 */
export function pooled(images: Rows, side: TextSide): Rows {
  if (images.width !== 28 * 28) {
    throw new RangeError(`pooled: rows of ${images.width} pixels, expected 784.`);
  }
  const by = Math.floor(28 / side);
  if (by === 1) return images;
  const size = side * side;
  const values = new Uint8Array(images.count * size);
  const scale = images.values instanceof Uint8Array ? 1 : 255;
  for (let image = 0; image < images.count; image++) {
    for (let y = 0; y < side * by; y++) {
      for (let x = 0; x < side * by; x++) {
        const ink = Math.round(images.values[image * 784 + y * 28 + x]! * scale);
        const place = image * size + Math.floor(y / by) * side + Math.floor(x / by);
        if (ink > values[place]!) values[place] = ink;
      }
    }
  }
  return new Rows(values, size);
}

/**
 * The shade of a grey level g in 0 … 1: chr(33 + ⌊64 · min(g, 0.999)⌋).
 *
 * Porting note: the source takes ⌊64 g⌋, which for g = 1, the commonest level but white, is a
 * 65th symbol, 'a'.
 *
 * @throws RangeError when g is no number from 0 to 1
 */
export function shadeOf(grey: number): string {
  if (!(grey >= 0 && grey <= 1)) {
    throw new RangeError(`shadeOf: the grey level is ${grey}, expected a number from 0 to 1.`);
  }
  return String.fromCharCode(FIRST + Math.floor(Math.min(grey, 0.999) * SHADES));
}

/** The middle of the grey levels that a shade stands for; undefined where it is no shade. */
export function greyOf(token: string): number | undefined {
  const level = token.length === 1 ? token.charCodeAt(0) - FIRST : -1;
  return level >= 0 && level < SHADES ? level / (SHADES - 1) : undefined;
}

/**
 * Writes an image.
 *
 *   00 down ! ! F ` ` F ! ! !
 *   01 down ! ! ! …
 *
 * @param grey side² levels in 0 … 1, row by row
 * @param direction 'up' begins with the last row and its number
 * @throws RangeError when there are not side² levels
 */
export function imageToText(
  grey: ArrayLike<number>,
  side: TextSide,
  direction: TextDirection = 'down',
): string {
  if (grey.length !== side * side) {
    throw new RangeError(`imageToText: ${grey.length} levels, expected ${side * side}.`);
  }
  const lines = Array.from({length: side}, (_, row) => {
    const shades = Array.from({length: side}, (_, x) => shadeOf(grey[row * side + x]!));
    return [rowName(row), direction, ...shades].join(' ');
  });
  return (direction === 'down' ? lines : lines.reverse()).join('\n');
}

/** Rows of pixels written as texts, one a row, or two where both directions are wanted. */
export function imagesToTexts(
  images: Rows,
  side: TextSide,
  directions: readonly TextDirection[] = ['down'],
): string[] {
  const small = pooled(images, side);
  return Array.from({length: small.count}, (_, row) => {
    const grey = small.floats([row]);
    return directions.map(direction => imageToText(grey, side, direction));
  }).flat();
}

/** What a text says. */
export interface TextImage {
  /** [side²] in 0 … 1, top row first */
  readonly grey: Float32Array;
  readonly direction: TextDirection;
}

/**
 * Reads a text back, strictly: the right number of rows, numbered in order, one direction
 * throughout, one shade a pixel. How tokens are spread over lines does not matter.
 *
 * @returns undefined where the text is not valid
 */
export function textToImage(text: string, side: TextSide): TextImage | undefined {
  const tokens = tokensOfText(text);
  if (tokens.length !== textTokens(side)) return undefined;
  const direction = tokens[1];
  if (direction !== 'down' && direction !== 'up') return undefined;
  const grey = new Float32Array(side * side);
  for (let line = 0; line < side; line++) {
    const row = direction === 'down' ? line : side - 1 - line;
    const [number, way, ...shades] = tokens.slice(line * (side + 2), (line + 1) * (side + 2));
    if (number !== rowName(row) || way !== direction) return undefined;
    for (const [x, shade] of shades.entries()) {
      const level = greyOf(shade);
      if (level === undefined) return undefined;
      grey[row * side + x] = level;
    }
  }
  return {grey, direction};
}

/**
 * Reads a text as the source does: whatever is no shade is passed over, rows count as they come,
 * and the last line says the direction. Its check of validity is that some pixel is not white.
 *
 * @returns [side²] in 0 … 1
 */
export function textToImageLeniently(text: string, side: TextSide): Float32Array {
  const grey = new Float32Array(side * side);
  const lines = text.split('\n').map(line => line.split(' '));
  for (const [y, tokens] of lines.slice(0, side).entries()) {
    for (const [x, token] of tokens.slice(2, side + 2).entries()) {
      grey[y * side + x] = greyOf(token) ?? 0;
    }
  }
  if (lines.at(-1)?.[1] !== 'up') return grey;
  const turned = Array.from({length: side}, (_, row) => {
    return grey.subarray((side - 1 - row) * side, (side - row) * side);
  });
  return Float32Array.from(turned.flatMap(row => Array.from(row)));
}

/** A text's tokens: 99 for 9 × 9. */
export function tokensOfText(text: string): string[] {
  return text.split(/\s+/).filter(token => token !== '');
}

/** Tokens as lines, a new one where a number of two digits begins it. */
export function textOfTokens(tokens: readonly string[]): string {
  return tokens.join(' ').replace(/ (?=\d\d (?:down|up)\b)/g, '\n');
}

function rowName(row: number): string {
  return String(row).padStart(2, '0');
}
