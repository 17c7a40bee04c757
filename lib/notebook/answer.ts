/**
 * What an exercise may give, and how it falls into parts that can be compared.
 * Source: none.   Lesson: all.
 */
import {isTensor} from '../plot/figure';
import type {tf} from '../tensor/tf';

/** What an exercise may give and a solution may be: numbers in any nesting, tensors, texts. */
export type Answer =
  | number
  | boolean
  | string
  | tf.Tensor
  | Float32Array
  | Int32Array
  | readonly Answer[]
  | {readonly [name: string]: Answer};

/** One leaf of an answer: its path, its shape, its values. */
export interface Leaf {
  readonly path: string;
  readonly shape: readonly number[];
  readonly values: readonly (number | string | boolean)[];
}

/** [1, 2] for the sixth value of a [3, 4] tensor. */
export function unravel(index: number, shape: readonly number[]): number[] {
  const at: number[] = [];
  let rest = index;
  for (const size of [...shape].reverse()) {
    at.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return at;
}

/** The numbers and texts of an answer, tensors and nested lists of one shape as one leaf each. */
export function leaves(answer: Answer, path = ''): Leaf[] {
  if (isTensor(answer)) {
    const {shape} = answer;
    return [{path, shape, values: Array.from(answer.dataSync() as ArrayLike<number | string>)}];
  }
  if (answer instanceof Float32Array || answer instanceof Int32Array) {
    return [{path, shape: [answer.length], values: Array.from(answer)}];
  }
  if (Array.isArray(answer)) {
    const items = (answer as readonly Answer[]).map(item => leaves(item, path));
    const inner = items[0]?.[0]?.shape ?? [];
    const isRegular = items.every(
      item => item.length === 1 && item[0]!.path === path && item[0]!.shape.join() === inner.join(),
    );
    if (isRegular) {
      return [
        {path, shape: [items.length, ...inner], values: items.flatMap(([leaf]) => leaf!.values)},
      ];
    }
    return (answer as readonly Answer[]).flatMap((item, n) => leaves(item, `${path}[${n}]`));
  }
  if (typeof answer === 'object') {
    return Object.entries(answer as Record<string, Answer>)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, item]) => leaves(item, path === '' ? name : `${path}.${name}`));
  }
  return [{path, shape: [], values: [answer]}];
}
