/**
 * Loss curves, one panel a term, since a sum hides which term moved.
 * Source: STYLE of the lessons: reconstruction and KL apart, in nats.   Lesson: all.
 */
import {type Figure, rounded, tidy, type Trace} from './figure';
import {axis, COLOURS, colourOf, figure} from './theme';

/** One line of a training log: a step, perhaps an epoch, and numbers. */
export type LogLine = Readonly<Record<string, number | undefined>>;

export interface LossCurvesOptions {
  /** Which numbers to draw; default: all but counters and times. */
  readonly terms?: readonly string[];
  readonly title?: string;
  /** Default 'nats'; all losses are per example. */
  readonly unit?: string;
  /** The column of the horizontal axis; default 'step', or else the row number. */
  readonly x?: string;
  /** A value to compare with, by term: the published one, say. Drawn dashed. */
  readonly references?: Readonly<Record<string, number>>;
}

/** Columns that count or time, and are no terms of a loss. */
const COUNTERS = /^(step|epoch|examples|seconds|rate|stepsPerSecond|learningRate|.*[sS]econds)$/;

/** More points than this are averaged into as many bins. */
const POINTS = 250;

/** The terms of a log in the order of their first appearance. */
export function termsOf(logs: readonly LogLine[]): string[] {
  const seen = new Set<string>();
  for (const line of logs) {
    for (const name in line) if (typeof line[name] === 'number') seen.add(name);
  }
  return [...seen].filter(name => !COUNTERS.test(name));
}

/** Says of each kind whether it comes for the first time: the legend names it once. */
function firstOf(): (kind: string) => boolean {
  const seen = new Set<string>();
  return kind => !seen.has(kind) && seen.add(kind).has(kind);
}

/** 'validationKl' and 'validation.kl' are drawn on the panel of 'kl'. */
export function panelOf(term: string): {panel: string; heldOut: boolean} {
  const match = /^(?:validation|heldOut|test)[._ ]?(.+)$/.exec(term);
  if (!match?.[1]) return {panel: term, heldOut: false};
  return {panel: match[1][0]!.toLowerCase() + match[1].slice(1), heldOut: true};
}

/**
 * The terms of a loss over training, each on its own panel and scale; held-out terms are dotted.
 * @param logs one record a step or epoch, as `fit` yields them
 * @throws RangeError when there is nothing to draw
 */
export function lossCurves(logs: readonly LogLine[], options: LossCurvesOptions = {}): Figure {
  const terms = options.terms ?? termsOf(logs);
  if (logs.length === 0 || terms.length === 0) {
    throw new RangeError('lossCurves: no logs with a number to draw.');
  }
  const {unit = 'nats', x = 'step', references = {}} = options;
  const panels = [...new Set(terms.map(term => panelOf(term).panel))];
  const data: Trace[] = [];
  const isFirst = firstOf();
  let perBin = 1;
  for (const [index, term] of terms.entries()) {
    const {panel, heldOut} = panelOf(term);
    const points = logs.flatMap((line, row) => {
      const value = line[term];
      return value === undefined ? [] : [[line[x] ?? row, value] as const];
    });
    const bins = binned(points, POINTS);
    perBin = Math.max(perBin, Math.ceil(points.length / POINTS));
    const colour = colourOf(panel, index);
    data.push({
      type: 'scatter',
      mode: points.length < 30 ? 'lines+markers' : 'lines',
      name: heldOut ? 'held out' : panel,
      showlegend: heldOut && isFirst('held out'), // the axes name the panels
      x: rounded(
        bins.map(([at]) => at),
        7,
      ),
      y: rounded(
        bins.map(([, value]) => value),
        5,
      ),
      line: {color: colour, width: 2, dash: heldOut ? 'dot' : 'solid'},
      marker: {size: 5},
      hovertemplate: `${x} %{x}<br>%{y:.4g} ${unit}<extra>${heldOut ? `${panel}, held out` : panel}</extra>`,
      ...on(panels.indexOf(panel)),
    });
  }
  const title = options.title ?? 'Terms of the loss over training';
  const last = terms.map(term => `${term} ${tidy(lastOf(logs, term))}`).join(', ');
  const alt = `${title}. After ${x} ${tidy(logs.at(-1)?.[x] ?? logs.length - 1)}: ${last} ${unit} per example.`;
  const binNote = perBin > 1 ? `${x} (mean of ${perBin})` : x;
  return figure(title, alt, [...data, ...referenceLines(references, panels, logs, x)], {
    ...panelAxes(panels, binNote, unit),
    width: [460, 640, 760][Math.min(panels.length, 3) - 1]!,
    height: panels.length > 3 ? 300 * Math.ceil(panels.length / 3) : 320,
    showlegend: terms.length > panels.length || Object.keys(references).length > 0,
  });
}

