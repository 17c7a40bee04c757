/**
 * A transformer's decoder layer, post-LN, whole or token by token; with attention to an encoder or without.
 * Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.1; BART has the same.   Lesson: notebooks/04-bart-vae.
 */
import type {Random} from '../tensor/random';
import {tf} from '../tensor/tf';
import {joinKeysAndValues, MultiHeadAttention, type KeysAndValues} from './attention';
import {dropoutIf, splitNoise, type DropoutNoise} from './dropout';
import type {TransformerLayerConfig} from './encoder-layer';
import {FeedForward} from './feed-forward';
import {LayerNorm} from './layer-norm';
import {joinWeights, type Weighted, type Weights} from './weights';

export interface DecoderLayerConfig extends TransformerLayerConfig {
  /** false leaves out the attention to an encoder's states; true unless given */
  readonly crossAttention?: boolean;
  /** The width of the encoder's states; D unless given */
  readonly memoryWidth?: number;
}

export interface DecoderInputs {
  /** [B, T, D] */
  readonly x: tf.Tensor3D;
  /** 1 where a key is hidden: broadcastable to [B, H, T, P + T], P keys of the past among them */
  readonly mask?: tf.Tensor4D | undefined;
  /** The encoder's states [B, S, M], or what `projectMemory` made of them; where there is cross-attention */
  readonly memory?: tf.Tensor3D | KeysAndValues | undefined;
  /** 1 where a state of the encoder is hidden; broadcastable to [B, H, T, S] */
  readonly memoryMask?: tf.Tensor4D | undefined;
  /** Keys and values before those of x: an earlier call's `cache`, or a prefix from elsewhere */
  readonly past?: KeysAndValues | undefined;
  /** For training: what is added to the stream at each place is dropped in part. */
  readonly dropout?: DropoutNoise | undefined;
}

export interface DecoderOutput {
  /** [B, T, D] */
  readonly output: tf.Tensor3D;
  /** [B, H, T, P + T] where positions looked among themselves */
  readonly weights: tf.Tensor4D;
  /** [B, H, T, S] where they looked in the encoder's states */
  readonly memoryWeights: tf.Tensor4D | undefined;
  /** [B, H, P + T, Dh] each: the next call's `past` */
  readonly cache: KeysAndValues;
}

/**
 * a = LN(x + dropout(self-attention(x))),  c = LN(a + dropout(cross-attention(a, memory))),
 * output = LN(c + dropout(feedForward(c)))
 *
 * One token at a time it gives what it gives for all at once under a causal mask, if each call gets the
 * last one's `cache` as its `past`; then no mask is needed.
 */
export class DecoderLayer {
  readonly selfAttention: MultiHeadAttention;
  readonly selfAttentionNorm: LayerNorm;
  readonly crossAttention: MultiHeadAttention | undefined;
  readonly crossAttentionNorm: LayerNorm | undefined;
  readonly feedForward: FeedForward;
  readonly outputNorm: LayerNorm;

  /** @throws RangeError when a size is no positive integer, or the heads do not divide the width */
  constructor(config: DecoderLayerConfig, random: Random) {
    const {width, heads, hidden, activation = 'gelu', epsilon = 1e-5} = config;
    const {crossAttention = true, memoryWidth = width} = config;
    this.selfAttention = new MultiHeadAttention({width, heads}, random.stream('self_attention'));
    this.selfAttentionNorm = new LayerNorm({width, epsilon});
    if (crossAttention) {
      const cross = {width, heads, keyWidth: memoryWidth, valueWidth: memoryWidth};
      this.crossAttention = new MultiHeadAttention(cross, random.stream('cross_attention'));
      this.crossAttentionNorm = new LayerNorm({width, epsilon});
    }
    const wide = {width, hidden, activation};
    this.feedForward = new FeedForward(wide, random.stream('feed_forward'));
    this.outputNorm = new LayerNorm({width, epsilon});
  }

  /**
   * @throws ShapeError when a width is another, the batches differ, or a mask does not broadcast
   * @throws TypeError when memory is missing, or given to a layer without cross-attention
   */
  apply(inputs: DecoderInputs): DecoderOutput {
    const {x, mask, past, dropout} = inputs;
    this.demandMemory(inputs.memory);
    return tf.tidy(() => {
      const [first, second, third] = splitNoise(dropout, 3);
      const own = this.selfAttention.project({key: x, value: x});
      const {key, value} = past === undefined ? own : joinKeysAndValues(past, own);
      const self = this.selfAttention.attend({query: x, to: {key, value}, mask});
      const a = this.selfAttentionNorm.apply(x.add<tf.Tensor3D>(dropoutIf(self.output, first)));
      const {c, memoryWeights} = this.lookAtMemory(a, inputs, second);
      const widened = this.feedForward.apply(c);
      const output = this.outputNorm.apply(c.add<tf.Tensor3D>(dropoutIf(widened, third)));
      return {output, weights: self.weights, memoryWeights, cache: {key, value}};
    });
  }

  /**
   * An encoder's states as keys and values, made once for all steps.
   * @param memory [B, S, M]
   * @returns [B, H, S, Dh] each; caller disposes
   * @throws TypeError without cross-attention, ShapeError when the width is another
   */
  projectMemory(memory: tf.Tensor3D): KeysAndValues {
    if (this.crossAttention === undefined) {
      throw new TypeError('DecoderLayer.projectMemory: this layer has no cross-attention.');
    }
    return this.crossAttention.project({key: memory, value: memory});
  }

  get weights(): Weights {
    return joinWeights(this.parts());
  }

  dispose(): void {
    tf.dispose(Object.values(this.weights));
  }

  private lookAtMemory(
    a: tf.Tensor3D,
    {memory, memoryMask: mask}: DecoderInputs,
    noise: DropoutNoise | undefined,
  ): {c: tf.Tensor3D; memoryWeights: tf.Tensor4D | undefined} {
    const {crossAttention, crossAttentionNorm} = this;
    if (crossAttention === undefined || crossAttentionNorm === undefined || memory === undefined) {
      return {c: a, memoryWeights: undefined};
    }
    const to = memory instanceof tf.Tensor ? this.projectMemory(memory) : memory;
    const {output, weights} = crossAttention.attend({query: a, to, mask});
    const c = crossAttentionNorm.apply(a.add<tf.Tensor3D>(dropoutIf(output, noise)));
    return {c, memoryWeights: weights};
  }

  private demandMemory(memory: tf.Tensor3D | KeysAndValues | undefined): void {
    const isWanted = this.crossAttention !== undefined;
    if (isWanted === (memory !== undefined)) return;
    throw new TypeError(
      isWanted
        ? 'DecoderLayer.apply: memory is missing, and this layer has cross-attention.'
        : 'DecoderLayer.apply: memory is given, but this layer has no cross-attention.',
    );
  }

  private parts(): Record<string, Weighted> {
    const {crossAttention, crossAttentionNorm} = this;
    const isCrossing = crossAttention !== undefined && crossAttentionNorm !== undefined;
    return {
      self_attention: this.selfAttention,
      self_attention_norm: this.selfAttentionNorm,
      ...(isCrossing
        ? {cross_attention: crossAttention, cross_attention_norm: crossAttentionNorm}
        : {}),
      feed_forward: this.feedForward,
      output_norm: this.outputNorm,
    };
  }
}
