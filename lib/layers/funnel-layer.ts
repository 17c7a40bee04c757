/**
 * The layer of a funnel: attention by content and by relative distance, a feed-forward part, a norm after each.
 * Source: Dai et al. 2020, arXiv:2006.03236, App. A.2.1; Dai et al. 2019 (Transformer-XL).   Lesson: notebooks/06-mmd-transformer-vae.
 */
import type {Random} from '../tensor/random';
import {tf} from '../tensor/tf';
import {biasedAttention, mergeHeads, splitHeads} from './biased-attention';
import {Dense} from './dense';
import {FeedForward} from './feed-forward';
import {LayerNorm} from './layer-norm';
import {Linear} from './linear';
import {joinWeights, type Weights} from './weights';

export interface FunnelLayerConfig {
  /** D, even */
  readonly width: number;
  /** H */
  readonly heads: number;
  /** Dh; D / H unless given */
  readonly headWidth?: number;
  /** F, the width inside the feed-forward part */
  readonly hidden: number;
  /** Of the norms; 1e-9 unless given, as in Funnel */
  readonly epsilon?: number;
}

/** Where queries and keys stand: query i and key j are first + stride · (perQuery · i − j) apart. */
export interface FunnelPositions {
  readonly stride: number;
  /** 2 where queries are pooled and keys are not, else 1 */
  readonly perQuery: number;
  readonly first: number;
  /** Whether the first query and key are a summary, which stands nowhere: its scores have no distance. */
  readonly separateFirst: boolean;
}

export interface FunnelLayerInputs {
  /** [B, Tq, D] */
  readonly query: tf.Tensor3D;
  /** [B, Tk, D], keys and values */
  readonly to: tf.Tensor3D;
  /** 1 where a key is hidden; [B, 1, 1, Tk] */
  readonly mask?: tf.Tensor4D | undefined;
  readonly positions: FunnelPositions;
}

/**
 * The scores of query i and key j, with sinusoids Rₐ of their distance a:
 *
 *   Dh^−½ ((qᵢ + u) · kⱼ + (qᵢ + v) · W Rₐ)
 *
 * Porting note: without the part for two segments of text, which Funnel adds when it is told segments.
 */
export class FunnelLayer {
  private readonly query: Linear;
  private readonly key: Dense;
  private readonly value: Dense;
  /** W, [D, H · Dh] */
  private readonly distance: Linear;
  /** u and v, [H · Dh] each */
  private readonly contentBias: tf.Variable<tf.Rank.R1>;
  private readonly distanceBias: tf.Variable<tf.Rank.R1>;
  private readonly output: Dense;
  private readonly norm: LayerNorm;
  private readonly feedForward: FeedForward;
  private readonly feedForwardNorm: LayerNorm;

