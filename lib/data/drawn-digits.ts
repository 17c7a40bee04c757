/**
 * Digits of 28 × 28 pixels drawn by strokes, each with the factors that made it: for where MNIST cannot be had.
 * Source: drawn for this library; splines of Catmull & Rom 1974.   Lesson: notebooks/01-dense-vae.
 */
import type {Random} from '../tensor/random';
import {DIGIT_STROKES, type Point} from './digit-strokes';
import {Rows} from './rows';

export const DIGIT_SIDE = 28;

/** What makes a drawn digit what it is, apart from the wobble of the hand. */
export interface DigitFactors {
  /** 0 … 9 */
  readonly digit: number;
  /** Which of the digit's styles: a seven with or without its bar. */
  readonly style: number;
  /** Pixels to the right for each pixel up. */
  readonly slant: number;
  /** Radians, clockwise. */
  readonly rotation: number;
  /** Of the stroke, in pixels. */
  readonly strokeWidth: number;
  /** Of the digit between the middles of its outermost strokes, in pixels. */
  readonly height: number;
  /** Of the width, against the digit's usual proportions. */
  readonly stretch: number;
  /** Standard deviation of the displacement of a stroke's points, in pixels. */
  readonly wobble: number;
  /** Of the centre of mass from the image's centre, in pixels to the right. */
  readonly shiftX: number;
  /** … and in pixels down. */
  readonly shiftY: number;
}

/** The factors of many digits as the columns of a table, [N] each. */
export type DigitTable = {readonly [name in keyof DigitFactors]: Float64Array};

export interface DrawnDigits {
  /** [N, 784] bytes, 255 for full ink */
  readonly images: Rows;
  /** [N] 0 … 9 */
  readonly labels: Uint8Array;
  readonly factors: DigitTable;
}

/** Draws digits of all kinds, each as likely as the others. The first of many are those of few. */
export function drawDigits(count: number, random: Random): DrawnDigits {
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`drawDigits: count is ${count}, expected a positive integer.`);
  }
  const pixels = DIGIT_SIDE * DIGIT_SIDE;
  const values = new Uint8Array(count * pixels);
  const drawn = Array.from({length: count}, (_, index) => {
    const factors = randomFactors(random);
    drawDigit(factors, random, values.subarray(index * pixels, (index + 1) * pixels));
    return factors;
  });
  const names = Object.keys(drawn[0]!) as (keyof DigitFactors)[];
  const columns = names.map(name => [name, Float64Array.from(drawn, factors => factors[name])]);
  return {
    images: new Rows(values, pixels),
    labels: Uint8Array.from(drawn, ({digit}) => digit),
    factors: Object.fromEntries(columns) as DigitTable,
  };
}

/** Factors as in handwriting: most digits lean a little to the right. */
export function randomFactors(random: Random): DigitFactors {
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  /** Normal, cut at two standard deviations, so that a digit stays within its image. */
  const near = (mean: number, deviation: number) => {
    let draw = random.normal();
    while (Math.abs(draw) > 2) draw = random.normal();
    return mean + deviation * draw;
  };
  const digit = random.integer(10);
  return {
    digit,
    style: random.integer(DIGIT_STROKES[digit]!.length),
    slant: near(0.15, 0.18),
    rotation: near(0, 0.09),
    strokeWidth: between(1.6, 3.5),
    height: between(14, 18),
    stretch: between(0.75, 1.2),
    wobble: between(0.1, 0.7),
    shiftX: near(0, 0.5),
    shiftY: near(0, 0.5),
  };
}

/**
 * Draws one digit.
 * @param random moves the points of the strokes by the wobble
 * @param image  784 zeros to draw on; a new array unless given
 * @returns the image, 255 for full ink
 * @throws RangeError when there is no such digit or style
 */
