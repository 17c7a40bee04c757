/**
 * A transformer's encoder layer, with the normalisation after each sum (post-LN).
 * Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.1; BART has the same.   Lesson: notebooks/04-bart-vae.
 */
import type {Random} from '../tensor/random';
import {tf} from '../tensor/tf';
import type {Activation} from './activations';
import {MultiHeadAttention} from './attention';
import {dropoutIf, splitNoise, type DropoutNoise} from './dropout';
import {FeedForward} from './feed-forward';
import {LayerNorm} from './layer-norm';
import {joinWeights, type Weighted, type Weights} from './weights';

export interface TransformerLayerConfig {
  /** D, the width of the states */
  readonly width: number;
  /** H; divides the width */
  readonly heads: number;
  /** F, the width inside the feed-forward part */
  readonly hidden: number;
  /** Of the feed-forward part; 'gelu' unless given */
  readonly activation?: Activation;
  /** Of the normalisations; 1e-5 unless given */
  readonly epsilon?: number;
}

export interface EncoderInputs {
  /** [B, T, D] */
  readonly x: tf.Tensor3D;
  /** 1 where a key is hidden; broadcastable to [B, H, T, T] */
  readonly mask?: tf.Tensor4D | undefined;
  /** For training: what is added to the stream at each of two places is dropped in part. */
  readonly dropout?: DropoutNoise | undefined;
}

export interface EncoderOutput {
  /** [B, T, D] */
  readonly output: tf.Tensor3D;
  /** [B, H, T, T] who looked where */
  readonly weights: tf.Tensor4D;
}

/** a = LN(x + dropout(attention(x))),  output = LN(a + dropout(feedForward(a))) */
export class EncoderLayer {
  readonly attention: MultiHeadAttention;
  readonly attentionNorm: LayerNorm;
  readonly feedForward: FeedForward;
  readonly outputNorm: LayerNorm;

  /** @throws RangeError when a size is no positive integer, or the heads do not divide the width */
  constructor(config: TransformerLayerConfig, random: Random) {
    const {width, heads, hidden, activation = 'gelu', epsilon = 1e-5} = config;
    this.attention = new MultiHeadAttention({width, heads}, random.stream('attention'));
    this.attentionNorm = new LayerNorm({width, epsilon});
    const wide = {width, hidden, activation};
    this.feedForward = new FeedForward(wide, random.stream('feed_forward'));
    this.outputNorm = new LayerNorm({width, epsilon});
  }

  /** @throws ShapeError when x has another width, or the mask does not broadcast */
  apply({x, mask, dropout}: EncoderInputs): EncoderOutput {
    return tf.tidy(() => {
      const [first, second] = splitNoise(dropout, 2);
      const {output: seen, weights} = this.attention.apply({query: x, key: x, value: x, mask});
      const a = this.attentionNorm.apply(x.add<tf.Tensor3D>(dropoutIf(seen, first)));
      const widened = this.feedForward.apply(a);
      const output = this.outputNorm.apply(a.add<tf.Tensor3D>(dropoutIf(widened, second)));
      return {output, weights};
    });
  }

  get weights(): Weights {
    return joinWeights(this.parts());
  }

  dispose(): void {
    tf.dispose(Object.values(this.weights));
  }

  private parts(): Record<string, Weighted> {
    return {
      attention: this.attention,
      attention_norm: this.attentionNorm,
      feed_forward: this.feedForward,
      output_norm: this.outputNorm,
    };
  }
}
