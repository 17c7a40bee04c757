/**
 * The decoder of the transformer-VAE, which hears of the encoder through the latent alone; three ways in.
 * Source: VAEDecoder of seed 000; Fang et al. 2021, arXiv:2101.00828, sect. 3.3.   Lesson: notebooks/05-transformer-vae.
 */
import {DecoderLayer} from '../layers/decoder-layer';
import {Dense, glorotUniform} from '../layers/dense';
import {dropoutIf, splitNoise, type DropoutNoise} from '../layers/dropout';
import {Embedding} from '../layers/embedding';
import {causalMask, eitherMask, paddingMask} from '../layers/masks';
import {sinusoidalPositions} from '../layers/positions';
import {LatentPrefix, sourceLatentMask, withLatentColumn} from '../layers/pseudo-self-attention';
import {joinWeights, type Weighted, type Weights} from '../layers/weights';
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {EPSILON, type TransformerSizes} from './vae-encoder';

/**
 * Where the latent enters: added to every embedding, as one more key and value in every layer, or,
 * through a small network, added to the logits, the same at every position.
 */
export type Injection = 'input' | 'attention' | 'output';

export interface VaeDecoderConfig extends TransformerSizes {
  /** L */
  readonly latents: number;
  readonly injection: Injection;
  /** 'source' hides each token from itself where the latent enters by attention; see `sourceLatentMask` */
  readonly mask: 'causal' | 'source';
}

/** What a decoder says about the next token at every position. */
export interface Decoded {
  /** [B, T, V] */
  readonly logits: tf.Tensor3D;
  /** One a layer, [B, H, T, T], or [B, H, T, 1 + T] with the latent's column first */
  readonly weights: readonly tf.Tensor4D[];
}

/** Keys and values in heads, [B, H, Tk, Dh] each. */
type Cache = {readonly key: tf.Tensor4D; readonly value: tf.Tensor4D};

/** What a decoder remembers between two tokens; `step` is a `NextToken` of lib/models/decoding. Caller disposes. */
export type DecoderState = {
  /** One a layer; absent before the first token, where the latent does not enter by attention */
  readonly caches: (Cache | undefined)[];
  /** [B, 1, D] what the latent adds to embeddings */
  readonly shift: tf.Tensor3D | undefined;
  /** [B, V] what the latent adds to logits */
  readonly bias: tf.Tensor2D | undefined;
  /** How many tokens went in */
  readonly steps: number;
};

const PAD = 0;

/** Its parts can be seen, so that a lesson may put them together itself. */
export class VaeDecoder {
  readonly embedding: Embedding;
  readonly layers: readonly DecoderLayer[];
  readonly logits: Dense;
  /** [L, D], for 'input' */
  readonly input: tf.Variable<tf.Rank.R2> | undefined;
  /** One a layer, for 'attention' */
  readonly prefixes: readonly LatentPrefix[];
  /** For 'output' */
  readonly output: {readonly hidden: Dense; readonly logits: Dense} | undefined;

  /** @throws RangeError when a size is no positive integer, or the heads do not divide the width */
  constructor(
    readonly config: VaeDecoderConfig,
    random: Random,
  ) {
    const {vocabulary, width, heads, hidden, layers, latents, injection} = config;
    const table = {entries: vocabulary, width, deviation: width ** -0.5};
    this.embedding = new Embedding(table, random.stream('embedding'));
    const own = {width, heads, hidden, activation: 'relu', epsilon: EPSILON} as const;
    const each = <T>(make: (stream: Random) => T, name: string): readonly T[] =>
      Array.from({length: layers}, (_, index) => make(random.stream(`${name}_${index}`)));
    this.layers = each(one => new DecoderLayer({...own, crossAttention: false}, one), 'layer');
    this.logits = new Dense({inputs: width, units: vocabulary}, random.stream('logits'));
    const isAttention = injection === 'attention';
    const prefix = {latents, width, heads};
    this.prefixes = isAttention ? each(one => new LatentPrefix(prefix, one), 'latent') : [];
    const stream = random.stream('latent');
    if (injection === 'input') {
      this.input = tf.tidy(() => tf.variable(glorotUniform(latents, width, stream)));
    }
    if (injection === 'output') {
      const wide = new Dense({inputs: latents, units: hidden}, stream.stream('hidden'));
      const narrow = new Dense({inputs: hidden, units: vocabulary}, stream.stream('logits'));
      this.output = {hidden: wide, logits: narrow};
    }
  }

