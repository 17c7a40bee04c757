/**
 * The MMD transformer: a funnel reads a sequence into a few latent tokens, T5's decoder writes it from them.
 * Source: Fraser-Greenlee/transformer-vae, model.py and autoencoders.py.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import {Dense} from '../layers/dense';
import {Embedding} from '../layers/embedding';
import {FunnelEncoder, pooledLength, upsample, type PoolingConfig} from '../layers/funnel';
import {LayerNorm} from '../layers/layer-norm';
import {paddingMask} from '../layers/masks';
import {T5FeedForward} from '../layers/t5-feed-forward';
import {T5Stack, type T5Cache} from '../layers/t5-stack';
import {joinWeights, type Weights} from '../layers/weights';
import type {WindowConfig} from '../layers/window-attention';
import {reparameterize} from '../probability/gaussian';
import type {Random} from '../tensor/random';
import {recompute} from '../tensor/recompute';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {decodeTokens, type TokenChoice} from './decoding';

/**
 * How a token becomes a latent one: 'tanh' of a dense layer as in the seed, the layer alone, or a
 * Gaussian whose mean and variance two layers give.
 */
export type CodeKind = 'tanh' | 'linear' | 'gaussian';

/**
 * What follows the dense layer that widens a latent token: a layer norm; T5's feed-forward part, whose
 * norm is inside and leaves lengths as they are (the seed's `t5_norm`); or nothing (its `no_norm`).
 */
export type LatentNorm = 'layer' | 't5' | 'none';

export interface MmdTransformerConfig extends PoolingConfig {
  /** V; 0 pads */
  readonly vocabulary: number;
  /** T, the longest sequence */
  readonly steps: number;
  /** D */
  readonly width: number;
  /** H */
  readonly heads: number;
  /** Dh; D / H unless given */
  readonly headWidth?: number;
  /** F, the width inside the feed-forward parts */
  readonly hidden: number;
  /** Layers of each block of the funnel; [1, 1, 1] is the seed's 1_1_1 */
  readonly blocks: readonly number[];
  /** Layers of the decoder */
  readonly layers: number;
  /** n, latent tokens: the first ones that leave the funnel */
  readonly latentTokens: number;
  /** L, the width of a latent token */
  readonly latents: number;
  /** 'tanh' unless given */
  readonly code?: CodeKind;
  /** 'layer' unless given */
  readonly latentNorm?: LatentNorm;
  /** Whether latent tokens are repeated up to about T before the decoder sees them; true unless given */
  readonly upsamples?: boolean;
  /** Of T5's relative positions; 32 and 128 unless given */
  readonly buckets?: number;
  readonly furthest?: number;
  /** The decoder's self-attention in windows */
  readonly window?: WindowConfig;
  /** Layers of the decoder that are computed again, as in `T5StackConfig` */
  readonly recomputeRate?: number;
  /** Whether the whole funnel is computed again; false unless given */
  readonly recomputesEncoder?: boolean;
  /** The id that a decoder begins with; 0, the padding, unless given, as in T5 */
  readonly start?: number;
}

/** What the encoder says of a sequence's latent tokens. */
export type LatentTokens = {
  /** [B, n, L] the code itself, or the mean of a Gaussian one */
  readonly mean: tf.Tensor3D;
  /** [B, n, L] natural log of the variance; of a Gaussian code only */
  readonly logVar?: tf.Tensor3D;
};

export class MmdTransformer {
  readonly embedding: Embedding;
  readonly encoder: FunnelEncoder;
  readonly decoder: T5Stack;
  private readonly toMean: Dense;
  private readonly toLogVar: Dense | undefined;
  private readonly fromLatents: Dense;
  private readonly latentNorm: AfterWidening | undefined;

