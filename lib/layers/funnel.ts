/**
 * The funnel encoder: between blocks of layers the sequence is pooled to half its length.
 * Source: Dai et al. 2020, arXiv:2006.03236; Transformers' FunnelEncoder.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {FunnelLayer, type FunnelLayerConfig} from './funnel-layer';
import {joinWeights, type Weights} from './weights';

export interface PoolingConfig {
  /** Whether the first token, a summary of all, is never pooled with others; true unless given */
  readonly separateFirst?: boolean;
  /**
   * With `separateFirst`, whether the last token is left out of a pooling, so that even lengths stay
   * even; true unless given
   */
  readonly truncate?: boolean;
}

export interface FunnelConfig extends FunnelLayerConfig, PoolingConfig {
  /** Layers of each block: [1, 1, 1] is the seed's `funnel_tiny` 1_1_1 */
  readonly blocks: readonly number[];
  /** Whether a block's first layer still attends to what is not pooled yet; true unless given */
  readonly poolsQueriesOnly?: boolean;
}

/** Blocks of layers over shorter and shorter sequences: T, T/2, T/4, … tokens. */
export class FunnelEncoder {
  readonly blocks: readonly (readonly FunnelLayer[])[];

  /** @throws RangeError when a size is no positive integer, or the width is odd */
  constructor(
    readonly config: FunnelConfig,
    random: Random,
  ) {
    const {blocks} = config;
    if (blocks.length === 0 || blocks.some(layers => !Number.isInteger(layers) || layers < 1)) {
      throw new RangeError(
        `FunnelEncoder: blocks is [${blocks.join()}], expected numbers of layers.`,
      );
    }
    this.blocks = blocks.map((layers, block) =>
      Array.from({length: layers}, (_, layer) => {
        return new FunnelLayer(config, random.stream(`block ${block} layer ${layer}`));
      }),
    );
  }

  /**
   * @param x    [B, T, D]
   * @param mask 1 where a token is hidden, [B, 1, 1, T]
   * @returns [B, T′, D]; T′ is about T / 2^(blocks − 1), see `pooledLength`
   * @throws ShapeError when x has another width
   */
  apply(x: tf.Tensor3D, mask?: tf.Tensor4D): tf.Tensor3D {
    const {width, separateFirst = true, poolsQueriesOnly = true} = this.config;
    const {B, T} = sizes('FunnelEncoder', {x: `B T ${width}`}, {x});
    if (mask !== undefined) sizes('FunnelEncoder', {mask: `B 1 1 ${T}`, x: 'B T D'}, {mask, x});
    return tf.tidy(() => {
      let states = x;
      let hidden = mask?.reshape<tf.Tensor2D>([B, T]); // [B, T]
      this.blocks.forEach((layers, block) => {
        layers.forEach((layer, index) => {
          const isPooled = index === 0 && block > 0 && canPool(states.shape[1], this.config);
          if (!isPooled) {
            const positions = {stride: 2 ** block, perQuery: 1, first: 0, separateFirst} as const;
            states = layer.apply({query: states, to: states, mask: keyMask(hidden), positions});
            return;
          }
          const query = pool(states, this.config);
          const shorter = hidden === undefined ? undefined : poolMask(hidden, this.config);
          const stride = 2 ** (block - 1);
          // Porting note: pooled keys are read at every second distance too, as in Transformers
          const [to, seen] = poolsQueriesOnly ? [states, hidden] : [query, shorter];
          const positions = poolsQueriesOnly
            ? {stride, perQuery: 2, first: separateFirst ? -stride : 0, separateFirst}
            : {stride: 2 * stride, perQuery: 1, first: 0, separateFirst};
          states = layer.apply({query, to, mask: keyMask(seen), positions});
          hidden = shorter;
        });
      });
      return states;
    });
  }

  get weights(): Weights {
    const named = this.blocks.flatMap((layers, block) =>
      layers.map((layer, index) => [`blocks.${block}.${index}`, layer] as const),
    );
    return joinWeights(Object.fromEntries(named));
  }