  /** @throws RangeError when a size is no positive integer, or the width is odd */
  constructor(
    private readonly config: FunnelLayerConfig,
    random: Random,
  ) {
    const {width, heads, headWidth = width / heads, hidden, epsilon = 1e-9} = config;
    if (!Number.isInteger(heads) || heads < 1 || !Number.isInteger(headWidth) || headWidth < 1) {
      throw new RangeError(
        `FunnelLayer: ${heads} heads of ${headWidth}, expected positive integers: name headWidth.`,
      );
    }
    if (width % 2 !== 0)
      throw new RangeError(`FunnelLayer: width is ${width}, expected an even one.`);
    const inner = heads * headWidth;
    const dense = (name: string, inputs: number, units: number) =>
      new Dense({inputs, units}, random.stream(name));
    this.query = new Linear({inputs: width, units: inner}, random.stream('query'));
    this.key = dense('key', width, inner);
    this.value = dense('value', width, inner);
    this.distance = new Linear({inputs: width, units: inner}, random.stream('distance'));
    const bias = () => tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R1>([inner])));
    this.contentBias = bias();
    this.distanceBias = bias();
    this.output = dense('output', inner, width);
    const wide = {width, hidden, activation: 'geluTanh'} as const;
    this.feedForward = new FeedForward(wide, random.stream('feed-forward'));
    this.norm = new LayerNorm({width, epsilon});
    this.feedForwardNorm = new LayerNorm({width, epsilon});
  }

  /** @returns [B, Tq, D] @throws ShapeError when sizes do not fit */
  apply({query, to, mask, positions}: FunnelLayerInputs): tf.Tensor3D {
    const {width, heads, headWidth = width / heads} = this.config;
    return tf.tidy(() => {
      const scale = headWidth ** -0.5;
      const asked = this.query.apply(query); // [B, Tq, H · Dh]
      const inHeads = (bias: tf.Variable): tf.Tensor4D =>
        splitHeads(asked.add<tf.Tensor3D>(bias).mul(scale), heads);
      const bias = this.distanceScores(inHeads(this.distanceBias), to.shape[1], positions);
      const {output} = biasedAttention({
        query: inHeads(this.contentBias),
        key: splitHeads(this.key.apply(to), heads),
        value: splitHeads(this.value.apply(to), heads),
        bias,
        mask,
      });
      const attended = this.norm.apply(
        query.add<tf.Tensor3D>(this.output.apply(mergeHeads(output))),
      );
      return this.feedForwardNorm.apply(
        attended.add<tf.Tensor3D>(this.feedForward.apply(attended)),
      );
    });
  }

  /**
   * (qᵢ + v) · W Rₐ for all pairs, a = aᵢ − bⱼ. Sines and cosines of a difference come apart, so with
   * x = (qᵢ + v) W this is a rotation of x by the angles of aᵢ, times the sinusoids of bⱼ:
   *
   *   Σₖ (xˢ sin aᵢ + xᶜ cos aᵢ) cos bⱼ + (xᶜ sin aᵢ − xˢ cos aᵢ) sin bⱼ
   *
   * Porting note: Transformers' default makes scores for all 2T distances and shifts rows; this is its
   * "factorized" way, with the same numbers and half the memory.
   *
   * @param query [B, H, Tq, Dh]
   * @returns [B, H, Tq, Tk]
   */
  private distanceScores(
    query: tf.Tensor4D,
    keys: number,
    positions: FunnelPositions,
  ): tf.Tensor4D {
    const {stride, perQuery, first, separateFirst} = positions;
    const {width: D} = this.config;
    const [B, H, Tq, Dh] = query.shape;
    const kernel = this.distance.kernel.reshape([D, H, Dh]).transpose([1, 2, 0]); // [H, Dh, D]
    const perHead = query.transpose([1, 0, 2, 3]).reshape([H, B * Tq, Dh]);
    const x = tf.matMul(perHead, kernel).reshape([H, B, Tq, D]).transpose([1, 0, 2, 3]);
    const [sines, cosines] = tf.split(x, 2, 3) as [tf.Tensor, tf.Tensor];
    // a summary stands nowhere: its rows of zeros take its distances out of the scores
    const table = (count: number, first: number, stride: number): [tf.Tensor2D, tf.Tensor2D] =>
      sinusoids(count, {first, stride, width: D, isFirstNowhere: separateFirst});
    const [sin, cos] = table(Tq, first, stride * perQuery); // [Tq, D/2] each
    const rotated = tf.concat(
      [sines.mul(sin).add(cosines.mul(cos)), cosines.mul(sin).sub(sines.mul(cos))],
      3,
    ); // [B, H, Tq, D]
    const [sinOfKey, cosOfKey] = table(keys, 0, stride);
    const ofKeys = tf.concat2d([cosOfKey, sinOfKey], 1); // [Tk, D]
    const rows = rotated.reshape<tf.Tensor2D>([B * H * Tq, D]);
    return tf.matMul(rows, ofKeys, false, true).reshape([B, H, Tq, keys]);
  }

  get weights(): Weights {
    const {query, key, value, distance, contentBias, distanceBias, output} = this;
    const {norm, feedForward, feedForwardNorm} = this;
    const biases = {weights: {content: contentBias, distance: distanceBias}};
    return joinWeights({
      query,
      key,
      value,
      distance,
      biases,
      output,
      norm,
      feedForward,
      feedForwardNorm,
    });
  }

  dispose(): void {
    for (const variable of Object.values(this.weights)) variable.dispose();
  }
}

/** Sines and cosines of positions first + stride · i at D/2 frequencies, 10000^(−2k/D): [T, D/2] each. */
function sinusoids(
  count: number,
  options: {
    readonly first: number;
    readonly stride: number;
    readonly width: number;
    readonly isFirstNowhere: boolean;
  },
): [tf.Tensor2D, tf.Tensor2D] {
  const {first, stride, width, isFirstNowhere} = options;
  const half = width / 2;
  const rows = (wave: (angle: number) => number): tf.Tensor2D => {
    const values = Float32Array.from({length: count * half}, (_, index) => {
      const [position, column] = [Math.floor(index / half), index % half];
      if (isFirstNowhere && position === 0) return 0;
      return wave((first + stride * position) / 10000 ** (column / half));
    });
    return tf.tensor2d(values, [count, half]);
  };
  return [rows(Math.sin), rows(Math.cos)];
}
