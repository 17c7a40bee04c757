/**
 * Where the weights of a network lie in one long row of numbers, as a hypernetwork writes them.
 * Source: the slicing of the Keras guide for researchers, with its indices in a table.   Lesson: notebooks/03-hypernetwork.
 */
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/** Names and shapes of a network's weights, e.g. {kernel0: [784, 64], bias0: [64]}. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

/** A network's weights under the names of its layout, a network an example: [B, …shape] each. */
export type Generated<S extends Shapes = Shapes> = {readonly [Name in keyof S]: tf.Tensor};

/** One weight's place in the row. */
export interface Block {
  readonly shape: readonly number[];
  /** of its first number */
  readonly offset: number;
  readonly size: number;
}

/** Blocks one after the other, in the order in which they were named. */
export class WeightLayout<S extends Shapes = Shapes> {
  readonly blocks: {readonly [Name in keyof S]: Block};
  /** W, how many numbers all blocks hold */
  readonly size: number;

  /** @throws RangeError when there is no block, or one has a length that is no positive integer */
  constructor(readonly shapes: S) {
    const blocks: Record<string, Block> = {};
    let offset = 0;
    for (const [name, shape] of Object.entries(shapes)) {
      const size = shape.reduce((product, length) => product * length, 1);
      if (!shape.every(length => Number.isInteger(length) && length > 0)) {
        throw new RangeError(`WeightLayout: ${name} has shape [${shape.join(',')}].`);
      }
      blocks[name] = {shape, offset, size};
      offset += size;
    }
    if (offset === 0) throw new RangeError('WeightLayout: no block is named.');
    this.blocks = blocks as {readonly [Name in keyof S]: Block};
    this.size = offset;
  }

  /**
   * Cuts rows into weights. Nothing is copied into any layer.
   * @param rows [B, W]
   * @returns [B, …shape] for each name
   * @throws ShapeError when the rows have another width
   */
  cut(rows: tf.Tensor2D): Generated<S> {
    sizes('WeightLayout.cut', {rows: `B ${this.size}`}, {rows});
    const blocks = Object.entries<Block>(this.blocks);
    return tf.tidy(() => {
      const lengths = blocks.map(([, {size}]) => size);
      const pieces = tf.split(rows, lengths, 1);
      return Object.fromEntries(
        blocks.map(([name, {shape}], index) => [name, pieces[index]!.reshape([-1, ...shape])]),
      ) as Generated<S>;
    });
  }
}

/**
 * The layout of a network of dense layers: kernel0 [w₀, w₁], bias0 [w₁], kernel1 [w₁, w₂], …
 * @param widths of the input, of each hidden layer, and of the output, e.g. [784, 64, 10]
 * @throws RangeError when there are fewer than two widths
 */
export function denseLayout(widths: readonly number[]): WeightLayout {
  if (widths.length < 2) {
    throw new RangeError(`denseLayout: ${widths.length} widths, expected an input and an output.`);
  }
  const shapes: Record<string, readonly number[]> = {};
  for (const [layer, units] of widths.slice(1).entries()) {
    shapes[`kernel${layer}`] = [widths[layer]!, units];
    shapes[`bias${layer}`] = [units];
  }
  return new WeightLayout(shapes);
}

/** What the hidden layers of a written network do to their sums. */
export type HiddenActivation = 'relu' | 'tanh';

/**
 * Runs networks of dense layers whose weights are given: no layer is built and none is changed.
 *
 *   h ← activation(h · kernelᵢ + biasᵢ), without activation in the last layer
 *
 * @param x         [B, N, I]: N inputs for each of B networks; or [1, N, I], the same inputs for all
 * @param generated weights of B networks in a `denseLayout`
 * @returns [B, N, O]
 * @throws ShapeError when the shapes do not fit; Error when kernel0 or a bias is missing
 */
export function runNetworks(
  x: tf.Tensor3D,
  generated: Generated,
  activation: HiddenActivation = 'relu',
): tf.Tensor3D {
  const depth = Object.keys(generated).filter(name => name.startsWith('kernel')).length;
  const given = x.shape[0] === 1 ? '1' : 'B';
  return tf.tidy(() => {
    let h = x; // [B, N, I]
    for (let layer = 0; layer < depth; layer++) {
      const kernel = generated[`kernel${layer}`];
      const bias = generated[`bias${layer}`];
      if (kernel === undefined || bias === undefined) {
        throw new Error(`runNetworks: kernel${layer} or bias${layer} is missing.`);
      }
      sizes(
        'runNetworks',
        {kernel: 'B I O', bias: 'B O', input: layer === 0 ? `${given} N I` : 'B N I'},
        {kernel, bias, input: h},
        'Give each network inputs of its own, or [1, N, I] for all.',
      );
      const sums = tf.matMul(h, kernel).add<tf.Tensor3D>(bias.expandDims(1)); // [B, N, O]
      h = layer === depth - 1 ? sums : sums[activation]();
    }
    return h;
  });
}
