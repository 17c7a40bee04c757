/**
 * T5's layers: normalised before each part, no biases, no scale of scores, shared relative positions.
 * Source: Raffel et al. 2020, arXiv:1910.10683; Transformers' T5Stack for the order of things.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import type {Attended, KeysAndValues} from './attention';
import {biasedAttention, mergeHeads, splitHeads} from './biased-attention';
import {Linear} from './linear';
import {RmsNorm} from './rms-norm';
import {joinWeights, type Weights} from './weights';

export interface T5LayerConfig {
  /** D */
  readonly width: number;
  /** H */
  readonly heads: number;
  /** Dh, the width of a head; D / H unless given. H · Dh need not be D. */
  readonly headWidth?: number;
  /** F, the width inside the feed-forward part */
  readonly hidden: number;
}

/** Attention with four kernels, and scores that nothing scales: the query's kernel starts small instead. */
export class T5Attention {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  private readonly heads: number;

  /** @throws RangeError when a size is no positive integer */
  constructor(
    {width, heads, headWidth = width / heads}: Omit<T5LayerConfig, 'hidden'>,
    random: Random,
  ) {
    if (!Number.isInteger(heads) || heads < 1 || !Number.isInteger(headWidth) || headWidth < 1) {
      throw new RangeError(
        `T5Attention: ${heads} heads of ${headWidth}, expected positive integers: name headWidth.`,
      );
    }
    const inner = heads * headWidth;
    const linear = (name: string, inputs: number, units: number, deviation?: number) =>
      new Linear(
        {inputs, units, ...(deviation === undefined ? {} : {deviation})},
        random.stream(name),
      );
    this.heads = heads;
    this.query = linear('query', width, inner, (width * headWidth) ** -0.5);
    this.key = linear('key', width, inner);
    this.value = linear('value', width, inner);
    this.output = linear('output', inner, width);
  }

  /** Keys and values of [B, Tk, D], in heads: [B, H, Tk, Dh] each; caller disposes. */
  project(x: tf.Tensor3D): KeysAndValues {
    return tf.tidy(() => ({
      key: splitHeads(this.key.apply(x), this.heads),
      value: splitHeads(this.value.apply(x), this.heads),
    }));
  }

  /**
   * @param inputs query [B, Tq, D]; to, from `project`; bias added to the scores, mask 1 where a key is
   *               hidden, each broadcastable to [B, H, Tq, Tk]
   * @returns output [B, Tq, D] and weights [B, H, Tq, Tk]
   * @throws ShapeError when sizes do not fit
   */
  attend(inputs: {
    readonly query: tf.Tensor3D;
    readonly to: KeysAndValues;
    readonly bias?: tf.Tensor4D | undefined;
    readonly mask?: tf.Tensor4D | undefined;
  }): Attended<tf.Tensor3D> {
    const {query, to, bias, mask} = inputs;
    return tf.tidy(() => {
      const inHeads = splitHeads(this.query.apply(query), this.heads);
      const {output, weights} = biasedAttention({query: inHeads, ...to, bias, mask});
      return {output: this.output.apply(mergeHeads(output)), weights};
    });
  }

  get weights(): Weights {
    const {query, key, value, output} = this;
    return joinWeights({query, key, value, output});
  }

  dispose(): void {
    for (const part of [this.query, this.key, this.value, this.output]) part.dispose();
  }
}

/** What a decoder's layer attends to beside itself. */
export interface Memory {
  readonly to: KeysAndValues;
  /** 1 where a key is hidden; [B, 1, 1, S] */
  readonly mask?: tf.Tensor4D | undefined;
}

/** Self-attention, attention to a memory in a decoder, feed-forward; each adds to what it was given. */
export class T5Layer {
  readonly attention: T5Attention;
  /** In a decoder only. */
  readonly crossAttention: T5Attention | undefined;
  private readonly norms: {self: RmsNorm; cross: RmsNorm | undefined; feedForward: RmsNorm};
  private readonly wide: Linear;
  private readonly narrow: Linear;

  /** @throws RangeError when a size is no positive integer */
  constructor(config: T5LayerConfig & {readonly isDecoder: boolean}, random: Random) {
    const {width, hidden, isDecoder} = config;
    const norm = () => new RmsNorm({width});
    this.norms = {self: norm(), cross: isDecoder ? norm() : undefined, feedForward: norm()};
    this.attention = new T5Attention(config, random.stream('attention'));
    this.crossAttention = isDecoder
      ? new T5Attention(config, random.stream('cross-attention'))
      : undefined;
    this.wide = new Linear({inputs: width, units: hidden}, random.stream('wide'));
    this.narrow = new Linear({inputs: hidden, units: width}, random.stream('narrow'));
  }

  /** What self-attention gets: x, normalised. @param x [B, T, D] @returns [B, T, D] */
  normal(x: tf.Tensor3D): tf.Tensor3D {
    return this.norms.self.apply(x);
  }

  /**
   * x + attended, then the memory's part, then the feed-forward part.
   * @param x        [B, T, D]
   * @param attended [B, T, D] what self-attention made of `normal(x)`
   * @param memory   in a decoder, what it attends to
   * @returns [B, T, D]
   * @throws Error when an encoder's layer has a memory, or a decoder's has none
   */
  apply(x: tf.Tensor3D, attended: tf.Tensor3D, memory?: Memory): tf.Tensor3D {
    return tf.tidy(() => {
      const own = x.add<tf.Tensor3D>(attended);
      const informed = own.add<tf.Tensor3D>(this.recall(own, memory));
      const normal = this.norms.feedForward.apply(informed);
      return informed.add(this.narrow.apply(this.wide.apply(normal).relu()));
    });
  }

  /** What the memory says, [B, T, D]; 0 where there is none. */
  private recall(x: tf.Tensor3D, memory: Memory | undefined): tf.Tensor {
    const {crossAttention, norms} = this;
    if (crossAttention === undefined || norms.cross === undefined) {
      if (memory !== undefined) throw new Error('T5Layer: a memory for a layer of an encoder.');
      return tf.scalar(0);
    }
    if (memory === undefined) throw new Error('T5Layer: a layer of a decoder needs a memory.');
    return crossAttention.attend({query: norms.cross.apply(x), ...memory}).output;
  }

  get weights(): Weights {
    const {norms, attention, crossAttention, wide, narrow} = this;
    return joinWeights({
      selfNorm: norms.self,
      attention,
      ...(norms.cross === undefined ? {} : {crossNorm: norms.cross}),
      ...(crossAttention === undefined ? {} : {crossAttention}),
      feedForwardNorm: norms.feedForward,
      wide,
      narrow,
    });
  }

  dispose(): void {
    for (const variable of Object.values(this.weights)) variable.dispose();
  }
}

/** Checks a sequence of vectors of this width. @returns its batch and length */
export function demandWidth(where: string, x: tf.Tensor3D, width: number): {B: number; T: number} {
  return sizes(where, {x: `B T ${width}`}, {x});
}
