/**
 * Parity with the Python references: a golden file's inputs, weights and expected values, as tensors.
 * Source: tfjs-layers' golden tests; tinygrad's one comparison helper.   Lesson: none; used by every test.
 */
import fs from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {tf} from 'latent-lib/tensor/tf';
import {scope} from './close';

/** Where this repository's root is, seen from the compiled tests in build/test/helpers. */
export const ROOT = path.resolve(__dirname, '..', '..', '..');

/** A tensor in a golden file. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
  /** Row by row. */
  readonly values: readonly number[];
}

/** Who made a golden file, and with what. */
export interface Provenance {
  /** The script, e.g. 'misc/reference/golden-gaussian.py'. */
  readonly script: string;
  readonly scriptSha256: string;
  readonly seed: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** A file test/golden/NAME.json, made by misc/reference/golden-NAME.py. */
export interface Golden {
  readonly name: string;
  readonly provenance: Provenance;
  /** Plain settings of the experiment: sizes, learning rate. */
  readonly settings: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, StoredTensor>>;
  readonly weights: Readonly<Record<string, StoredTensor>>;
  readonly expected: Readonly<Record<string, StoredTensor>>;
}

/** Looks up one tensor of a golden file by name; the caller says which rank it has. */
export type Lookup = <T extends tf.Tensor = tf.Tensor>(name: string) => T;

/** What a parity test is given. */
export interface GoldenTensors {
  readonly input: Lookup;
  readonly weight: Lookup;
  readonly expected: Lookup;
  readonly setting: (name: string) => number;
  /** All weights under their names, e.g. for `assignWeights`. */
  readonly weights: () => Record<string, tf.Tensor>;
}

/** Reads test/golden/NAME.json. @throws Error saying which script makes it, when it is not there */
export function loadGolden(name: string): Golden {
  const file = path.join(ROOT, 'test', 'golden', `${name}.json`);
  if (!fs.existsSync(file)) {
    throw new Error(`No ${file}: make it with \`python misc/reference/golden-${name}.py\`.`);
  }
  const {
    settings = {},
    weights = {},
    ...rest
  } = JSON.parse(fs.readFileSync(file, 'utf8')) as Omit<Golden, 'name'>;
  return {...rest, name, settings, weights};
}

/**
 * Declares a test that compares us with a golden file. Failures are named 'NAME › what: …'.
 *
 *   parity('dense VAE', loadGolden('dense-vae'), ({input, expected}) => {
 *     close('mean', vae.encode(input('x')).mean, expected('mean'), {atol: 1e-5});
 *   });
 */
export function parity(
  name: string,
  golden: Golden,
  compare: (tensors: GoldenTensors) => void | Promise<void>,
): void {
  const versions = Object.entries(golden.provenance.versions);
  const made = versions.map(([library, version]) => `${library} ${version}`).join(', ');
  test(`${name} agrees with ${made}`, () => scope.run(name, () => compare(goldenTensors(golden))));
}

/** The tensors of a golden file, looked up by name. @throws Error naming what there is instead */
export function goldenTensors(golden: Golden): GoldenTensors {
  const lookup =
    (part: 'inputs' | 'weights' | 'expected'): Lookup =>
    <T extends tf.Tensor>(name: string) =>
      toTensor(find(golden, part, name)) as T;
  return {
    input: lookup('inputs'),
    weight: lookup('weights'),
    expected: lookup('expected'),
    setting: name => find(golden, 'settings', name),
    weights: () =>
      Object.fromEntries(
        Object.entries(golden.weights).map(([name, stored]) => [name, toTensor(stored)]),
      ),
  };
}

function find<Part extends 'inputs' | 'weights' | 'expected' | 'settings'>(
  golden: Golden,
  part: Part,
  name: string,
): Golden[Part][string] {
  const all: Golden[Part] = golden[part];
  const found = all[name];
  if (found === undefined) {
    throw new Error(
      `golden ${golden.name}: no "${name}" under ${part}; it has ${Object.keys(all).join(', ')}.`,
    );
  }
  return found as Golden[Part][string];
}

function toTensor({shape, dtype, values}: StoredTensor): tf.Tensor {
  return tf.tensor(values, shape as number[], dtype);
}
