/**
 * The encoder of the transformer-VAE: a sequence, or a pair of them, becomes one vector.
 * Source: VAEEncoder of seed 000 and the base classes it leaves out; Fang et al. 2021.   Lesson: notebooks/05-transformer-vae.
 */
import {
  AttentionPooling,
  meanPooling,
  VectorPooling,
  type Pooled,
} from '../layers/attention-pooling';
import {splitNoise, type DropoutNoise, dropoutIf} from '../layers/dropout';
import {Embedding} from '../layers/embedding';
import {EncoderLayer} from '../layers/encoder-layer';
import {paddingMask} from '../layers/masks';
import {sinusoidalPositions} from '../layers/positions';
import {joinWeights, type Weighted, type Weights} from '../layers/weights';
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/** How states become one vector; see lib/layers/attention-pooling. Padding counts in the last alone. */
export type Pooling = 'attention' | 'gelu' | 'vector' | 'mean' | 'mean with padding';

/** The sizes that encoder and decoder share. */
export interface TransformerSizes {
  /** V; id 0 is padding */
  readonly vocabulary: number;
  /** D */
  readonly width: number;
  /** H heads of each attention; divides the width */
  readonly heads: number;
  /** F, the width inside the feed-forward parts */
  readonly hidden: number;
  /** Layers of encoder and decoder each */
  readonly layers: number;
}

export interface VaeEncoderConfig extends TransformerSizes {
  readonly pooling: Pooling;
  /**
   * true tells the two sequences of a pair apart by a learnt vector each, and counts positions in each
   * from 0. false is the source: positions run on, so that the padding of x moves the words of y.
   */
  readonly segments: boolean;
}

const PAD = 0;

/** The layer norms of the source. */
export const EPSILON = 1e-6;

export class VaeEncoder {
  private readonly embedding: Embedding;
  private readonly segments: Embedding | undefined;
  private readonly layers: readonly EncoderLayer[];
  private readonly pooling: AttentionPooling | VectorPooling | undefined;

  /** @throws RangeError when a size is no positive integer, or the heads do not divide the width */
  constructor(
    readonly config: VaeEncoderConfig,
    random: Random,
  ) {
    const {vocabulary, width, heads, hidden, layers, pooling, segments} = config;
    const deviation = width ** -0.5; // times √D it is 1, as the positions are about
    const table = {entries: vocabulary, width, deviation};
    this.embedding = new Embedding(table, random.stream('embedding'));
    if (segments) {
      this.segments = new Embedding(
        {entries: 2, width, deviation: 0.02},
        random.stream('segments'),
      );
    }
    const sizes = {width, heads, hidden, activation: 'relu', epsilon: EPSILON} as const;
    this.layers = Array.from({length: layers}, (_, index) => {
      return new EncoderLayer(sizes, random.stream(`layer_${index}`));
    });
    const own = random.stream('pooling');
    if (pooling === 'vector') this.pooling = new VectorPooling({width}, own);
    if (pooling === 'attention') this.pooling = new AttentionPooling({width}, own);
    if (pooling === 'gelu') this.pooling = new AttentionPooling({width, scores: 'gelu'}, own);
  }

  /**
   * The vector of x, or of the pair of x and y.
   * @param x     [B, S] int32, padded with 0
   * @param y     [B, T] int32, padded with 0
   * @param noise for training: drops a part of the states
   * @returns output [B, D] and, for each token, weights [B, S] or [B, S + T]
   * @throws ShapeError when the batches differ, TypeError when ids are not int32
   */
  apply(x: tf.Tensor2D, y?: tf.Tensor2D, noise?: DropoutNoise): Pooled {
    if (y !== undefined) sizes('VaeEncoder.apply', {x: 'B S', y: 'B T'}, {x, y});
    return tf.tidy(() => {
      const [first, ...others] = splitNoise(noise, 1 + this.layers.length);
      const ids = y === undefined ? x : tf.concat2d([x, y], 1); // [B, S + T]
      const mask = paddingMask(ids, PAD); // [B, 1, 1, S + T]
      let h = dropoutIf(this.embed(ids, x.shape[1]), first); // [B, S + T, D]
      for (const [index, layer] of this.layers.entries()) {
        h = layer.apply({x: h, mask, dropout: others[index]}).output;
      }
      const isPlain = this.config.pooling === 'mean with padding';
      const hidden = isPlain ? undefined : mask.reshape<tf.Tensor2D>([...ids.shape]);
      return {...(this.pooling?.apply(h, hidden) ?? meanPooling(h, hidden))};
    });
  }

  get weights(): Weights {
    const layers = this.layers.map((layer, index) => [`layer_${index}`, layer] as const);
    const parts: Record<string, Weighted> = {embedding: this.embedding};
    if (this.segments !== undefined) parts['segments'] = this.segments;
    Object.assign(parts, Object.fromEntries(layers));
    if (this.pooling !== undefined) parts['pooling'] = this.pooling;
    return joinWeights(parts);
  }

  dispose(): void {
    tf.dispose(Object.values(this.weights));
  }

  /** √D · table[id] + position, and the vector of the segment where there are some: [B, S + T, D] */
  private embed(ids: tf.Tensor2D, ofX: number): tf.Tensor3D {
    const {width} = this.config;
    const [, all] = ids.shape;
    const words = this.embedding.apply(ids).mul<tf.Tensor3D>(Math.sqrt(width));
    const positions = (steps: number) => sinusoidalPositions({steps, width, layout: 'interleaved'}); // [steps, D]
    if (this.segments === undefined) return words.add(positions(all));
    const lengths = ofX === all ? [all] : [ofX, all - ofX];
    const places = lengths.map((length, segment) => {
      return positions(length).add<tf.Tensor2D>(this.segments!.table.slice([segment, 0], [1, -1]));
    });
    return words.add(places.length === 1 ? places[0]! : tf.concat2d(places, 0));
  }
}
