/**
 * Signals over time with bands of uncertainty, several panels under one another if wanted.
 * Source: none.   Lesson: notebooks/02-gru-sinusoids.
 */
import {type Figure, rounded, tidy, type Trace, type Values, vector} from './figure';
import {axis, colourOf, figure} from './theme';

/** A signal; with low and high it has a band around it. */
export interface Signal {
  readonly name: string;
  readonly values: Values;
  readonly low?: Values;
  readonly high?: Values;
  /** Default: by the name's meaning. */
  readonly colour?: string;
  readonly dashed?: boolean;
}

export interface SignalsOptions {
  readonly title: string;
  /** The times; default 0, 1, 2 … */
  readonly time?: Values;
  readonly timeUnit?: string;
  readonly value?: string;
  readonly unit?: string;
  /** What the band is, for the legend; default '90 % band'. */
  readonly band?: string;
  readonly alt?: string;
}

/** Signals on one panel. */
export function signals(lines: readonly Signal[], options: SignalsOptions): Figure {
  return signalPanels([{name: '', signals: lines}], options);
}

export interface SignalPanel {
  readonly name: string;
  readonly signals: readonly Signal[];
}

/**
 * Panels of signals in lines of up to three, on common axes.
 * @throws RangeError when there is nothing to draw, or a row of values has another length than time
 */
export function signalPanels(panels: readonly SignalPanel[], options: SignalsOptions): Figure {
  if (!panels.some(panel => panel.signals.length > 0)) {
    throw new RangeError('signals: there is nothing to draw.');
  }
  const columns = Math.min(3, panels.length);
  const lines = Math.ceil(panels.length / columns);
  const {value = 'value', band = '90 % band', timeUnit = 'steps'} = options;
  const layout: Record<string, unknown> = {};
  const annotations: Record<string, unknown>[] = [];
  const named = new Set<string>();
  const data = panels.flatMap((panel, n) => {
    const suffix = n === 0 ? '' : String(n + 1);
    const [left, right] = share(n % columns, columns, 0.05);
    const [bottom, top] = share(lines - 1 - Math.floor(n / columns), lines, 0.14);
    const isBottom = n + columns >= panels.length;
    layout[`xaxis${suffix}`] = axis(isBottom ? 'time' : '', isBottom ? timeUnit : '', {
      domain: [left, right],
      anchor: `y${suffix}`,
    });
    layout[`yaxis${suffix}`] = axis(
      n % columns === 0 ? value : '',
      n % columns === 0 ? options.unit : '',
      {domain: [bottom, top], anchor: `x${suffix}`, ...(n > 0 ? {matches: 'y'} : {})},
    );
    if (panel.name !== '') {
      annotations.push({
        ...{text: panel.name, xref: 'paper', yref: 'paper', showarrow: false},
        ...{x: (left + right) / 2, y: top, yanchor: 'bottom', xanchor: 'center'},
      });
    }
    const place = {xaxis: `x${suffix}`, yaxis: `y${suffix}`};
    return panel.signals.flatMap((signal, index) =>
      traces(signal, index, options.time, band, place, named),
    );
  });
  const bands = panels.flatMap(panel => panel.signals.filter(signal => signal.low)).length;
  const alt =
    options.alt ??
    `${options.title}. ${[...named].join(', ')}` +
      (bands > 0 ? `; mean width of the ${band} ${tidy(meanBand(panels))}` : '') +
      (panels.length > 1 ? `; ${panels.length} panels` : '') +
      '.';
  return figure(options.title, alt, data, {
    ...layout,
    ...(annotations.length > 0 ? {annotations} : {}),
    width: columns === 1 ? 640 : columns * 250,
    height: lines === 1 ? 320 : lines * 190 + 90,
    ...(annotations.length > 0
      ? {
          legend: {orientation: 'h', x: 0, y: 1 + 0.16 / lines, yanchor: 'bottom'},
          margin: {l: 60, r: 20, t: 100, b: 48},
        }
      : {}),
  });
}

function share(index: number, count: number, gap: number): [number, number] {
  const size = (1 - gap * (count - 1)) / count;
  return [index * (size + gap), Math.min(1, index * (size + gap) + size)];
}

function traces(
  signal: Signal,
  index: number,
  time: Values | undefined,
  band: string,
  place: {xaxis: string; yaxis: string},
  named: Set<string>,
): Trace[] {
  const y = vector('signals', signal.name, signal.values);
  const x = time === undefined ? y.map((_, n) => n) : vector('signals', 'time', time);
  const color = signal.colour ?? colourOf(signal.name, index);
  const isFirst = !named.has(signal.name);
  named.add(signal.name);
  const common = {type: 'scatter', ...place, legendgroup: signal.name} as const;
  const result: Trace[] = [];
  if (signal.low !== undefined && signal.high !== undefined) {
    const low = vector('signals', `${signal.name}, low`, signal.low);
    const high = vector('signals', `${signal.name}, high`, signal.high);
    sameLength(signal.name, x, low, high);
    result.push({
      ...common,
      mode: 'lines',
      name: `${signal.name}, ${band}`,
      x: rounded([...x, ...[...x].reverse()]),
      y: rounded([...high, ...[...low].reverse()], 3),
      fill: 'toself',
      fillcolor: `${color}33`,
      line: {width: 0, color},
      hoverinfo: 'skip',
      showlegend: false,
    });
  }
  sameLength(signal.name, x, y);
  result.push({
    ...common,
    mode: 'lines',
    name: signal.low === undefined ? signal.name : `${signal.name} with ${band}`,
    x: rounded(x),
    y: rounded(y, 3),
    line: {color, width: 2, dash: signal.dashed ? 'dash' : 'solid'},
    hovertemplate: `%{x:.4g}: %{y:.3g}<extra>${signal.name}</extra>`,
    showlegend: isFirst,
  });
  return result;
}

function sameLength(name: string, time: readonly number[], ...others: (readonly number[])[]): void {
  for (const other of others) {
    if (other.length === time.length) continue;
    throw new RangeError(`signals: ${name} has ${other.length} values for ${time.length} times.`);
  }
}

function meanBand(panels: readonly SignalPanel[]): number {
  const widths = panels.flatMap(({signals: list}) =>
    list.flatMap(({low, high}) => {
      if (low === undefined || high === undefined) return [];
      const bottom = vector('signals', 'low', low);
      return vector('signals', 'high', high).map((value, n) => value - bottom[n]!);
    }),
  );
  return widths.reduce((sum, width) => sum + width, 0) / widths.length;
}
