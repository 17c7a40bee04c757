/**
 * Many small images in one picture: samples, reconstructions, traversals.
 * Source: the sample sheets of Kingma & Welling 2014, fig. 4 and 5.   Lesson: notebooks/01, notebooks/03.
 */
import {extent, type Figure, isTensor, type TensorLike, tidy, vector} from './figure';
import {encodePalettePng} from './palette';
import {dataUri} from './png';
import {figure, noAxis} from './theme';

/** Images as a tensor [N, H, W], [N, H, W, 1] or [N, H·W], or as one array of pixels each. */
export type Images = TensorLike | readonly ArrayLike<number>[];

export interface ImageGridOptions {
  readonly title: string;
  /** Images a line; default: as square as it gets. */
  readonly columns?: number;
  /** The values of black and white; default [0, 1]. */
  readonly range?: readonly [number, number];
  /** One text an image, shown on hover and read in the terminal. */
  readonly labels?: readonly string[];
  readonly columnTitles?: readonly string[];
  readonly rowTitles?: readonly string[];
  /** Side of one image on the screen in pixels, with its gap; default about 30 to 90. */
  readonly side?: number;
  readonly alt?: string;
}

interface Tile {
  readonly pixels: readonly number[];
  /** Which values are black and white; signed tiles go from blue over white to red. */
  readonly range: readonly [number, number];
  readonly signed: boolean;
}

/** The images one by one, with the sides that they have in common. */
export function imageList(
  where: string,
  images: Images,
): {list: number[][]; height: number; width: number} {
  if (isTensor(images)) {
    const [count = 0, first = 0, second] = images.shape;
    const channels = images.shape[3] ?? 1;
    if (images.shape.length < 2 || images.shape.length > 4 || channels !== 1) {
      throw new TypeError(
        `${where}: images have shape [${images.shape.join(',')}], expected [N,H,W], [N,H,W,1] or [N,H·W].`,
      );
    }
    const [height, width] = second === undefined ? squareSide(where, first) : [first, second];
    const flat = Array.from(images.dataSync());
    const size = height * width;
    return {
      list: Array.from({length: count}, (_, n) => flat.slice(n * size, (n + 1) * size)),
      height,
      width,
    };
  }
  const list = Array.from(images as readonly ArrayLike<number>[], row =>
    vector(where, 'images', row),
  );
  const [height, width] = squareSide(where, list[0]?.length ?? 0);
  if (list.some(image => image.length !== height * width)) {
    throw new TypeError(`${where}: the images differ in size.`);
  }
  return {list, height, width};
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
      columnTitles: columns.map((x, n) => (n % 2 === 0 ? tidy(round2(x)) : '')),
      rowTitles: lines.map((y, n) => (n % 2 === 0 ? tidy(round2(y)) : '')),
      alt:
        `${title}: ${across} from ${extent(columns).map(tidy).join(' to ')}, ` +
        `${down} from ${extent(lines).map(tidy).join(' to ')}.`,
    },
  );
}

const round2 = (value: number) => Math.round(value * 100) / 100;

function squareSide(where: string, size: number): [number, number] {
  const side = Math.round(Math.sqrt(size));
  if (side * side !== size || size === 0) {
    throw new TypeError(`${where}: an image of ${size} pixels is not square; give [N,H,W].`);
  }
  return [side, side];
}

/** A side on the screen that is a whole multiple of the image's own, so that pixels stay equal. */
function wholeSide(pitch: number, columns: number): number {
  const wanted = Math.max(30, Math.min(90, 640 / columns));
  return pitch * Math.max(1, Math.round(wanted / pitch));
}

