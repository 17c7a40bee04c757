/**
 * Shapes with named sizes, checked at the door of every public tensor function.
 * Source: the size letters of Shazeer's "shape suffixes" and einops.   Lesson: notebooks/00-orientation.
 */
import type {Tensor} from '@tensorflow/tfjs';

/** A tensor (or several) does not have the shape that a function needs. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/** The letters of 'B T 784': here 'B' | 'T'. Numbers are fixed sizes and give no letter. */
type Letters<S extends string> = S extends `${infer Head} ${infer Tail}`
  ? Letter<Head> | Letters<Tail>
  : Letter<S>;
type Letter<S extends string> = S extends `${number}` | '' ? never : S;

/**
 * Checks the shapes of named tensors against patterns of size letters and returns the sizes.
 *
 *   const {B, L} = sizes('reparameterize', {mean: 'B L', logVar: 'B L'}, {mean, logVar});
 *
 * A letter means the same size wherever it stands; a number is a fixed size; '' is a scalar.
 *
 * @param where    the function that asks, for the error
 * @param patterns one pattern an argument, e.g. {x: 'B D', kernel: 'D H'}
 * @param tensors  the arguments under the same names
 * @param remedy   what the caller can do about it, added to the error
 * @throws ShapeError naming the function, the argument, its shape and the shape wanted
 */
export function sizes<Name extends string, Pattern extends string>(
  where: string,
  patterns: Readonly<Record<Name, Pattern>>,
  tensors: Readonly<Record<Name, {readonly shape: readonly number[]}>>,
  remedy?: string,
): Record<Letters<Pattern>, number> {
  const known: Record<string, number> = {};
  for (const name of Object.keys(patterns) as Name[]) {
    const tensor = tensors[name] as {readonly shape: readonly number[]} | undefined;
    const pattern: readonly string[] = patterns[name].split(' ').filter(part => part !== '');
    const wanted = `[${pattern.join(',')}]`;
    if (!Array.isArray(tensor?.shape)) {
      throw new ShapeError(`${where}: ${name} is no tensor, expected one of shape ${wanted}.`);
    }
    const fits =
      tensor.shape.length === pattern.length &&
      pattern.every((part, axis) => matches(part, tensor.shape[axis] ?? -1, known));
    if (!fits) {
      const sizesSoFar = Object.keys(known).length > 0 ? ` with ${JSON.stringify(known)}` : '';
      throw new ShapeError(
        `${where}: ${name} has shape [${tensor.shape.join(',')}], expected ${wanted}${sizesSoFar}.` +
          (remedy === undefined ? '' : ` ${remedy}`),
      );
    }
    pattern.forEach((part, axis) => {
      if (!/^\d+$/.test(part)) known[part] = tensor.shape[axis] ?? -1;
    });
  }
  return known;
}

function matches(part: string, size: number, known: Readonly<Record<string, number>>): boolean {
  if (/^\d+$/.test(part)) return Number(part) === size;
  return known[part] === undefined || known[part] === size;
}

/** Names bound to tensors: the inputs and outputs of a model or a step. */
export type NamedTensors = Readonly<Record<string, Tensor>>;
