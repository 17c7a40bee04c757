/**
 * What a latent space looks like: where examples lie, and which dimensions carry information.
 * Source: Kingma & Welling 2014, App. A; active units: Burda et al. 2016, sect. 5.2.   Lesson: notebooks/01.
 */
import {
  extent,
  type Figure,
  rounded,
  type Rows,
  rows,
  tidy,
  type Trace,
  type Values,
  vector,
} from './figure';
import {axis, CLASS_COLOURS, CLASS_SYMBOLS, COLOURS, figure} from './theme';

export interface LatentPlaneOptions {
  readonly title?: string;
  /** The class of each point: a name or a number. */
  readonly classes?: ArrayLike<number | string>;
  /** Which two columns to draw; default the first two. */
  readonly dimensions?: readonly [number, number];
  /** Radii of the prior's contours in standard deviations; default 1, 2, 3. None: []. */
  readonly contours?: readonly number[];
  /** At most so many points, evenly chosen; default 1000. */
  readonly points?: number;
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Posterior means in the plane of two latents, by class, over the contours of N(0, I).
 * @param means [N, L]
 */
export function latentPlane(means: Rows, options: LatentPlaneOptions = {}): Figure {
  const all = rows('latentPlane', 'means', means);
  const [first, second] = options.dimensions ?? [0, 1];
  if (all[0]?.[first] === undefined || all[0][second] === undefined) {
    throw new RangeError(
      `latentPlane: dimensions ${first} and ${second} of ${all[0]?.length ?? 0} latents.`,
    );
  }
  const {classes} = options;
  if (classes !== undefined && classes.length !== all.length) {
    throw new RangeError(`latentPlane: ${classes.length} classes for ${all.length} points.`);
  }
  // A stride would follow the order of the data (every second digit, say); golden steps do not.
  const share = (options.points ?? 1000) / all.length;
  const shown = all.flatMap((_, n) => ((n * GOLDEN) % 1 < share ? [n] : []));
  const names = [...new Set(shown.map(n => String(classes?.[n] ?? 'posterior mean')))].sort(
    (a, b) => a.localeCompare(b, 'en', {numeric: true}),
  );
  const annotations: Record<string, unknown>[] = [];
  const clouds = names.map((name, index): Trace => {
    const own = shown.filter(n => classes === undefined || String(classes[n]) === name);
    const x = own.map(n => all[n]![first]!);
    const y = own.map(n => all[n]![second]!);
    const color = classes === undefined ? COLOURS.posterior : CLASS_COLOURS[index % 10]!;
    if (classes !== undefined) annotations.push(label(name, mean(x), mean(y), color));
    return {
      type: 'scatter',
      mode: 'markers',
      name,
      x: rounded(x, 3),
      y: rounded(y, 3),
      marker: {size: 5, opacity: 0.75, color, symbol: CLASS_SYMBOLS[index % 10]!},
      hovertemplate: `%{x:.2f}, %{y:.2f}<extra>${name}</extra>`,
    };
  });
  const title = options.title ?? 'Where the encoder puts the data, over the prior';
  const inside = all.filter(row => Math.hypot(row[first]!, row[second]!) < 2).length / all.length;
  const range = (column: number) =>
    extent(all.map(row => row[column]!))
      .map(tidy)
      .join(' to ');
  return figure(
    title,
    `${title}. ${all.length} points (${shown.length} drawn), z${sub(first)} from ${range(first)}, ` +
      `z${sub(second)} from ${range(second)}; ${tidy(inside * 100)} % within radius 2.`,
    [...(options.contours ?? [1, 2, 3]).map(priorContour), ...clouds],
    {
      width: 560,
      height: 540,
      xaxis: axis(`z${sub(first)}`),
      yaxis: axis(`z${sub(second)}`, undefined, {scaleanchor: 'x'}),
      annotations,
      legend: {x: 1.02, y: 1, orientation: 'v'},
      margin: {l: 56, r: 20, t: 48, b: 48},
    },
  );
}

function label(text: string, x: number, y: number, color: string): Record<string, unknown> {
  return {
    ...{text: `<b>${text}</b>`, x, y, showarrow: false},
    ...{font: {size: 14, color: 'white'}, bgcolor: color, borderpad: 2, opacity: 0.9},
  };
}

/** A circle: the points of N(0, I) that lie `radius` standard deviations out. */
function priorContour(radius: number, index: number): Trace {
  const angles = Array.from({length: 61}, (_, n) => (n / 60) * 2 * Math.PI);
  return {
    type: 'scatter',
    mode: 'lines',
    name: 'prior, 1, 2, 3 σ',
    legendgroup: 'prior',
    showlegend: index === 0,
    x: rounded(
      angles.map(angle => radius * Math.cos(angle)),
      3,
    ),
    y: rounded(
      angles.map(angle => radius * Math.sin(angle)),
      3,
    ),
    line: {color: COLOURS.prior, width: 1.5, dash: 'dash'},
    hovertemplate: `${radius} σ of the prior<extra></extra>`,
  };
}

export interface KlOptions {
  readonly title?: string;
  /** A latent with less than this many nats counts as unused; default 0.01. */
  readonly threshold?: number;
}

/**
 * The KL of each latent as bars, largest first: which latents carry information.
 * @param kl [L] mean over examples, in nats
 */
export function klPerDimension(kl: Values, options: KlOptions = {}): Figure {
  const values = vector('klPerDimension', 'kl', kl);
  const threshold = options.threshold ?? 0.01;
  const order = values.map((_, n) => n).sort((a, b) => values[b]! - values[a]!);
  const active = values.filter(value => value > threshold).length;
  const total = values.reduce((sum, value) => sum + value, 0);
  const title = options.title ?? `KL per latent: ${active} of ${values.length} are used`;
  return figure(
    title,
    `${title}. ${tidy(total)} nats in all, ${tidy(Math.max(...values))} in the largest; ` +
      `${active} of ${values.length} latents above ${threshold} nats.`,
    [
      {
        type: 'bar',
        x: order.map(n => `z${sub(n)}`),
        y: rounded(order.map(n => values[n]!)),
        marker: {color: order.map(n => (values[n]! > threshold ? COLOURS.kl : COLOURS.data))},
        hovertemplate: '%{x}: %{y:.4g} nats<extra></extra>',
      },
    ],
    {
      xaxis: axis('latent, by KL', undefined, {type: 'category'}),
      yaxis: axis('KL to the prior', 'nats', {rangemode: 'tozero'}),
      showlegend: false,
    },
  );
}

/** 12 as ₁₂. */
export function sub(n: number): string {
  return String(n).replace(/\d/g, digit => String.fromCharCode(0x2080 + Number(digit)));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
