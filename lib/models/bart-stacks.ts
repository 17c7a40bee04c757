/**
 * The two sides of a BART: tokens embedded with learnt positions and normalised, then post-norm layers.
 * Source: Lewis et al. 2020, arXiv:1910.13461; Vaswani et al. 2017.   Lesson: notebooks/04-bart-vae.
 */
import {DecoderLayer} from '../layers/decoder-layer';
import {dropoutIf, splitNoise, type DropoutNoise} from '../layers/dropout';
import type {Embedding} from '../layers/embedding';
import {EncoderLayer, type TransformerLayerConfig} from '../layers/encoder-layer';
import {LayerNorm} from '../layers/layer-norm';
import {LearnedPositions} from '../layers/positions';
import {joinWeights, type Weighted, type Weights} from '../layers/weights';
import type {Random} from '../tensor/random';
import {tf} from '../tensor/tf';
import type {BartStackConfig, FullBartConfig} from './bart-config';
import type {CachedLayer} from './bart-cache';

/** BART's tables of positions begin with two rows that no position uses. */
const OFFSET = 2;

/** What both sides begin with: LN(scale · embedding + position), dropped in part. */
class BartInput {
  readonly positions: LearnedPositions;
  readonly norm: LayerNorm;
  private readonly scale: number;

  constructor(
    {width, positions, scaleEmbedding}: FullBartConfig,
    private readonly embedding: Embedding,
    random: Random,
  ) {
    this.scale = scaleEmbedding ? Math.sqrt(width) : 1;
    const table = {steps: positions, width, offset: OFFSET};
    this.positions = new LearnedPositions(table, random.stream('positions'));
    this.norm = new LayerNorm({width});
  }

  /** @param ids [B, T] int32 @param from the first position @returns [B, T, D] */
  apply(ids: tf.Tensor2D, from: number, noise: DropoutNoise | undefined): tf.Tensor3D {
    return tf.tidy(() => {
      const embedded = this.embedding.apply(ids); // [B, T, D]
      const scaled = this.scale === 1 ? embedded : embedded.mul<tf.Tensor3D>(this.scale);
      const placed = scaled.add<tf.Tensor3D>(this.positions.apply(ids.shape[1], from));
      return dropoutIf(this.norm.apply(placed), noise);
    });
  }

  get parts(): Record<string, Weighted> {
    return {positions: this.positions, embedding_norm: this.norm};
  }
}

/** The encoder: every position sees every other that is not hidden. */
export class BartEncoder {
  readonly input: BartInput;
  readonly layers: readonly EncoderLayer[];

  constructor(config: FullBartConfig, embedding: Embedding, random: Random) {
    this.input = new BartInput(config, embedding, random);
    this.layers = layersOf(EncoderLayer, config, config.encoder, random);
  }

  /** @returns states [B, S, D], and where each layer looked [B, H, S, S] */
  apply(
    ids: tf.Tensor2D,
    mask: tf.Tensor4D | undefined,
    noise?: DropoutNoise,
  ): {states: tf.Tensor3D; weights: tf.Tensor4D[]} {
    return tf.tidy(() => {
      const [first, ...rest] = splitNoise(noise, 1 + this.layers.length);
      let states = this.input.apply(ids, 0, first);
      const weights = this.layers.map((layer, index) => {
        const seen = layer.apply({x: states, mask, dropout: rest[index]});
        states = seen.output;
        return seen.weights;
      });
      return {states, weights};
    });
  }

  get weights(): Weights {
    return joinWeights({...this.input.parts, ...numbered(this.layers)});
  }
}

export interface BartDecoderInputs {
  /** [B, T] int32 */
  readonly ids: tf.Tensor2D;
  /** 1 where a key is hidden; broadcastable to [B, H, T, P + T] */
  readonly mask?: tf.Tensor4D | undefined;
  /** [B, S, D] for all layers, or each layer's own keys and values with its past */
  readonly memory: tf.Tensor3D | readonly CachedLayer[];
  /** 1 where a row of the memory is hidden; broadcastable to [B, H, T, S] */
  readonly memoryMask?: tf.Tensor4D | undefined;
  /** P, how many positions came before; 0 unless given */
  readonly past?: number | undefined;
  readonly noise?: DropoutNoise | undefined;
}

export interface BartDecoderOutput {
  /** [B, T, D] */
  readonly states: tf.Tensor3D;
  /** [B, H, T, P + T] a layer: where positions looked among themselves */
  readonly weights: tf.Tensor4D[];
  /** [B, H, T, S] a layer: where they looked in the memory */
  readonly memoryWeights: tf.Tensor4D[];
  /** The next call's `memory` */
  readonly cache: CachedLayer[];
}

/** The decoder: every position sees those before it, and the memory. */
export class BartDecoder {
  readonly input: BartInput;
  readonly layers: readonly DecoderLayer[];

  constructor(config: FullBartConfig, embedding: Embedding, random: Random) {
    this.input = new BartInput(config, embedding, random);
    this.layers = layersOf(DecoderLayer, config, config.decoder, random);
  }

  apply({ids, mask, memory, memoryMask, past = 0, noise}: BartDecoderInputs): BartDecoderOutput {
    return tf.tidy(() => {
      const [first, ...rest] = splitNoise(noise, 1 + this.layers.length);
      let states = this.input.apply(ids, past, first);
      const seen = this.layers.map((layer, index) => {
        const known: CachedLayer =
          memory instanceof tf.Tensor ? {memory: layer.projectMemory(memory)} : memory[index]!;
        const output = layer.apply({x: states, mask, ...known, memoryMask, dropout: rest[index]});
        states = output.output;
        return {...output, memory: known.memory};
      });
      return {
        states,
        weights: seen.map(({weights}) => weights),
        memoryWeights: seen.flatMap(({memoryWeights}) => memoryWeights ?? []),
        cache: seen.map(({cache, memory}) => ({past: {...cache}, memory: {...memory}})),
      };
    });
  }

  get weights(): Weights {
    return joinWeights({...this.input.parts, ...numbered(this.layers)});
  }
}

/** The layers of one side, each from its own stream. */
function layersOf<Layer>(
  Kind: new (config: TransformerLayerConfig, random: Random) => Layer,
  {width, activation}: FullBartConfig,
  {layers, heads, hidden}: BartStackConfig,
  random: Random,
): Layer[] {
  const sizes = {width, activation, heads, hidden};
  return Array.from({length: layers}, (_, index) => {
    return new Kind(sizes, random.stream(`layers.${index}`));
  });
}

function numbered(layers: readonly Weighted[]): Record<string, Weighted> {
  return Object.fromEntries(layers.map((layer, index) => [`layers.${index}`, layer]));
}