  /** @throws RangeError when a size is no positive integer, or fewer than n tokens leave the funnel */
  constructor(
    readonly config: MmdTransformerConfig,
    random: Random,
  ) {
    const {vocabulary, steps, width, latentTokens, latents, blocks, code = 'tanh'} = config;
    for (const [name, size] of Object.entries({steps, latentTokens, latents})) {
      if (Number.isInteger(size) && size >= 1) continue;
      throw new RangeError(`MmdTransformer: ${name} is ${size}, expected a positive integer.`);
    }
    const pooled = pooledLength(steps, blocks.length - 1, config);
    if (latentTokens > pooled) {
      throw new RangeError(
        `MmdTransformer: ${latentTokens} latent tokens, but of ${steps} steps ${pooled} leave the funnel: pool less or take fewer.`,
      );
    }
    const dense = (name: string, inputs: number, units: number) =>
      new Dense({inputs, units}, random.stream(name));
    this.embedding = new Embedding(
      {entries: vocabulary, width, deviation: 1},
      random.stream('embedding'),
    );
    this.encoder = new FunnelEncoder(config, random.stream('encoder'));
    this.toMean = dense('to mean', width, latents);
    this.toLogVar = code === 'gaussian' ? dense('to log variance', width, latents) : undefined;
    this.fromLatents = dense('from latents', latents, width);
    this.latentNorm = latentNormOf(config, random);
    this.decoder = new T5Stack({...config, isDecoder: true}, random.stream('decoder'));
  }

  /**
   * @param ids [B, T′] int32, padded with 0; T′ ≤ T, long enough for n tokens to leave the funnel
   * @returns the latent tokens, or their Gaussians
   * @throws ShapeError when ids is no matrix, RangeError when it is too short
   */
  encode(ids: tf.Tensor2D): LatentTokens {
    const {code = 'tanh', latentTokens: n, recomputesEncoder = false} = this.config;
    const {B, T} = sizes('MmdTransformer.encode', {ids: 'B T'}, {ids});
    if (pooledLength(T, this.config.blocks.length - 1, this.config) < n) {
      throw new RangeError(
        `MmdTransformer.encode: of ${T} tokens fewer than ${n} leave the funnel: pad the sequences.`,
      );
    }
    return tf.tidy(() => {
      const mask = paddingMask(ids, 0);
      const read = (x: tf.Tensor3D, mask: tf.Tensor4D): tf.Tensor3D => this.encoder.apply(x, mask);
      const x = this.embedding.apply(ids); // [B, T′, D]
      const weights = Object.values(this.encoder.weights);
      const states = recomputesEncoder
        ? recompute(read, {inputs: [x] as const, constants: [mask] as const, weights})
        : read(x, mask);
      const first = states.slice<tf.Tensor3D>([0, 0, 0], [B, n, -1]); // [B, n, D]
      const mean = this.toMean.apply(first);
      if (this.toLogVar !== undefined) return {mean, logVar: this.toLogVar.apply(first)};
      return {mean: code === 'tanh' ? mean.tanh() : mean};
    });
  }

  /**
   * A code: of a Gaussian a sample, or without noise the mean.
   * @param epsilon [B, n, L] standard normal noise
   * @returns [B, n, L]
   */
  sample({mean, logVar}: LatentTokens, epsilon?: tf.Tensor3D): tf.Tensor3D {
    if (logVar === undefined || epsilon === undefined) return mean.clone();
    const {B, n, L} = sizes(
      'MmdTransformer.sample',
      {mean: 'B n L', epsilon: 'B n L'},
      {mean, epsilon},
    );
    const flat = (x: tf.Tensor3D): tf.Tensor2D => x.reshape([B, n * L]);
    return tf.tidy(() => {
      const posterior = {mean: flat(mean), logVar: flat(logVar)};
      return reparameterize(posterior, flat(epsilon)).reshape<tf.Tensor3D>([B, n, L]);
    });
  }

