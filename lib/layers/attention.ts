/**
 * Attention: every query takes the average of the values, weighed by how well it fits their keys.
 * Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2; key and value widths as in PyTorch.   Lesson: notebooks/04.
 */
import type {Random} from '../tensor/random';
import {ownKernels} from '../tensor/own-kernels';
import {ShapeError, sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {attendByKernel} from './attention-kernel';
import {Dense} from './dense';
import {joinWeights, type Weights} from './weights';

/** What attention gives. */
export interface Attended<T extends tf.Tensor> {
  /** [B, H, Tq, Dh] from one call over heads, [B, Tq, D] from a layer */
  readonly output: T;
  /** [B, H, Tq, Tk] ≥ 0, each row's sum 1 */
  readonly weights: tf.Tensor4D;
}

/** What queries attend to: keys and values in heads, [B, H, Tk, Dh] each. */
export interface KeysAndValues {
  readonly key: tf.Tensor4D;
  readonly value: tf.Tensor4D;
}

export interface AttentionInputs extends KeysAndValues {
  /** [B, H, Tq, Dh] */
  readonly query: tf.Tensor4D;
  /** 1 where a key is hidden; broadcastable to [B, H, Tq, Tk] */
  readonly mask?: tf.Tensor4D | undefined;
  /** What scores are multiplied by; 1 / √Dh unless given */
  readonly scale?: number;
}

/**
 * Scaled dot-product attention.
 *
 *   weights = softmax(scale · query · keyᵀ − 10⁹ · mask)      output = weights · value
 *
 * A row that hides every key gets equal weights for all of them.
 *
 * @throws ShapeError when sizes differ, or the mask does not broadcast
 */
export function scaledDotProductAttention(inputs: AttentionInputs): Attended<tf.Tensor4D> {
  const {query, key, value, mask} = inputs;
  const shapes = {query: 'B H Tq Dh', key: 'B H Tk Dh', value: 'B H Tk Dv'} as const;
  const {B, H, Tq, Tk, Dh} = sizes('scaledDotProductAttention', shapes, {query, key, value});
  if (mask !== undefined) demandBroadcast(mask, [B, H, Tq, Tk]);
  const scale = inputs.scale ?? 1 / Math.sqrt(Dh);
  return tf.tidy(() => {
    const scores = tf.matMul<tf.Tensor4D>(query.mul(scale), key, false, true); // [B, H, Tq, Tk]
    const seen: tf.Tensor4D = mask === undefined ? scores : scores.add(mask.mul(-1e9));
    const weights = tf.softmax(seen);
    const output: tf.Tensor4D = tf.matMul(weights, value); // [B, H, Tq, Dv]
    return {output, weights};
  });
}

export interface MultiHeadAttentionConfig {
  /** D, the width of queries and of the output */
  readonly width: number;
  /** H; divides the width */
  readonly heads: number;
  /** The width of keys before they are projected; D unless given */
  readonly keyWidth?: number;
  /** The width of values before they are projected; D unless given */
  readonly valueWidth?: number;
}

/** Attention in several subspaces at once, with projections before and after. */
export class MultiHeadAttention {
  readonly query: Dense;
  readonly key: Dense;
  readonly value: Dense;
  readonly output: Dense;

  /** @throws RangeError when a size is no positive integer, or the heads do not divide the width */
  constructor(
    readonly config: MultiHeadAttentionConfig,
    random: Random,
  ) {
    const {width, heads, keyWidth = width, valueWidth = width} = config;
    if (!Number.isInteger(heads) || heads < 1 || width % heads !== 0) {
      throw new RangeError(
        `MultiHeadAttention: heads is ${heads}, expected a divisor of the width ${width}.`,
      );
    }
    const dense = (name: string, inputs: number) =>
      new Dense({inputs, units: width}, random.stream(name));
    this.query = dense('query', width);
    this.key = dense('key', keyWidth);
    this.value = dense('value', valueWidth);
    this.output = dense('output', width);
  }

  /**
   * @param inputs query [B, Tq, D], key [B, Tk, Dk], value [B, Tk, Dv]; mask, 1 where a key is hidden,
   *               broadcastable to [B, H, Tq, Tk]
   * @returns output [B, Tq, D] and weights [B, H, Tq, Tk]
   * @throws ShapeError when a width is another, or the batches or lengths differ
   */
  apply(inputs: {
    readonly query: tf.Tensor3D;
    readonly key: tf.Tensor3D;
    readonly value: tf.Tensor3D;
    readonly mask?: tf.Tensor4D | undefined;
  }): Attended<tf.Tensor3D> {
    const {query, key, value, mask} = inputs;
    return tf.tidy(() => {
      const {output, weights} = this.attend({query, to: this.project({key, value}), mask});
      return {output, weights};
    });
  }

  /**
   * Keys and values in heads: kept, they serve every later query.
   * @param inputs key [B, Tk, Dk], value [B, Tk, Dv]
   * @returns [B, H, Tk, Dh] each; caller disposes
   * @throws ShapeError when a width is another, or the batches or lengths differ
   */
  project({key, value}: {key: tf.Tensor3D; value: tf.Tensor3D}): KeysAndValues {
    const {width, keyWidth = width, valueWidth = width} = this.config;
    const shapes = {key: `B Tk ${keyWidth}`, value: `B Tk ${valueWidth}`};
    sizes('MultiHeadAttention', shapes, {key, value});
    return tf.tidy(() => ({
      key: this.inHeads(this.key.apply(key)),
      value: this.inHeads(this.value.apply(value)),
    }));
  }

  /**
   * Attends to keys and values that are in heads already.
   * @param inputs query [B, Tq, D]; to, from `project`; mask as in `apply`
   * @returns output [B, Tq, D] and weights [B, H, Tq, Tk]
   * @throws ShapeError when a width is another, or the batches differ
   */
  attend(inputs: {
    readonly query: tf.Tensor3D;
    readonly to: KeysAndValues;
    readonly mask?: tf.Tensor4D | undefined;
  }): Attended<tf.Tensor3D> {
    const {query, to, mask} = inputs;
    const {width} = this.config;
    const {B, Tq} = sizes('MultiHeadAttention', {query: `B Tq ${width}`}, {query});
    return tf.tidy(() => {
      const projected = this.query.apply(query); // [B, Tq, D]
      const inHeads = this.inHeads(projected); // [B, H, Tq, Dh]
      const {output, weights} = scaledDotProductAttention({query: inHeads, ...to, mask});
      const call = ownKernels();
      // A graph leaves out what nobody reads: beside the kernel, the ops above serve the weights alone.
      const joined =
        call === undefined
          ? output.transpose([0, 2, 1, 3]).reshape<tf.Tensor3D>([B, Tq, width])
          : attendByKernel(call, projected, to, mask);
      return {output: this.output.apply(joined), weights};
    });
  }

  get weights(): Weights {
    const {query, key, value, output} = this;
    return joinWeights({query, key, value, output});
  }

  dispose(): void {
    for (const layer of [this.query, this.key, this.value, this.output]) layer.dispose();
  }

  /** [B, T, D] → [B, H, T, Dh] */
  private inHeads(x: tf.Tensor3D): tf.Tensor4D {
    const {heads, width} = this.config;
    const [B, T] = x.shape;
    return x.reshape([B, T, heads, width / heads]).transpose<tf.Tensor4D>([0, 2, 1, 3]);
  }
}

/**
 * Later keys and values after earlier ones: what a decoder remembers from step to step.
 * @returns [B, H, Tk + T, Dh] each; caller disposes
 */
export function joinKeysAndValues(past: KeysAndValues, later: KeysAndValues): KeysAndValues {
  return {
    key: tf.concat([past.key, later.key], 2),
    value: tf.concat([past.value, later.value], 2),
  };
}

function demandBroadcast(mask: tf.Tensor4D, shape: readonly number[]): void {
  const fits =
    mask.shape.length === 4 && mask.shape.every((n, axis) => n === 1 || n === shape[axis]);
  if (!fits) {
    throw new ShapeError(
      `scaledDotProductAttention: mask has shape [${mask.shape.join(',')}], expected one that broadcasts to [${shape.join(',')}].`,
    );
  }
}
