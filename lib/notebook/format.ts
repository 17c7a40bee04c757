/**
 * Tensors and numbers as text, the way numpy prints them.
 * Source: numpy.array2string, for the rules of rounding and of leaving out.   Lesson: notebooks/00-orientation.
 */
import {extent, type TensorLike, tidy} from '../plot/figure';

/** More values than this, and the middle of each axis is left out. */
const THRESHOLD = 200;

/** How many are printed at each end of an axis then: fewer when there are many axes. */
const edge = (rank: number) => (rank > 2 ? 2 : 3);

export interface PrintableTensor extends TensorLike {
  readonly dtype: string;
  readonly isDisposed?: boolean;
}

/**
 * A tensor in words and numbers:
 *
 *   [2, 3] float32   min −1.2, mean 0.1, max 3.4
 *   [[ 0.1000, -1.2000,  3.4000],
 *    [ 0.5000,  0.3000, -2.5000]]
 */
export function formatTensor(tensor: PrintableTensor): string {
  const head = `[${tensor.shape.join(', ')}] ${tensor.dtype}`;
  if (tensor.isDisposed) return `${head}   disposed: its values are gone`;
  const values = Array.from(tensor.dataSync() as ArrayLike<number | string | boolean>);
  if (values.length === 0) return `${head}   empty`;
  const numbers = values.filter<number>((value): value is number => typeof value === 'number');
  const ends = values.length > THRESHOLD ? edge(tensor.shape.length) : Infinity;
  const cells = formatter(tensor.dtype, visible(values, tensor.shape, ends));
  const body =
    tensor.shape.length === 0
      ? cells(values[0]!)
      : layOut(values, tensor.shape, cells, ends, 0, '');
  if (tensor.dtype === 'string' || tensor.dtype === 'bool' || tensor.shape.length === 0) {
    return `${head}   ${tensor.shape.length === 0 ? body.trim() : `\n${body}`}`;
  }
  return `${head}   ${range(numbers)}\n${body}`;
}

/** 'min −1.2, mean 0.1, max 3.4', and how many values are not finite. */
export function range(values: readonly number[]): string {
  const finite = values.filter(Number.isFinite);
  const odd = values.length - finite.length;
  const note = odd === 0 ? '' : `   ${odd} not finite`;
  if (finite.length === 0) return note.trim();
  const [low, high] = extent(finite);
  const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
  return `min ${tidy(low)}, mean ${tidy(mean)}, max ${tidy(high)}${note}`;
}

/** The indices of an axis that are printed; −1 stands for those left out. */
function printed(length: number, ends: number): number[] {
  const all = Array.from({length}, (_, n) => n);
  if (length <= 2 * ends) return all;
  return [...all.slice(0, ends), -1, ...all.slice(-ends)];
}

/** The values that will be seen: they decide how many digits all get. */
function visible<T>(values: readonly T[], shape: readonly number[], ends: number): T[] {
  let offsets = [0];
  for (const [axisIndex, length] of shape.entries()) {
    const stride = shape.slice(axisIndex + 1).reduce((product, size) => product * size, 1);
    const kept = printed(length, ends).filter(n => n >= 0);
    offsets = offsets.flatMap(offset => kept.map(n => offset + n * stride));
  }
  return offsets.map(offset => values[offset]!);
}

/** One way of writing for all values of a tensor, so that columns line up. */
function formatter(
  dtype: string,
  seen: readonly (number | string | boolean)[],
): (value: number | string | boolean) => string {
  if (dtype === 'string') return value => JSON.stringify(value);
  if (dtype === 'bool') return value => (value ? 'true' : 'false').padStart(5);
  const numbers = seen.filter((value): value is number => typeof value === 'number');
  const write = dtype === 'int32' ? String : floatWriter(numbers);
  const width = Math.max(...numbers.map(value => write(value).length));
  return value => write(Number(value)).padStart(width);
}

function floatWriter(numbers: readonly number[]): (value: number) => string {
  const sizes = numbers.filter(value => Number.isFinite(value) && value !== 0).map(Math.abs);
  const [low, high] = extent(sizes);
  if (sizes.length > 0 && (high >= 1e8 || low < 1e-4 || high / low > 1e6)) {
    return value => (Number.isFinite(value) ? value.toExponential(4) : String(value));
  }
  const digits = Math.max(0, ...sizes.map(decimals));
  return value => (Number.isFinite(value) ? value.toFixed(Math.max(1, digits)) : String(value));
}

/** Digits behind the point that a float32 needs, four at most. */
function decimals(value: number): number {
  for (let digits = 0; digits < 4; digits++) {
    if (Math.abs(Number(value.toFixed(digits)) - value) <= 1e-6 * value) return digits;
  }
  return 4;
}

function layOut(
  values: readonly (number | string | boolean)[],
  shape: readonly number[],
  write: (value: number | string | boolean) => string,
  ends: number,
  offset: number,
  indent: string,
): string {
  const [length, ...rest] = shape;
  if (length === undefined) return write(values[offset]!);
  const stride = rest.reduce((product, size) => product * size, 1);
  const items = printed(length, ends).map(n =>
    n < 0 ? '…' : layOut(values, rest, write, ends, offset + n * stride, `${indent} `),
  );
  if (rest.length > 0) return `[${items.join(`,${'\n'.repeat(rest.length)}${indent} `)}]`;
  return `[${wrap(items, indent)}]`;
}

/** Items of one axis, broken into lines of at most about 88 columns. */
function wrap(items: readonly string[], indent: string): string {
  const lines = [''];
  for (const [index, item] of items.entries()) {
    const text = index < items.length - 1 ? `${item}, ` : item;
    if (lines.at(-1)!.length + text.length > 84) lines.push('');
    lines[lines.length - 1] += text;
  }
  return lines.map(row => row.trimEnd()).join(`\n${indent} `);
}