  /**
   * What the decoder attends to: each latent token widened and normalised or not, repeated or not.
   * @param z [B, n, L]
   * @returns [B, S, D]: S is n, or with upsampling about n · 2^(blocks − 1), at most T
   */
  memory(z: tf.Tensor3D): tf.Tensor3D {
    const {latentTokens, latents, upsamples = true, blocks, steps} = this.config;
    sizes('MmdTransformer.memory', {z: `B ${latentTokens} ${latents}`}, {z});
    return tf.tidy(() => {
      const widened = this.fromLatents.apply(z); // [B, n, D]
      const tokens = this.latentNorm?.apply(widened) ?? widened;
      if (!upsamples) return tokens;
      return upsample(tokens, {...this.config, times: 2 ** (blocks.length - 1), steps});
    });
  }

  /**
   * Logits of each token, given the code and the tokens before it.
   * @param z   [B, n, L]
   * @param ids [B, T] int32
   * @returns [B, T, V]; logits at t are for ids at t
   */
  decode(z: tf.Tensor3D, ids: tf.Tensor2D): tf.Tensor3D {
    const {start = 0} = this.config;
    const {B, T} = sizes('MmdTransformer.decode', {z: 'B n L', ids: 'B T'}, {z, ids});
    return tf.tidy(() => {
      const first = tf.fill([B, 1], start, 'int32');
      const entering = tf.concat2d([first as tf.Tensor2D, ids.slice([0, 0], [B, T - 1])], 1);
      const states = this.decoder.apply(this.embedding.apply(entering), {memory: this.memory(z)});
      return this.logits(states);
    });
  }

  /**
   * Writes a sequence for each code, token by token with cached keys and values.
   * @param z       [B, n, L]
   * @param options choice: greedy unless given; end: the id that ends a sequence, 2 unless given
   * @returns B lists of ids, without start, the end included where it was reached; T at most
   */
  generate(
    z: tf.Tensor3D,
    options: {
      readonly choice?: TokenChoice;
      readonly random?: Random;
      readonly length?: number;
      readonly end?: number;
    } = {},
  ): number[][] {
    const {steps, start = 0} = this.config;
    const memory = tf.tidy(() => this.decoder.remember(this.memory(z)));
    const next = (newest: tf.Tensor1D, past: T5Cache): {logits: tf.Tensor2D; state: T5Cache} => {
      return tf.tidy(() => {
        const x = this.embedding.apply(newest.expandDims<tf.Tensor2D>(1)); // [B, 1, D]
        const made = this.decoder.step(x, {memory, past});
        return {logits: this.logits(made.output).squeeze<tf.Tensor2D>([1]), state: made.past};
      });
    };
    try {
      return decodeTokens({next, state: [], batch: z.shape[0], length: steps, start, ...options});
    } finally {
      tf.dispose(memory);
    }
  }

  /** The table read backwards, on states scaled down. @param states [B, T, D] @returns [B, T, V] */
  private logits(states: tf.Tensor3D): tf.Tensor3D {
    return this.embedding.logits(states.mul(this.config.width ** -0.5));
  }

  get weights(): Weights {
    const {embedding, encoder, toMean, toLogVar, fromLatents, latentNorm, decoder} = this;
    return joinWeights({
      embedding,
      encoder,
      toMean,
      ...(toLogVar === undefined ? {} : {toLogVar}),
      fromLatents,
      ...(latentNorm === undefined ? {} : {latentNorm}),
      decoder,
    });
  }

  dispose(): void {
    for (const variable of Object.values(this.weights)) variable.dispose();
  }
}

interface AfterWidening {
  apply(x: tf.Tensor3D): tf.Tensor3D;
  readonly weights: Weights;
}

function latentNormOf(
  {width, hidden, latentNorm = 'layer'}: MmdTransformerConfig,
  random: Random,
): AfterWidening | undefined {
  if (latentNorm === 'none') return undefined;
  if (latentNorm === 'layer') return new LayerNorm({width, epsilon: 1e-9});
  return new T5FeedForward({width, hidden}, random.stream('latent norm'));
}
