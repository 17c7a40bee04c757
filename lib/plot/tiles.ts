/**
 * Tiles of pixels laid out in one picture, each with a marker that answers to the mouse.
 * Source: none.   Lesson: none.
 */
import {type Figure} from './figure';
import {encodePalettePng} from './palette';
import {dataUri} from './png';
import {COLOURS, figure, noAxis} from './theme';

/** How tiles are laid out and what is written beside them. */
export interface SheetOptions {
  readonly title: string;
  /** Tiles a line; default ten, or as square as it gets when there are over a hundred. */
  readonly columns?: number;
  /** One text a tile, shown on hover. */
  readonly labels?: readonly string[];
  readonly columnTitles?: readonly string[];
  readonly rowTitles?: readonly string[];
  /** Side of one tile on the screen in pixels, with its gap; default about 30 to 90. */
  readonly side?: number;
  readonly alt?: string;
}

/** One image. */
export interface Tile {
  readonly pixels: readonly number[];
  /** Which values are black and white; signed tiles go from blue over white to red. */
  readonly range: readonly [number, number];
  readonly signed: boolean;
}

const defaultColumns = (count: number) =>
  count <= 100 ? Math.min(10, count) : Math.ceil(Math.sqrt(count * 1.6));

/** A side on the screen that is a whole multiple of the image's own, so that pixels stay equal. */
function wholeSide(pitch: number, columns: number): number {
  const wanted = Math.max(30, Math.min(90, 600 / columns));
  return pitch * Math.max(1, Math.floor(wanted / pitch));
}

/** Lays tiles out in one PNG under one invisible marker each, which answers to the mouse. */
export function sheet(
  where: string,
  tiles: readonly Tile[],
  height: number,
  width: number,
  options: SheetOptions,
): Figure {
  if (tiles.length === 0) throw new RangeError(`${where}: there are no images.`);
  const columns = options.columns ?? defaultColumns(tiles.length);
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
        marker: {opacity: 0, size: side * 0.8, color: COLOURS.data},
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
const SHADES = 16;

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
    const steps = signed ? 2 * SHADES : SHADES;
    const share = Math.round(exact * steps) / steps;
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
