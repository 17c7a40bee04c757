/**
 * Figures with their numbers in base64, since a notebook file gives each number of a list its own line.
 * Source: typed array specifications of plotly.js ≥ 2.35.   Lesson: none.
 */
import {type Figure, type Trace} from './figure';

/** A typed array as JSON. Two axes have a shape, 'rows, columns'. */
export interface PackedArray {
  readonly dtype: 'i1' | 'i2' | 'f4';
  readonly bdata: string;
  readonly shape?: string;
}

/** Shorter lists stay as they are. */
const WORTHWHILE = 8;

/** The same figure with the long lists of x, y and z packed; what is missing becomes NaN, a gap. */
export function packed(figure: Figure): Figure {
  return {...figure, data: figure.data.map(packedTrace)};
}

function packedTrace(trace: Trace): Trace {
  const {x, y, z} = trace;
  return {
    ...trace,
    ...(isRow(x) ? {x: pack(x)} : {}),
    ...(isRow(y) ? {y: pack(y)} : {}),
    ...(Array.isArray(z) && z.length > 0 && z.every(isNumbers)
      ? {z: {...pack(z.flat()), shape: `${z.length}, ${z[0]!.length}`}}
      : {}),
  };
}

function isNumbers(values: unknown): values is (number | null)[] {
  return (
    Array.isArray(values) && values.every(value => value === null || typeof value === 'number')
  );
}

function isRow(values: unknown): values is (number | null)[] {
  return isNumbers(values) && values.length >= WORTHWHILE;
}

function pack(values: readonly (number | null)[]): PackedArray {
  const isWhole = values.every(value => Number.isInteger(value));
  const largest = values.reduce<number>((most, value) => Math.max(most, Math.abs(value ?? 0)), 0);
  if (isWhole && largest <= 127) return base64('i1', Int8Array.from(values as readonly number[]));
  if (isWhole && largest <= 32767)
    return base64('i2', Int16Array.from(values as readonly number[]));
  return base64(
    'f4',
    Float32Array.from(values, value => value ?? NaN),
  );
}

function base64(dtype: PackedArray['dtype'], {buffer}: {buffer: ArrayBufferLike}): PackedArray {
  return {dtype, bdata: Buffer.from(buffer as ArrayBuffer).toString('base64')};
}