function lastOf(logs: readonly LogLine[], term: string): number {
  for (let row = logs.length - 1; row >= 0; row--) {
    const value = logs[row]?.[term];
    if (value !== undefined) return value;
  }
  return NaN;
}

function on(panel: number): {xaxis: string; yaxis: string} {
  const suffix = panel === 0 ? '' : String(panel + 1);
  return {xaxis: `x${suffix}`, yaxis: `y${suffix}`};
}

function panelAxes(panels: readonly string[], x: string, unit: string): Record<string, unknown> {
  const axes: Record<string, unknown> = {};
  const columns = Math.min(3, panels.length);
  const lines = Math.ceil(panels.length / columns);
  const gap = 0.13;
  for (const [index, panel] of panels.entries()) {
    const suffix = index === 0 ? '' : String(index + 1);
    const width = (1 - gap * (columns - 1)) / columns;
    const left = (index % columns) * (width + gap);
    const height = (1 - 0.2 * (lines - 1)) / lines;
    const bottom = (lines - 1 - Math.floor(index / columns)) * (height + 0.2);
    const place = {domain: [left, Math.min(1, left + width)], anchor: `y${suffix}`};
    axes[`xaxis${suffix}`] = axis(x, undefined, {...place, nticks: 5});
    axes[`yaxis${suffix}`] = axis(panel, unit, {
      domain: [bottom, Math.min(1, bottom + height)],
      anchor: `x${suffix}`,
      nticks: 6,
    });
  }
  return axes;
}

function referenceLines(
  references: Readonly<Record<string, number>>,
  panels: readonly string[],
  logs: readonly LogLine[],
  x: string,
): Trace[] {
  const isFirst = firstOf();
  const ends = [logs[0]?.[x] ?? 0, logs.at(-1)?.[x] ?? logs.length - 1];
  return Object.entries(references).flatMap(([term, value]) => {
    const panel = panels.indexOf(panelOf(term).panel);
    if (panel < 0) return [];
    const line: Trace = {
      type: 'scatter',
      mode: 'lines',
      name: 'reference',
      hovertemplate: `%{y:.4g}<extra>${term}, reference</extra>`,
      showlegend: isFirst('reference'),
      x: ends,
      y: [value, value],
      line: {color: COLOURS.reference, width: 1.5, dash: 'dash'},
      ...on(panel),
    };
    return [line];
  });
}

/** Means over equal runs of points, at most `count` of them; points without x order stay as they are. */
export function binned(
  points: readonly (readonly [number, number])[],
  count: number,
): (readonly [number, number])[] {
  const size = Math.ceil(points.length / count);
  if (size <= 1) return [...points];
  const bins: (readonly [number, number])[] = [];
  for (let start = 0; start < points.length; start += size) {
    const bin = points.slice(start, start + size);
    const mean = (axisIndex: 0 | 1) =>
      bin.reduce((sum, point) => sum + point[axisIndex], 0) / bin.length;
    bins.push([mean(0), mean(1)]);
  }
  return bins;
}