  /**
   * Logits of the token after each position, from those up to it and z.
   * @param ids   [B, T] int32, padded with 0: a sentence without its last token
   * @param z     [B, L]
   * @param noise for training: drops a part of the states
   * @throws ShapeError when a width is another or the batches differ, TypeError when ids are not int32
   */
  apply(ids: tf.Tensor2D, z: tf.Tensor2D, noise?: DropoutNoise): Decoded {
    sizes('VaeDecoder.apply', {ids: 'B T', z: `B ${this.config.latents}`}, {ids, z});
    return tf.tidy(() => {
      const [first, ...others] = splitNoise(noise, 1 + this.layers.length);
      const {caches, shift, bias} = this.start(z);
      const mask = this.mask(ids);
      let h = dropoutIf(this.embed(ids, 0, shift), first); // [B, T, D]
      const weights = this.layers.map((layer, index) => {
        const dropout = others[index];
        const made = layer.apply({x: h, mask, past: caches[index], dropout});
        h = made.output;
        return made.weights;
      });
      const logits = this.logits.apply(h); // [B, T, V]
      return {
        logits: bias === undefined ? logits : logits.add<tf.Tensor3D>(bias.expandDims(1)),
        weights,
      };
    });
  }

  /** What is known before the first token. @param z [B, L] @throws ShapeError for another width */
  start(z: tf.Tensor2D): DecoderState {
    sizes('VaeDecoder.start', {z: `B ${this.config.latents}`}, {z});
    return tf.tidy(() => {
      const caches = this.layers.map((_, index): Cache | undefined => {
        const prefix = this.prefixes[index];
        return prefix && {...prefix.apply(z)};
      });
      const shift = this.input && z.matMul<tf.Tensor2D>(this.input).expandDims<tf.Tensor3D>(1);
      const {hidden, logits} = this.output ?? {};
      const bias = hidden && logits?.apply(tf.leakyRelu(hidden.apply(z), 0.3));
      return {caches, shift, bias, steps: 0};
    });
  }

  /**
   * Logits after one more token, from what was remembered: equal to the last of `apply`'s.
   * @param ids   [B] int32, the newest tokens
   * @param state the last call's, or `start`'s; it stays the caller's
   * @returns logits [B, V] and the next state; caller disposes
   * @throws TypeError with the source's mask, in which tokens do not see themselves
   */
  step(ids: tf.Tensor1D, state: DecoderState): {logits: tf.Tensor2D; state: DecoderState} {
    if (this.config.mask === 'source' && this.prefixes.length > 0) {
      throw new TypeError("VaeDecoder.step: with the source's mask, decode with `apply`.");
    }
    const {B} = sizes('VaeDecoder.step', {ids: 'B'}, {ids});
    return tf.tidy(() => {
      let h = this.embed(ids.reshape<tf.Tensor2D>([B, 1]), state.steps, state.shift); // [B, 1, D]
      const caches = this.layers.map((layer, index) => {
        const made = layer.apply({x: h, past: state.caches[index]});
        h = made.output;
        return {...made.cache};
      });
      const plain = this.logits.apply(h.reshape<tf.Tensor2D>([B, this.config.width]));
      const logits = state.bias === undefined ? plain : plain.add<tf.Tensor2D>(state.bias);
      const [shift, bias] = [state.shift?.clone(), state.bias?.clone()];
      return {logits, state: {caches, shift, bias, steps: state.steps + 1}};
    });
  }

  /**
   * √D · table[id] + position, and what the latent adds.
   * @param ids   [B, T] int32
   * @param from  the place of the first of them
   * @param shift [B, 1, D]
   * @returns [B, T, D]
   * @throws ShapeError when ids is no matrix, TypeError when it is not int32
   */
  embed(ids: tf.Tensor2D, from = 0, shift?: tf.Tensor3D): tf.Tensor3D {
    const {width} = this.config;
    const steps = from + ids.shape[1];
    return tf.tidy(() => {
      const words = this.embedding.apply(ids).mul<tf.Tensor3D>(Math.sqrt(width));
      const positions = sinusoidalPositions({steps, width, layout: 'interleaved'});
      const placed = words.add<tf.Tensor3D>(positions.slice([from, 0], [-1, -1])); // [B, T, D]
      return shift === undefined ? placed : placed.add(shift);
    });
  }

  get weights(): Weights {
    const numbered = (name: string, parts: readonly Weighted[]) =>
      Object.fromEntries(parts.map((part, index) => [`${name}_${index}`, part]));
    return {
      ...joinWeights({
        embedding: this.embedding,
        ...numbered('layer', this.layers),
        ...numbered('latent', this.prefixes),
      }),
      ...(this.input && {'latent_input.kernel': this.input}),
      ...(this.output &&
        joinWeights({
          'latent_output.hidden': this.output.hidden,
          'latent_output.logits': this.output.logits,
        })),
      ...joinWeights({logits: this.logits}),
    };
  }

  dispose(): void {
    tf.dispose(Object.values(this.weights));
  }

  /** Padding stands at the end, where no word sees it: the causal mask is enough. */
  private mask(ids: tf.Tensor2D): tf.Tensor4D {
    const [, T] = ids.shape;
    const isAttention = this.prefixes.length > 0;
    if (this.config.mask === 'causal' || !isAttention) return causalMask(T, isAttention ? 1 : 0);
    return eitherMask(withLatentColumn(paddingMask(ids, PAD)), sourceLatentMask(T));
  }
}