export function drawDigit(
  factors: DigitFactors,
  random: Random,
  image: Uint8Array = new Uint8Array(DIGIT_SIDE * DIGIT_SIDE),
): Uint8Array {
  const strokes = DIGIT_STROKES[factors.digit]?.[factors.style];
  if (strokes === undefined) {
    throw new RangeError(
      `drawDigit: there is no digit ${factors.digit} in style ${factors.style}.`,
    );
  }
  const half = factors.height / 2;
  const [sine, cosine] = [Math.sin(factors.rotation), Math.cos(factors.rotation)];
  const placed = new Map<string, Point>(); // where strokes meet, the pen is at one place
  const place = (point: Point): Point => {
    const before = placed.get(String(point));
    if (before !== undefined) return before;
    const down = point[1] * half;
    const right = point[0] * half * factors.stretch - factors.slant * down;
    const now: Point = [
      right * cosine - down * sine + factors.wobble * random.normal(),
      right * sine + down * cosine + factors.wobble * random.normal(),
    ];
    placed.set(String(point), now);
    return now;
  };
  const lines = strokes.map(stroke => smooth(stroke.map(place)));
  const [middleX, middleY] = centre(lines);
  const x = DIGIT_SIDE / 2 + factors.shiftX - middleX;
  const y = DIGIT_SIDE / 2 + factors.shiftY - middleY;
  for (const line of lines) {
    for (let index = 1; index < line.length; index++) {
      const [[fromX, fromY], [toX, toY]] = [line[index - 1]!, line[index]!];
      ink(image, [fromX + x, fromY + y], [toX + x, toY + y], factors.strokeWidth / 2);
    }
  }
  return image;
}

/** A Catmull–Rom spline through the points, as short straight pieces. */
function smooth(points: readonly Point[], pieces = 5): readonly Point[] {
  const line: Point[] = [points[0]!];
  for (let index = 1; index < points.length; index++) {
    const [b, c] = [points[index - 1]!, points[index]!];
    const [a, d] = [points[index - 2] ?? b, points[index + 1] ?? c];
    for (let piece = 1; piece <= pieces; piece++) {
      const t = piece / pieces;
      const along = (axis: 0 | 1) =>
        0.5 *
        (2 * b[axis] +
          t * (c[axis] - a[axis]) +
          t * t * (2 * a[axis] - 5 * b[axis] + 4 * c[axis] - d[axis]) +
          t * t * t * (3 * b[axis] - a[axis] - 3 * c[axis] + d[axis]));
      line.push([along(0), along(1)]);
    }
  }
  return line;
}

/** The centre of mass of the lines, each piece weighing its length. */
function centre(lines: readonly (readonly Point[])[]): Point {
  let [x, y, mass] = [0, 0, 0];
  for (const line of lines) {
    for (let index = 1; index < line.length; index++) {
      const [[fromX, fromY], [toX, toY]] = [line[index - 1]!, line[index]!];
      const length = Math.hypot(toX - fromX, toY - fromY);
      x += (length * (fromX + toX)) / 2;
      y += (length * (fromY + toY)) / 2;
      mass += length;
    }
  }
  return [x / mass, y / mass];
}

/** Draws a round-ended piece of a stroke. A pixel that it covers in part gets part of the ink. */
function ink(image: Uint8Array, from: Point, to: Point, radius: number): void {
  const reach = radius + 0.5;
  const [left, right] = range(from[0], to[0], reach);
  const [top, bottom] = range(from[1], to[1], reach);
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const squared = dx * dx + dy * dy;
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const [x, y] = [column + 0.5 - from[0], row + 0.5 - from[1]];
      const along = squared > 0 ? Math.min(1, Math.max(0, (x * dx + y * dy) / squared)) : 0;
      const distance = Math.sqrt((x - along * dx) ** 2 + (y - along * dy) ** 2);
      const value = Math.round(255 * Math.min(1, Math.max(0, reach - distance)));
      const pixel = row * DIGIT_SIDE + column;
      if (value > image[pixel]!) image[pixel] = value;
    }
  }
}

/** First and last pixel whose middle may lie within reach of a piece, along one axis. */
function range(from: number, to: number, reach: number): [number, number] {
  return [
    Math.max(0, Math.floor(Math.min(from, to) - reach)),
    Math.min(DIGIT_SIDE - 1, Math.ceil(Math.max(from, to) + reach)),
  ];
}
