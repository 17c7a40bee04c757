/**
 * Golden values in a lesson: what the Python reference computes from the same weights and inputs.
 * Source: misc/reference/golden-*.py, whose output lies in test/golden.   Lesson: the agreement cell of each.
 */
import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {projectAbove} from '../data/folder';
import {tf} from '../tensor/tf';

/** Tensors of one golden file by name. Caller disposes. */
export interface GoldenValues {
  /** Who computed them, e.g. 'keras 3.15.1, numpy 2.4.6'. */
  readonly reference: string;
  readonly settings: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly weights: Readonly<Record<string, tf.Tensor>>;
  readonly expected: Readonly<Record<string, tf.Tensor>>;
}

interface Stored {
  readonly shape: number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
  readonly values: number[];
}

interface GoldenFile {
  readonly provenance: {readonly versions: Readonly<Record<string, string>>};
  readonly settings?: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, Stored>>;
  readonly weights?: Readonly<Record<string, Stored>>;
  readonly expected: Readonly<Record<string, Stored>>;
}

/**
 * Reads test/golden/NAME.json.
 * @throws Error when there is no such file
 */
export function goldenValues(name: string): GoldenValues {
  const root = projectAbove(__dirname) ?? projectAbove(process.cwd()) ?? process.cwd();
  const file = path.join(root, 'test', 'golden', `${name}.json`);
  if (!existsSync(file)) {
    throw new Error(`goldenValues: there is no test/golden/${name}.json in this clone.`);
  }
  const {provenance, settings, inputs, weights, expected} = JSON.parse(
    readFileSync(file, 'utf8'),
  ) as GoldenFile;
  const versions = Object.entries(provenance.versions).filter(([what]) => what !== 'python');
  return {
    reference: versions.map(([what, version]) => `${what} ${version}`).join(', '),
    settings: settings ?? {},
    inputs: tensors(inputs),
    weights: tensors(weights ?? {}),
    expected: tensors(expected),
  };
}

/** The largest absolute difference of two tensors of one shape. */
export function largestDifference(got: tf.Tensor, want: tf.Tensor): number {
  return tf.tidy(() => got.sub(want).abs().max()).dataSync()[0] ?? NaN;
}

function tensors(stored: Readonly<Record<string, Stored>>): Record<string, tf.Tensor> {
  const entries = Object.entries(stored).map(([name, {shape, dtype, values}]) => {
    return [name, tf.tensor(values, shape, dtype)] as const;
  });
  return Object.fromEntries(entries);
}
