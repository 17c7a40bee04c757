/**
 * What a figure is: a plotly specification with a sentence for those who cannot see it.
 * Source: plotly.js 4, schema of traces and layout.   Lesson: notebooks/00-orientation.
 */

/** One series of marks. Only kinds that can also be drawn without a browser (see picture.ts). */
export interface Trace {
  readonly type: 'scatter' | 'bar' | 'heatmap' | 'histogram' | 'image';
  readonly [attribute: string]: unknown;
}

/** Titles, axes, sizes in pixels. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly title: {readonly text: string};
  readonly [attribute: string]: unknown;
}

/** A plotly specification: plain data, nothing drawn yet. */
export interface Figure {
  readonly data: readonly Trace[];
  readonly layout: Layout;
  /** What the figure shows, for screen readers, terminals and mails. */
  readonly alt: string;
}

/** Anything with values in a row: an array, a typed array, a tensor of rank 1. */
export type Values = ArrayLike<number> | TensorLike;

/** Anything with rows of values: nested arrays, typed rows, a tensor of rank 2. */
export type Rows = readonly ArrayLike<number>[] | TensorLike;

/** The part of a tensor that a figure reads. */
export interface TensorLike {
  readonly shape: readonly number[];
  dataSync(): ArrayLike<number>;
}

/** Is this a tensor, seen from what it can do? */
export function isTensor(value: unknown): value is TensorLike & {readonly dtype: string} {
  return (
    typeof value === 'object' &&
    value !== null &&
    'shape' in value &&
    'dtype' in value &&
    'dataSync' in value
  );
}

/**
 * The values as plain numbers.
 * @throws TypeError when they have more than one axis or are no numbers
 */
export function vector(where: string, name: string, values: Values): number[] {
  if (isTensor(values) && values.shape.length !== 1) {
    throw new TypeError(
      `${where}: ${name} has shape [${values.shape.join(',')}], expected one axis.`,
    );
  }
  const row = Array.from('dataSync' in values ? values.dataSync() : values);
  if (row.some(value => typeof value !== 'number')) {
    throw new TypeError(`${where}: ${name} holds something that is no number.`);
  }
  return row;
}

/**
 * The rows as plain numbers.
 * @throws TypeError when there are not two axes, or the rows differ in length
 */
export function rows(where: string, name: string, values: Rows): number[][] {
  if (!('dataSync' in values)) {
    const table = Array.from(values, row => vector(where, name, row));
    if (table.some(row => row.length !== table[0]?.length)) {
      throw new TypeError(`${where}: the rows of ${name} differ in length.`);
    }
    return table;
  }
  const [count, length] = values.shape;
  if (values.shape.length !== 2 || count === undefined || length === undefined) {
    throw new TypeError(
      `${where}: ${name} has shape [${values.shape.join(',')}], expected two axes.`,
    );
  }
  const flat = Array.from(values.dataSync());
  return Array.from({length: count}, (_, row) => flat.slice(row * length, (row + 1) * length));
}

/** Rounded to significant digits, so that a stored figure is small; not finite becomes a gap. */
export function rounded(values: readonly number[], digits = 4): (number | null)[] {
  return values.map(value => (Number.isFinite(value) ? Number(value.toPrecision(digits)) : null));
}

/** [smallest, largest] of the finite values. */
export function extent(values: Iterable<number>): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** A number as a reader wants it: four significant digits, no exponent where none is needed. */
export function tidy(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return String(Number(value.toPrecision(4)));
}
