/**
 * BART: an encoder that reads a (damaged) text, and a decoder that writes one while looking at it.
 * Source: Lewis et al. 2020, arXiv:1910.13461; layout as in Hugging Face's checkpoints.   Lesson: notebooks/04-bart-vae.
 *
 * Porting note: transformers also drops within attention and after the activation where a checkpoint's
 * configuration says so. That matters in training alone; here `dropout` acts on what joins the stream.
 */
import {splitSeed, type DropoutNoise} from '../layers/dropout';
import {Embedding} from '../layers/embedding';
import {causalMask, eitherMask, paddingMask} from '../layers/masks';
import {joinWeights, type Weights} from '../layers/weights';
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {BartCache} from './bart-cache';
import {fullBartConfig, type BartConfig, type FullBartConfig} from './bart-config';
import {BartDecoder, BartEncoder} from './bart-stacks';

export interface EncodeOptions {
  /** 1 where a token is hidden, broadcastable to [B, H, S, S]; the padding unless given */
  readonly mask?: tf.Tensor4D | undefined;
  /** [2] int32: trains with dropout; nothing is dropped without it */
  readonly seed?: tf.Tensor1D | undefined;
}

export interface DecodeInputs {
  /** [B, T] int32, the start's id first: what each position is given, not what it shall say */
  readonly ids: tf.Tensor2D;
  /** [B, S, D] what the decoder looks at: the encoder's states, or anything in their place */
  readonly memory: tf.Tensor3D;
  /** 1 where a row of the memory is hidden, broadcastable to [B, H, T, S]; none unless given */
  readonly memoryMask?: tf.Tensor4D | undefined;
  /** 1 where a token is hidden, broadcastable to [B, H, T, T]; later ones always are */
  readonly mask?: tf.Tensor4D | undefined;
  /** [2] int32: trains with dropout; nothing is dropped without it */
  readonly seed?: tf.Tensor1D | undefined;
}

/** Where a text's positions looked, a tensor each layer. */
export interface BartAttention {
  /** [B, H, S, S] */
  readonly encoder: tf.Tensor4D[];
  /** [B, H, T, T] */
  readonly decoder: tf.Tensor4D[];
  /** [B, H, T, S] */
  readonly cross: tf.Tensor4D[];
}

export class Bart {
  readonly config: FullBartConfig;
  /** [V, D], for the encoder, the decoder and the logits */
  readonly embedding: Embedding;
  readonly encoder: BartEncoder;
  readonly decoder: BartDecoder;
  /** [V] added to the logits; a checkpoint's constant, not trained, 0 in a new model */
  readonly logitsBias: tf.Variable<tf.Rank.R1>;

