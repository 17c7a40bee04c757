/**
 * Tables of numbers as colours: attention, weights, kernel matrices.
 * Source: the attention pictures of Bahdanau et al. 2015, fig. 3.   Lesson: notebooks/03 to notebooks/06.
 */
import {extent, type Figure, rounded, type Rows, rows, tidy, type Trace} from './figure';
import {axis, figure} from './theme';

export interface MatrixOptions {
  readonly title: string;
  /** What the colour means, e.g. 'weight'. */
  readonly value?: string;
  readonly unit?: string;
  readonly rowName?: string;
  readonly columnName?: string;
  /** The values of the two ends of the colours; default: those of the data. */
  readonly range?: readonly [number, number];
  readonly alt?: string;
}

/** From blue over near-white to red; the middle is zero. */
const DIVERGING = [
  [0, '#0a84c6'],
  [0.5, '#f7f7f7'],
  [1, '#d55e00'],
] as const;

/** A matrix with the first row on top; values of both signs are coloured around zero. */
export function matrix(values: Rows, options: MatrixOptions): Figure {
  return matrices([{name: '', values}], options);
}

export interface Panel {
  readonly name: string;
  readonly values: Rows;
}

/**
 * Matrices side by side under one colour scale, so that they can be compared.
 * @throws RangeError when there is none, or one is empty
 */
export function matrices(panels: readonly Panel[], options: MatrixOptions): Figure {
  const tables = panels.map(({values}) => rows('matrices', 'values', values));
  if (tables.length === 0 || tables.some(table => table.length === 0)) {
    throw new RangeError('matrices: nothing to draw.');
  }
  const [low, high] = options.range ?? extent(tables.flat(2));
  const signed = low < 0 && high > 0;
  const bound = Math.max(-low, high);
  const [zmin, zmax] = signed ? [-bound, bound] : [low, high];
  const value = options.value ?? 'value';
  const colorbar = {
    title: {text: options.unit ? `${value} [${options.unit}]` : value},
    thickness: 12,
  };
  const gap = 0.08;
  const width = (1 - gap * (panels.length - 1)) / panels.length;
  const axes: Record<string, unknown> = {};
  const data = tables.map((table, n): Trace => {
    const suffix = n === 0 ? '' : String(n + 1);
    const left = n * (width + gap);
    const sizes = {constrain: 'domain', showgrid: false, nticks: 8};
    axes[`xaxis${suffix}`] = axis(
      [panels[n]!.name, options.columnName ?? 'column'].filter(text => text !== '').join(' · '),
      undefined,
      {...sizes, domain: [left, Math.min(1, left + width)], anchor: `y${suffix}`},
    );
    axes[`yaxis${suffix}`] = axis(n === 0 ? (options.rowName ?? 'row') : '', undefined, {
      ...sizes,
      autorange: 'reversed',
      anchor: `x${suffix}`,
      scaleanchor: `x${suffix}`,
    });
    return {
      type: 'heatmap',
      z: table.map(row => rounded(row, 3)),
      ...{zmin, zmax, colorscale: signed ? DIVERGING : 'Viridis'},
      ...{xaxis: `x${suffix}`, yaxis: `y${suffix}`},
      ...(n === tables.length - 1 ? {colorbar} : {showscale: false}),
      hovertemplate: `row %{y}, column %{x}: %{z:.4g}<extra>${panels[n]!.name}</extra>`,
    };
  });
  const shapes = tables.map(
    (table, n) =>
      `${panels[n]!.name} [${table.length}, ${table[0]!.length}] from ` +
      extent(table.flat()).map(tidy).join(' to '),
  );
  return figure(options.title, options.alt ?? `${options.title}. ${shapes.join('; ')}.`, data, {
    ...axes,
    width: Math.max(460, Math.min(750, 300 * panels.length + 120)),
    height: 380,
  });
}

export interface AttentionOptions {
  readonly title: string;
  /** What asks: the tokens of the lines. */
  readonly queries: readonly string[];
  /** What is looked at: the tokens of the columns. */
  readonly keys: readonly string[];
}

/**
 * Attention weights with the tokens on the axes; each line sums to one.
 * @param weights [queries, keys]
 */
export function attentionHeatmap(weights: Rows, options: AttentionOptions): Figure {
  const table = rows('attentionHeatmap', 'weights', weights);
  const {queries, keys, title} = options;
  if (table.length !== queries.length || table[0]?.length !== keys.length) {
    throw new RangeError(
      `attentionHeatmap: weights [${table.length},${table[0]?.length ?? 0}] for ` +
        `${queries.length} queries and ${keys.length} keys.`,
    );
  }
  const strongest = table.map((row, n) => {
    const at = row.indexOf(Math.max(...row));
    return `${queries[n]} → ${keys[at]} ${tidy(row[at]!)}`;
  });
  const tokens = (names: readonly string[]) => ({
    tickmode: 'array',
    tickvals: names.map((_, n) => n),
    ticktext: names.map(name => (name.trim() === '' ? '␣' : name)),
    showgrid: false,
    constrain: 'domain',
  });
  const side = Math.max(18, Math.min(36, Math.floor(420 / keys.length)));
  return figure(
    title,
    `${title}. Strongest: ${strongest.slice(0, 8).join(', ')}.`,
    [
      {
        type: 'heatmap',
        z: table.map(row => rounded(row, 3)),
        ...{zmin: 0, zmax: 1, colorscale: 'Viridis'},
        customdata: queries.map(query => keys.map(key => `${query} → ${key}`)),
        hovertemplate: '%{customdata}: %{z:.3f}<extra></extra>',
        colorbar: {title: {text: 'weight'}, thickness: 12},
      },
    ],
    {
      width: Math.max(420, keys.length * side + 220),
      height: Math.max(300, queries.length * side + 150),
      xaxis: axis('looked at', undefined, {...tokens(keys), tickangle: -45}),
      yaxis: axis('asks', undefined, {...tokens(queries), autorange: 'reversed'}),
    },
  );
}
