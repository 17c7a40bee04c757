/**
 * The random small BARTs of transformers in test/golden/bart, loaded, with what they compute.
 * Source: misc/reference/golden-bart.py.   Lesson: none.
 */
import path from 'node:path';
import type {Bart} from 'latent-lib/models/bart';
import {loadBart} from 'latent-lib/training/bart-files';
import type {tf} from 'latent-lib/tensor/tf';
import {goldenTensors, loadGolden, ROOT, type Golden} from '../helpers/parity';

/** One search of transformers' `generate`, and what came of it. */
export interface Generation {
  readonly model: string;
  readonly options: Readonly<Record<string, number | boolean | string>>;
  /** Each from the start's id to the end's, if it came to one */
  readonly ids: readonly (readonly number[])[];
  /** Of the beams; null for a greedy search */
  readonly scores: readonly number[] | null;
}

export const golden = loadGolden('bart') as Golden & {readonly generations: readonly Generation[]};
export const NAMES = ['padded', 'scaled', 'deep'] as const;

export const folderOf = (name: string) => path.join(ROOT, 'test', 'golden', 'bart', name);

export interface Example {
  readonly bart: Bart;
  /** [B, S] and [B, T] int32 */
  readonly ids: tf.Tensor2D;
  readonly targets: tf.Tensor2D;
  readonly expected: (what: string) => tf.Tensor;
}

export function example(name: string): Example {
  const {input, expected} = goldenTensors(golden);
  return {
    bart: loadBart(folderOf(name)),
    ids: input<tf.Tensor2D>(`${name} ids`),
    targets: input<tf.Tensor2D>(`${name} targets`),
    expected: what => expected(`${name} ${what}`),
  };
}