  /** @throws RangeError when a size, a share or an id is out of its range */
  constructor(config: BartConfig, random: Random) {
    this.config = fullBartConfig(config);
    const {vocabulary, width} = this.config;
    this.embedding = new Embedding({entries: vocabulary, width}, random.stream('shared'));
    this.encoder = new BartEncoder(this.config, this.embedding, random.stream('encoder'));
    this.decoder = new BartDecoder(this.config, this.embedding, random.stream('decoder'));
    this.logitsBias = tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R1>([vocabulary]), false));
  }

  /**
   * The encoder's states.
   * @param ids [B, S] int32
   * @returns [B, S, D]
   * @throws ShapeError or TypeError when ids is no int32 matrix, RangeError when it is too long
   */
  encode(ids: tf.Tensor2D, options: EncodeOptions = {}): tf.Tensor3D {
    sizes('Bart.encode', {ids: 'B S'}, {ids});
    return tf.tidy(() => {
      const {mask = this.paddingMask(ids), seed} = options;
      return this.encoder.apply(ids, mask, this.noise(seed)).states;
    });
  }

  /**
   * The decoder's states, position t knowing the ids up to t alone.
   * @returns [B, T, D]
   * @throws ShapeError when the memory has another width or batch; RangeError when ids is too long
   */
  decode(inputs: DecodeInputs): tf.Tensor3D {
    const {ids, memory, seed} = inputs;
    this.demandMemory('Bart.decode', ids, memory);
    return tf.tidy(() => {
      return this.decoder.apply({...inputs, mask: this.lookBack(inputs), noise: this.noise(seed)})
        .states;
    });
  }

  /** What the decoder's states say of the next token. @param states [B, T, D] @returns [B, T, V] */
  logits(states: tf.Tensor3D): tf.Tensor3D {
    return tf.tidy(() => this.embedding.logits(states).add<tf.Tensor3D>(this.logitsBias));
  }

  /**
   * The same of one position each, a dozen times as fast for a few rows and a large vocabulary: the
   * native product repacks its right side, and here that is the small one.
   * @param states [B, 1, D] @returns [B, V]
   */
  nextLogits(states: tf.Tensor3D): tf.Tensor2D {
    const {width} = this.config;
    const {B} = sizes('Bart.nextLogits', {states: `B 1 ${width}`}, {states});
    return tf.tidy(() => {
      const rows = states.reshape<tf.Tensor2D>([B, width]);
      const logits = tf.matMul<tf.Tensor2D>(this.embedding.table, rows, false, true); // [V, B]
      return logits.transpose<tf.Tensor2D>().add<tf.Tensor2D>(this.logitsBias);
    });
  }

  /**
   * From one text to the logits of another: all of the above.
   * @param ids     [B, S] int32, what the encoder reads
   * @param targets [B, T] int32, what the decoder is given: see `shiftRight`
   * @param seed    [2] int32 for training with dropout
   * @returns [B, T, V]
   */
  apply(ids: tf.Tensor2D, targets: tf.Tensor2D, seed?: tf.Tensor1D): tf.Tensor3D {
    return tf.tidy(() => {
      const [forEncoder, forDecoder] = seed === undefined ? [] : splitSeed(seed, 2);
      const memory = this.encode(ids, {seed: forEncoder});
      const memoryMask = this.paddingMask(ids);
      return this.logits(this.decode({ids: targets, memory, memoryMask, seed: forDecoder}));
    });
  }

  /** Where the positions of both texts look. @param ids [B, S] @param targets [B, T] */
  attention(ids: tf.Tensor2D, targets: tf.Tensor2D): BartAttention {
    return tf.tidy(() => {
      const memoryMask = this.paddingMask(ids);
      const {states: memory, weights: encoder} = this.encoder.apply(ids, memoryMask);
      const mask = causalMask(targets.shape[1]);
      const seen = this.decoder.apply({ids: targets, mask, memory, memoryMask});
      return {encoder, decoder: seen.weights, cross: seen.memoryWeights};
    });
  }

  /**
   * Readies the decoder to go token by token.
   * @param memory     [B, S, D]
   * @param memoryMask as in `decode`; kept, and still the caller's
   * @returns a cache without tokens; caller disposes
   */
  remember(memory: tf.Tensor3D, memoryMask?: tf.Tensor4D): BartCache {
    sizes('Bart.remember', {memory: `B S ${this.config.width}`}, {memory});
    const layers = this.decoder.layers.map(layer => ({memory: layer.projectMemory(memory)}));
    return new BartCache(layers, 0, memoryMask);
  }

  /**
   * One more token, as `decode` would have it after all that the cache knows.
   * @param ids [B, 1] int32
   * @returns states [B, 1, D], and the next cache, which shares the memory of this one: the caller
   *   disposes the last one whole, and of those before it the past
   */
  next(ids: tf.Tensor2D, cache: BartCache): {states: tf.Tensor3D; cache: BartCache} {
    sizes('Bart.next', {ids: 'B 1'}, {ids});
    const {layers: memory, length: past, memoryMask} = cache;
    const seen = this.decoder.apply({ids, memory, memoryMask, past});
    tf.dispose([...seen.weights, ...seen.memoryWeights]);
    return {states: seen.states, cache: new BartCache(seen.cache, past + 1, memoryMask)};
  }

  /** 1 where the ids are padding. @param ids [B, S] int32 @returns [B, 1, 1, S] */
  paddingMask(ids: tf.Tensor2D): tf.Tensor4D {
    return paddingMask(ids, this.config.padId);
  }

  /**
   * What the decoder is given so that it shall say these ids: the start's id, then all but the last.
   * @param ids [B, T] int32 @returns [B, T] int32
   */
  shiftRight(ids: tf.Tensor2D): tf.Tensor2D {
    const {B, T} = sizes('Bart.shiftRight', {ids: 'B T'}, {ids});
    return tf.tidy(() => {
      const start = tf.fill([B, 1], this.config.startId, 'int32');
      return tf.concat2d([start, ids.slice([0, 0], [B, T - 1])] as tf.Tensor2D[], 1);
    });
  }

  /** What is trained; `logitsBias` is not. */
  get weights(): Weights {
    const {embedding, encoder, decoder} = this;
    return joinWeights({shared: embedding, encoder, decoder});
  }

  dispose(): void {
    tf.dispose([...Object.values(this.weights), this.logitsBias]);
  }

  private noise(seed: tf.Tensor1D | undefined): DropoutNoise | undefined {
    return seed === undefined ? undefined : {rate: this.config.dropout, seed};
  }

  private lookBack({ids, mask}: DecodeInputs): tf.Tensor4D {
    const later = causalMask(ids.shape[1]);
    return mask === undefined ? later : eitherMask(later, mask);
  }

  private demandMemory(where: string, ids: tf.Tensor2D, memory: tf.Tensor3D): void {
    const shapes = {ids: 'B T', memory: `B S ${this.config.width}`};
    sizes(where, shapes, {ids, memory});
  }
}