/** Lays tiles out in one PNG under one invisible marker each, which answers to the mouse. */
function sheet(
  where: string,
  tiles: readonly Tile[],
  height: number,
  width: number,
  options: ImageGridOptions,
): Figure {
  if (tiles.length === 0) throw new RangeError(`${where}: there are no images.`);
  const columns = options.columns ?? Math.ceil(Math.sqrt(tiles.length * 1.6));
  const lines = Math.ceil(tiles.length / columns);
  const gap = Math.max(1, Math.round(width / 14));
  const across = columns * (width + gap) - gap;
  const down = lines * (height + gap) - gap;
  const rgba = new Uint8Array(across * down * 4);
  const centres = tiles.map((tile, n) => {
    const left = (n % columns) * (width + gap);
    const top = Math.floor(n / columns) * (height + gap);
    paint(rgba, across, left, top, width, tile);
    return [left + (width - 1) / 2, top + (height - 1) / 2] as const;
  });
  const side = options.side ?? wholeSide(width + gap, columns);
  const [plotWidth, plotHeight] = [
    Math.round((across * side) / (width + gap)),
    Math.round((down * side) / (width + gap)),
  ];
  const margin = {
    l: options.rowTitles ? 20 + 7 * Math.max(...options.rowTitles.map(text => text.length)) : 12,
    r: 12,
    t: options.columnTitles ? 68 : 48,
    b: 12,
  };
  const names = tiles.map((_, n) => options.labels?.[n] ?? `image ${n}`);
  return figure(
    options.title,
    options.alt ?? `${options.title}. ${tiles.length} images of ${width} × ${height} pixels.`,
    [
      {
        type: 'image',
        source: dataUri(encodePalettePng(rgba, across, down)),
        hoverinfo: 'skip',
      },
      {
        type: 'scatter',
        mode: 'markers',
        x: centres.map(([x]) => x),
        y: centres.map(([, y]) => y),
        text: names,
        hovertemplate: '%{text}<extra></extra>',
        marker: {opacity: 0, size: side * 0.8, color: '#777777'},
        showlegend: false,
      },
    ],
    {
      width: Math.max(360, plotWidth + margin.l + margin.r),
      height: plotHeight + margin.t + margin.b,
      margin,
      hovermode: 'closest',
      xaxis: noAxis({
        range: [-0.5, across - 0.5],
        constrain: 'domain',
        ...titles(options.columnTitles, width + gap, (width - 1) / 2, 'top'),
      }),
      yaxis: noAxis({
        range: [down - 0.5, -0.5],
        scaleanchor: 'x',
        constrain: 'domain',
        ...titles(options.rowTitles, height + gap, (height - 1) / 2, 'left'),
      }),
    },
  );
}

function titles(
  texts: readonly string[] | undefined,
  pitch: number,
  centre: number,
  side: 'top' | 'left',
): Record<string, unknown> {
  if (texts === undefined) return {};
  return {
    visible: true,
    side,
    showgrid: false,
    zeroline: false,
    ticks: '',
    tickmode: 'array',
    tickvals: texts.map((_, n) => n * pitch + centre),
    ticktext: [...texts],
  };
}

/** Steps from black to white: more are not told apart, and would cost bytes. */
const SHADES = 32;

function paint(
  rgba: Uint8Array,
  stride: number,
  left: number,
  top: number,
  width: number,
  {pixels, range: [low, high], signed}: Tile,
): void {
  for (const [at, value] of pixels.entries()) {
    const x = left + (at % width);
    const y = top + Math.floor(at / width);
    const exact = Math.min(1, Math.max(0, (value - low) / (high - low)));
    const share = Math.round(exact * SHADES) / SHADES;
    const grey = Math.round(share * 255);
    rgba.set(signed ? diverging(share) : [grey, grey, grey, 255], (y * stride + x) * 4);
  }
}

/** 0: blue, ½: white, 1: red; the ends are those of COLOURS.reconstruction and COLOURS.posterior. */
function diverging(share: number): [number, number, number, number] {
  const end = share < 0.5 ? [10, 132, 198] : [213, 94, 0];
  const strength = Math.abs(share - 0.5) * 2;
  const [red, green, blue] = end.map(channel => Math.round(255 + (channel - 255) * strength));
  return [red!, green!, blue!, 255];
}