  dispose(): void {
    for (const layer of this.blocks.flat()) layer.dispose();
  }
}

/**
 * How many tokens leave a funnel.
 * @param steps T
 * @param pools how often it pools: blocks − 1
 */
export function pooledLength(steps: number, pools: number, config: PoolingConfig = {}): number {
  let length = steps;
  for (let done = 0; done < pools && canPool(length, config); done++) {
    length = Math.ceil((length + extra(config)) / 2);
  }
  return length;
}

/**
 * Means of two neighbours. A last one without a neighbour stays; so does the first, where it is separate.
 * @param x [B, T, D]
 * @returns [B, ⌈T/2⌉, D], or one more, as `separateFirst` and `truncate` say
 */
export function pool(x: tf.Tensor3D, config: PoolingConfig = {}): tf.Tensor3D {
  const {B, D} = sizes('pool', {x: 'B T D'}, {x});
  return tf.tidy(() => paired(x, config).reshape([B, -1, 2, D]).mean<tf.Tensor3D>(2));
}

/** A pooled token is hidden when one of its two was. @param mask [B, T] @returns [B, T′] */
function poolMask(mask: tf.Tensor2D, config: PoolingConfig): tf.Tensor2D {
  const [B, T] = mask.shape;
  return paired(mask.reshape([B, T, 1]), config)
    .reshape([B, -1, 2])
    .max<tf.Tensor2D>(2);
}

/** Tokens in an order in which each two that follow one another are pooled. */
function paired(x: tf.Tensor3D, config: PoolingConfig): tf.Tensor3D {
  const {separateFirst = true, truncate = true} = config;
  const [B, T, D] = x.shape;
  const part = (from: number, length: number): tf.Tensor3D => x.slice([0, from, 0], [B, length, D]);
  const rest = separateFirst && truncate ? part(0, T - 1) : x;
  const parts = separateFirst ? [part(0, 1), rest] : [rest];
  const isOdd = (T + extra(config)) % 2 === 1;
  const last = rest.shape[1] - 1;
  if (isOdd) parts.push(rest.slice([0, last, 0], [B, 1, D]));
  return parts.length === 1 ? x : tf.concat3d(parts, 1);
}

/** By how much the sequence is longer before it is halved: the first token counts twice. */
function extra({separateFirst = true, truncate = true}: PoolingConfig): number {
  return separateFirst && !truncate ? 1 : 0;
}

function canPool(length: number, {separateFirst = true}: PoolingConfig): boolean {
  return length > (separateFirst ? 2 : 1);
}

function keyMask(hidden: tf.Tensor2D | undefined): tf.Tensor4D | undefined {
  const [B, T] = hidden?.shape ?? [0, 0];
  return hidden?.reshape([B, 1, 1, T]);
}

/**
 * As many tokens again as there were before pooling: each is repeated.
 *
 * @param x      [B, T′, D]
 * @param config times: 2^pools; steps: the length wanted
 * @returns [B, steps, D] at most. A separate first token is not repeated. Where poolings left the last
 *   token out, times − 1 rows of zeros follow, as far as there is room.
 */
export function upsample(
  x: tf.Tensor3D,
  config: PoolingConfig & {readonly times: number; readonly steps: number},
): tf.Tensor3D {
  const {separateFirst = true, truncate = true, times, steps} = config;
  const {B, D} = sizes('upsample', {x: 'B T D'}, {x});
  if (times === 1) return x.clone();
  return tf.tidy(() => {
    const first = separateFirst ? 1 : 0;
    const rest = x.slice([0, first, 0], [B, -1, D]);
    const repeated = rest.expandDims(2).tile([1, 1, times, 1]).reshape<tf.Tensor3D>([B, -1, D]);
    const parts = separateFirst
      ? [x.slice<tf.Tensor3D>([0, 0, 0], [B, 1, D]), repeated]
      : [repeated];
    if (separateFirst && truncate) parts.push(tf.zeros([B, times - 1, D]));
    const all = tf.concat3d(parts, 1);
    return all.slice([0, 0, 0], [B, Math.min(steps, all.shape[1]), D]);
  });
}
