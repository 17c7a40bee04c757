/**
 * Shows a value under the cell in the form that suits it: tensors, tables, figures, plain values.
 * Source: none.   Lesson: notebooks/00-orientation.
 */
import util from 'node:util';
import {type Figure, isTensor, tidy} from '../plot/figure';
import {packed} from '../plot/packed';
import {toPng} from '../plot/picture';
import {display, type MimeBundle, type MimeMetadata} from './display';
import {formatTensor, type PrintableTensor} from './format';
import {type Table, tableHtml, type TableOptions, tableText} from './table';

/** What `show` reads of a polars DataFrame. */
interface Frame {
  readonly columns: string[];
  readonly height: number;
  toRecords(): Record<string, unknown>[];
}

/**
 * Shows a value: a tensor with shape, type, range and values; a DataFrame, an array of records or a
 * record of plain values as a table; a record of tensors one by one; anything else as Node prints it.
 *
 *   show(z, 'latents');   show(history, 'training', {units: {kl: 'nats'}});
 *
 * @param title written above
 * @throws TypeError for a figure, which takes `await showFigure(figure)`
 */
export function show(value: unknown, title?: string, options: TableOptions = {}): void {
  if (isFigure(value)) {
    throw new TypeError('show: a figure is drawn first; write `await showFigure(figure)`.');
  }
  display(bundleOf(value, title, options));
}

/** The forms of a value, as `show` sends them. */
export function bundleOf(value: unknown, title?: string, options: TableOptions = {}): MimeBundle {
  const table = asTable(value);
  if (table) {
    const text = tableText(table, options);
    return {
      'text/html': tableHtml(table, options, title),
      'text/plain': title === undefined ? text : `${title}\n${text}`,
    };
  }
  return {'text/plain': titled(title, describe(value))};
}

/**
 * Shows a figure: interactive in JupyterLab, a picture on GitHub and wherever no script runs, and
 * its alternative text in a terminal. All in one message.
 * @throws RangeError when the figure has traces that cannot be drawn without a browser
 */
export async function showFigure(figure: Figure): Promise<void> {
  const [bundle, metadata] = await figureBundle(figure);
  display(bundle, metadata);
}

/** The forms of a figure, and the size at which its picture is shown. */
export async function figureBundle(figure: Figure): Promise<[MimeBundle, MimeMetadata]> {
  const {data, layout, alt} = packed(figure);
  const png = await toPng(figure);
  const bundle = {
    'application/vnd.plotly.v1+json': {
      data,
      layout,
      config: {displaylogo: false, responsive: false},
    },
    'image/png': png.toString('base64'),
    'text/plain': alt,
  };
  return [bundle, {'image/png': {width: layout.width, height: layout.height, alt}}];
}

function isFigure(value: unknown): value is Figure {
  return typeof value === 'object' && value !== null && 'layout' in value && 'data' in value;
}

/** Polars frames are proxies: they say what they are, but not what they have. */
function isFrame(value: unknown): value is Frame {
  return Object.prototype.toString.call(value) === '[object DataFrame]';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || (prototype as object).constructor?.name === 'Object';
}

/** The table in a value; undefined when it is none. */
function asTable(value: unknown): Table | undefined {
  if (isFrame(value)) {
    const {columns, height} = value;
    return {columns, height, rows: value.toRecords().map(row => columns.map(name => row[name]))};
  }
  if (Array.isArray(value) && value.length > 0 && value.every(isRecord)) {
    const columns = [...new Set(value.flatMap(row => Object.keys(row)))];
    return {columns, height: value.length, rows: value.map(row => columns.map(name => row[name]))};
  }
  if (isRecord(value) && Object.keys(value).length > 0) {
    const entries = Object.entries(value);
    if (entries.some(([, item]) => typeof item === 'object' && item !== null)) return undefined;
    if (entries.some(([, item]) => typeof item === 'function')) return undefined;
    const rows = entries.map(([name, item]) => [
      name,
      typeof item === 'number' ? tidy(item) : item,
    ]);
    return {columns: ['name', 'value'], height: entries.length, rows};
  }
  return undefined;
}

/** A value as text. */
function describe(value: unknown): string {
  if (typeof value === 'string') return value;
  if (isTensor(value)) return formatTensor(value);
  if (isRecord(value) && Object.keys(value).length > 0 && Object.values(value).every(isTensor)) {
    return Object.entries(value)
      .map(([name, tensor]) => titled(name, formatTensor(tensor as PrintableTensor)))
      .join('\n');
  }
  const numbers = asNumbers(value);
  if (numbers) return formatTensor(numbers);
  return util.inspect(value, {depth: 4, breakLength: 88, maxArrayLength: 20, colors: false});
}

/** Arrays of numbers, nested or typed, printed like tensors. */
function asNumbers(value: unknown): PrintableTensor | undefined {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const values = value as unknown as ArrayLike<number>;
    return {shape: [values.length], dtype: typedName(value), dataSync: () => values};
  }
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const shape: number[] = [];
  for (let level: unknown = value; Array.isArray(level); level = level[0]) shape.push(level.length);
  const flat = (value as unknown[]).flat(shape.length as 1);
  const size = shape.reduce((product, length) => product * length, 1);
  if (flat.length !== size || flat.some(item => typeof item !== 'number')) return undefined;
  const numbers = flat as number[];
  const dtype = numbers.every(Number.isInteger) ? 'int32' : 'number';
  return {shape, dtype, dataSync: () => numbers};
}

function typedName(value: ArrayBufferView): string {
  const name = value.constructor.name;
  return name === 'Int32Array' ? 'int32' : name === 'Float32Array' ? 'float32' : name;
}

function titled(title: string | undefined, text: string): string {
  return title === undefined ? text : `${title}   ${text}`;
}
