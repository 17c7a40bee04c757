/**
 * One look for all figures: a colour for each meaning, the same in every lesson.
 * Source: Okabe & Ito 2008, colours that the colour-blind can tell apart.   Lesson: all.
 */
import {type Figure, type Layout, type Trace} from './figure';

/** The colour of a meaning. Each is readable on white and on the near-black of JupyterLab. */
export const COLOURS = {
  data: '#7f7f7f',
  reconstruction: '#0a84c6',
  prior: '#009e73',
  posterior: '#d55e00',
  kl: '#cc79a7',
  mmd: '#9467bd',
  loss: '#e69f00',
  reference: '#a0674b',
} as const;

export type Meaning = keyof typeof COLOURS;

/** Ten colours for ten classes; figures also label the classes, for those who see fewer. */
export const CLASS_COLOURS = [
  '#0a84c6',
  '#e69f00',
  '#009e73',
  '#d55e00',
  '#cc79a7',
  '#56b4e9',
  '#7f7f7f',
  '#a0674b',
  '#9467bd',
  '#a8a800',
] as const;

/** The marker of a class, so that colour is not alone in telling classes apart. */
export const CLASS_SYMBOLS = [
  'circle',
  'square',
  'diamond',
  'triangle-up',
  'x',
  'triangle-down',
  'cross',
  'star',
  'hexagon',
  'pentagon',
] as const;

/** Grey that reads on white (4.5 : 1) and on JupyterLab's dark background (4.2 : 1). */
const INK = '#777777';
const GRID = 'rgba(127,127,127,0.22)';

/**
 * The colour of a series, taken from what its name means:
 * 'validationReconstruction' is drawn like 'reconstruction'; unknown names get class colours.
 */
export function colourOf(name: string, index = 0): string {
  const plain = name.toLowerCase();
  const words: readonly (readonly [RegExp, Meaning])[] = [
    [/reference|expected|published|source/, 'reference'],
    [/reconstruct|likelihood|distortion|decoded|generated|squared|entropy/, 'reconstruction'],
    [/(^|[^a-z])kl|kl$|divergence|rate$/, 'kl'],
    [/mmd/, 'mmd'],
    [/prior/, 'prior'],
    [/posterior|latent|mean/, 'posterior'],
    [/loss|elbo|bound|total|objective/, 'loss'],
    [/data|input|original|observed|true/, 'data'],
  ];
  const found = words.find(([pattern]) => pattern.test(plain));
  return found ? COLOURS[found[1]] : CLASS_COLOURS[index % CLASS_COLOURS.length]!;
}

/** An axis with its name and unit: axis('KL', 'nats') is titled 'KL [nats]'. */
export function axis(
  name: string,
  unit?: string,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    title: {text: unit === undefined || unit === '' ? name : `${name} [${unit}]`, standoff: 8},
    ...(more['showgrid'] === false ? {} : {gridcolor: GRID}),
    linecolor: GRID,
    zeroline: false,
    automargin: true,
    ...more,
  };
}

/** An axis that is not seen: pictures have none. */
export function noAxis(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {visible: false, ...more};
}

/**
 * A figure in the theme.
 * @param title what is seen, as a sentence without a full stop
 * @param alt   the same for those who do not see it, with the numbers that matter
 * @throws RangeError when the title or the alternative text is empty
 */
export function figure(
  title: string,
  alt: string,
  data: readonly Trace[],
  layout: Readonly<Record<string, unknown>> & {width?: number; height?: number} = {},
): Figure {
  if (title.trim() === '') throw new RangeError('figure: the title is empty.');
  if (alt.trim() === '') throw new RangeError(`figure "${title}": the alternative text is empty.`);
  const named = data.filter(
    ({type, showlegend}) => showlegend !== false && type !== 'heatmap' && type !== 'image',
  );
  const wanted = layout['showlegend'] ?? named.length > 1;
  const hasLegend = wanted === true && named.length > 0;
  const whole: Layout = {
    width: 640,
    height: 380,
    title: {
      ...{text: title, font: {size: 15}, x: 0, xanchor: 'left', y: 1, yanchor: 'top'},
      pad: {t: 12, l: 12},
    } as Layout['title'],
    font: {family: 'DejaVu Sans, Verdana, sans-serif', size: 12, color: INK},
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    margin: {
      l: 60,
      r: 20,
      t: 52 + (hasLegend ? 4 + 20 * legendRows(named, layout.width ?? 640) : 0),
      b: 48,
    },
    hoverlabel: {font: {family: 'DejaVu Sans, Verdana, sans-serif', size: 12}},
    hovermode: 'closest',
    colorway: [...CLASS_COLOURS],
    ...(hasLegend ? {legend: {orientation: 'h', x: 0, y: 1.02, yanchor: 'bottom'}} : {}),
    ...layout,
  };
  return {data, layout: whole, alt};
}

/** How many lines the legend takes above the panel: its entries stand in columns of equal width. */
function legendRows(entries: readonly Trace[], width: number): number {
  const longest = Math.max(
    ...entries.map(({name}) => (typeof name === 'string' ? name.length : 0)),
  );
  const columns = Math.max(1, Math.floor((width - 80) / (longest * 7 + 48)));
  return Math.ceil(entries.length / columns);
}
