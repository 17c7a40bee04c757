/**
 * Many small images in one picture: samples, reconstructions, traversals.
 * Source: the sample sheets of Kingma & Welling 2014, fig. 4 and 5.   Lesson: notebooks/01, notebooks/03.
 */
import {extent, type Figure, tidy} from './figure';
import {imageList, type Images} from './image-list';
import {sheet, type SheetOptions, type Tile} from './tiles';

export interface ImageGridOptions extends SheetOptions {
  /** The values of black and white; default [0, 1]. */
  readonly range?: readonly [number, number];
}

/**
 * Images side by side, black on the low end of the range.
 * @throws TypeError when the images are not of one square size; RangeError when there are none
 */
export function imageGrid(images: Images, options: ImageGridOptions): Figure {
  const {list, height, width} = imageList('imageGrid', images);
  const tiles = list.map(pixels => ({
    pixels,
    range: options.range ?? ([0, 1] as const),
    signed: false,
  }));
  return sheet('imageGrid', tiles, height, width, options);
}

export interface TripletOptions {
  readonly title?: string;
  /** How many examples; default 10. */
  readonly count?: number;
  readonly labels?: readonly string[];
  readonly range?: readonly [number, number];
}

/**
 * Three lines of images: what went in, what came out, and the difference (red: too bright, blue:
 * too dark).
 */
export function reconstructionTriplets(
  inputs: Images,
  reconstructions: Images,
  options: TripletOptions = {},
): Figure {
  const {list, height, width} = imageList('reconstructionTriplets', inputs);
  const other = imageList('reconstructionTriplets', reconstructions);
  if (other.height !== height || other.width !== width) {
    throw new TypeError('reconstructionTriplets: inputs and reconstructions differ in size.');
  }
  const count = Math.min(options.count ?? 10, list.length, other.list.length);
  const range = options.range ?? ([0, 1] as const);
  const span = range[1] - range[0];
  const before = list.slice(0, count);
  const after = other.list.slice(0, count);
  const errors = before.map((image, n) => image.map((value, at) => after[n]![at]! - value));
  const plain = (pixels: readonly number[]): Tile => ({pixels, range, signed: false});
  const signed = (pixels: readonly number[]): Tile => ({
    pixels,
    range: [-span, span],
    signed: true,
  });
  const rms = errors.map(error =>
    Math.sqrt(error.reduce((sum, e) => sum + e * e, 0) / error.length),
  );
  const labels = ['input', 'reconstruction', 'difference'].flatMap(kind =>
    rms.map(
      (value, n) => `${options.labels?.[n] ?? `example ${n}`}, ${kind}<br>RMS ${tidy(value)}`,
    ),
  );
  const title = options.title ?? 'Inputs, their reconstructions, and the difference';
  const mean = rms.reduce((sum, value) => sum + value, 0) / count;
  return sheet(
    'reconstructionTriplets',
    [...before.map(plain), ...after.map(plain), ...errors.map(signed)],
    height,
    width,
    {
      title,
      columns: count,
      labels,
      rowTitles: ['input', 'reconstruction', 'difference'],
      alt: `${title}. ${count} examples, root mean square error ${tidy(mean)} on average.`,
    },
  );
}

export interface DecodedGridOptions {
  readonly title?: string;
  /** The latent coordinates of columns and lines, from left to right and from top to bottom. */
  readonly columns: ArrayLike<number>;
  readonly lines: ArrayLike<number>;
  readonly range?: readonly [number, number];
  /** The names of the two latents; default 'z₀' and 'z₁'. */
  readonly names?: readonly [string, string];
}

/** What a decoder draws over a grid of the latent plane, line by line from the top. */
export function decodedGrid(images: Images, options: DecodedGridOptions): Figure {
  const {list, height, width} = imageList('decodedGrid', images);
  const columns = Array.from(options.columns);
  const lines = Array.from(options.lines);
  if (list.length !== columns.length * lines.length) {
    throw new RangeError(
      `decodedGrid: ${list.length} images for ${columns.length} columns and ${lines.length} lines.`,
    );
  }
  const [across, down] = options.names ?? ['z₀', 'z₁'];
  const title = options.title ?? 'What the decoder draws over the latent plane';
  const labels = lines.flatMap(y =>
    columns.map(x => `${across} = ${tidy(x)}<br>${down} = ${tidy(y)}`),
  );
  return sheet(
    'decodedGrid',
    list.map(pixels => ({pixels, range: options.range ?? [0, 1], signed: false})),
    height,
    width,
    {
      title,
      columns: columns.length,
      labels,
      columnTitles: everyOther(columns),
      rowTitles: everyOther(lines),
      alt:
        `${title}: ${across} from ${extent(columns).map(tidy).join(' to ')}, ` +
        `${down} from ${extent(lines).map(tidy).join(' to ')}.`,
    },
  );
}

/** Coordinates as titles: all of a few, every other one of many. */
function everyOther(values: readonly number[]): string[] {
  const step = values.length > 7 ? 2 : 1;
  return values.map((value, n) => (n % step === 0 ? String(Math.round(value * 100) / 100) : ''));
}
