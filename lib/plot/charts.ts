/**
 * Plain charts in the theme: lines, bars, points, histograms.
 * Source: none.   Lesson: all.
 */
import {extent, type Figure, rounded, tidy, type Trace, type Values, vector} from './figure';
import {axis, colourOf, figure} from './theme';

/** What every chart says of itself: its title, and its axes with their units. */
export interface ChartOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly xUnit?: string;
  readonly yUnit?: string;
  readonly xLog?: boolean;
  readonly yLog?: boolean;
  readonly width?: number;
  readonly height?: number;
  /** Default: made from title and values. */
  readonly alt?: string;
}

/** A row of values with a name; the name decides the colour unless one is given. */
export interface Series {
  readonly name: string;
  readonly y: Values;
  /** Default 0, 1, 2 … */
  readonly x?: Values;
  readonly colour?: string;
  readonly dashed?: boolean;
}

/** A logarithmic axis, labelled at 1, 2 and 5. */
const LOG = {type: 'log', dtick: 'D2'};

/** Lines over a common axis. */
export function line(series: readonly Series[], options: ChartOptions): Figure {
  return xyChart('line', 'lines', series, options);
}

/** Points. */
export function scatter(series: readonly Series[], options: ChartOptions): Figure {
  return xyChart('scatter', 'markers', series, options);
}

/** Power over frequency; both axes may be logarithmic. */
export function spectrum(
  frequencies: Values,
  powers: readonly Omit<Series, 'x'>[],
  options: Partial<ChartOptions> & {title: string},
): Figure {
  const series = powers.map(power => ({...power, x: frequencies}));
  const named = {x: 'frequency', y: 'power', xUnit: 'cycles per step', ...options};
  return xyChart('spectrum', 'lines', series, named);
}

/** A series of bars. */
export interface BarSeries extends Omit<Series, 'x' | 'dashed'> {
  /** For each bar, how far its error bar goes up and down. */
  readonly errors?: Values;
}

/** Named bars; several series stand side by side. */
export function bars(
  names: readonly string[],
  series: readonly BarSeries[],
  options: ChartOptions,
): Figure {
  const data = series.map(({name, y, colour, errors}, index): Trace => {
    const values = vector('bars', name, y);
    if (values.length !== names.length) {
      throw new RangeError(`bars: ${name} has ${values.length} values for ${names.length} names.`);
    }
    return {
      type: 'bar',
      name,
      x: [...names],
      y: rounded(values),
      marker: {color: colour ?? colourOf(name, index)},
      ...(errors === undefined ? {} : {error_y: errorBars(name, errors, names.length)}),
      hovertemplate: `%{x}: %{y:.4g} ${options.yUnit ?? ''}<extra>${name}</extra>`,
    };
  });
  return chart(data, {...options}, {xaxis: {type: 'category'}});
}

function errorBars(name: string, errors: Values, count: number): Record<string, unknown> {
  const array = rounded(vector('bars', `errors of ${name}`, errors));
  if (array.length !== count) {
    throw new RangeError(`bars: ${name} has ${array.length} errors for ${count} names.`);
  }
  return {type: 'data', array, visible: true, thickness: 1.5, width: 4};
}

/** How often values fall into bins; several series lie over one another. */
export function histogram(
  series: readonly {readonly name: string; readonly values: Values; readonly colour?: string}[],
  options: Omit<ChartOptions, 'y'> & {readonly bins?: number; readonly y?: string},
): Figure {
  const all = series.map(({name, values}) => vector('histogram', name, values));
  const [low, high] = extent(all.flat());
  const bins = options.bins ?? 40;
  const size = (high - low) / bins || 1;
  const centres = Array.from({length: bins}, (_, n) => low + (n + 0.5) * size);
  const data = series.map(({name, colour}, index): Trace => {
    const counts = new Array<number>(bins).fill(0);
    for (const value of all[index]!) {
      const bin = Math.min(bins - 1, Math.floor((value - low) / size));
      if (bin >= 0) counts[bin]! += 1 / (all[index]!.length * size);
    }
    return {
      type: 'bar',
      name,
      x: rounded(centres),
      y: rounded(counts),
      marker: {color: colour ?? colourOf(name, index), opacity: series.length > 1 ? 0.6 : 1},
      hovertemplate: `%{x}: density %{y:.3g}<extra>${name}</extra>`,
    };
  });
  return chart(data, {y: 'density', ...options}, {barmode: 'overlay', bargap: 0.02});
}

function xyChart(
  where: string,
  mode: 'lines' | 'markers',
  series: readonly Series[],
  options: ChartOptions,
): Figure {
  if (series.length === 0) throw new RangeError(`${where}: there is no series.`);
  const data = series.map(({name, x, y, colour, dashed}, index): Trace => {
    const up = vector(where, name, y);
    const along = x === undefined ? up.map((_, n) => n) : vector(where, `x of ${name}`, x);
    if (along.length !== up.length) {
      throw new RangeError(`${where}: ${name} has ${along.length} x and ${up.length} y.`);
    }
    const color = colour ?? colourOf(name, index);
    const style = {line: {color, width: 2, dash: dashed ? 'dash' : 'solid'}};
    return {
      type: 'scatter',
      mode: mode === 'lines' && up.length <= 12 ? 'lines+markers' : mode,
      name,
      x: rounded(along, 5),
      y: rounded(up),
      ...(mode === 'lines' ? style : {}),
      marker: {color, size: 6, opacity: mode === 'markers' ? 0.75 : 1},
      hovertemplate: `%{x:.4g} ${options.xUnit ?? ''}<br>%{y:.4g} ${options.yUnit ?? ''}<extra>${name}</extra>`,
    };
  });
  return chart(data, options, {});
}

function chart(
  data: readonly Trace[],
  options: ChartOptions,
  more: Readonly<Record<string, unknown>> & {readonly xaxis?: Record<string, unknown>},
): Figure {
  const {title, x, y, xUnit, yUnit, xLog, yLog, width = 640, height = 360} = options;
  const spans = data.map(trace => {
    const values = (trace['y'] as (number | null)[]).filter(value => value !== null);
    return `${String(trace['name'])} from ${extent(values).map(tidy).join(' to ')}`;
  });
  const unit = yUnit === undefined ? '' : ` ${yUnit}`;
  return figure(title, options.alt ?? `${title}. ${y} of ${spans.join('; ')}${unit}.`, data, {
    ...{width, height, showlegend: data.length > 1},
    ...more,
    xaxis: axis(x, xUnit, {...(xLog ? LOG : {}), ...more.xaxis}),
    yaxis: axis(y, yUnit, yLog ? LOG : {}),
  });
}
