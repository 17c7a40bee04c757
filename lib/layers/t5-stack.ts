/**
 * A stack of T5's layers, whole or token by token, in windows or not, with parts computed again or not.
 * Source: Raffel et al. 2020, arXiv:1910.10683; Transformers' T5Stack; seed 003's custom_t5.py.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import type {Random} from '../tensor/random';
import {recompute} from '../tensor/recompute';
import {tf} from '../tensor/tf';
import {joinKeysAndValues, type KeysAndValues} from './attention';
import {causalMask, eitherMask} from './masks';
import {RelativePositions, type Buckets} from './relative-positions';
import {RmsNorm} from './rms-norm';
import {demandWidth, T5Layer, type Memory, type T5LayerConfig} from './t5';
import {joinWeights, type Weights} from './weights';
import {
  inWindows,
  skipLeftover,
  windowLengths,
  windowStart,
  type WindowConfig,
} from './window-attention';

export interface T5StackConfig extends T5LayerConfig, Omit<Buckets, 'isBidirectional'> {
  readonly layers: number;
  /** A decoder sees no later token, and attends to a memory. */
  readonly isDecoder: boolean;
  /** Self-attention in windows; over the whole sequence unless given */
  readonly window?: WindowConfig;
  /**
   * Layers whose number this does not divide are computed again in the backward pass, as in the seed:
   * with 3, layers 1, 2, 4, 5, …; with 1 every layer. None unless given.
   */
  readonly recomputeRate?: number;
}

export interface T5StackInputs {
  /** [B, S, D], in a decoder */
  readonly memory?: tf.Tensor3D;
  /** 1 where the memory is hidden; [B, 1, 1, S] */
  readonly memoryMask?: tf.Tensor4D | undefined;
  /** 1 where a key of x is hidden; [B, 1, 1, T]; not with windows */
  readonly mask?: tf.Tensor4D | undefined;
}

/** What a decoder remembers of its tokens or of a memory: [B, H, T, Dh] twice, one entry a layer. */
export type T5Cache = {key: tf.Tensor4D; value: tf.Tensor4D}[];

/** The stack, with the norm after its last layer. */
export class T5Stack {
  readonly layers: readonly T5Layer[];
  readonly positions: RelativePositions;
  private readonly norm: RmsNorm;

  /** @throws RangeError when a size is no positive integer, or a window's shift does not fit */
  constructor(
    readonly config: T5StackConfig,
    random: Random,
  ) {
    const {layers, width, heads, isDecoder, window, recomputeRate} = config;
    const counts = {layers, ...(recomputeRate === undefined ? {} : {recomputeRate})};
    for (const [name, count] of Object.entries(counts)) {
      if (Number.isInteger(count) && count >= 1) continue;
      throw new RangeError(`T5Stack: ${name} is ${count}, expected a positive integer.`);
    }
    if (window !== undefined) windowStart(0, 1, window);
    const buckets = {...config, isBidirectional: !isDecoder, heads, deviation: width ** -0.5};
    this.positions = new RelativePositions(buckets, random.stream('positions'));
    this.layers = Array.from({length: layers}, (_, layer) => {
      return new T5Layer(config, random.stream(`layer ${layer}`));
    });
    this.norm = new RmsNorm({width});
  }

  /**
   * All tokens at once.
   * @param x [B, T, D]
   * @returns [B, T, D]
   * @throws ShapeError when sizes do not fit
   */
  apply(x: tf.Tensor3D, inputs: T5StackInputs = {}): tf.Tensor3D {
    const {T} = demandWidth('T5Stack', x, this.config.width);
    const {mask, memory, memoryMask} = inputs;
    const {window} = this.config;
    if (window !== undefined && mask !== undefined) {
      throw new Error('T5Stack: windows take no mask over keys; leave the mask out.');
    }
    return tf.tidy(() => {
      // one bias and mask a length: with windows those of a window, and of what is left over
      const lengths = window === undefined ? [T] : windowLengths(T, window);
      const biases = lengths.map(length => this.positions.apply(length, length));
      const masks = lengths.flatMap(length => this.selfMask(length, mask) ?? []);
      const memories = memory === undefined ? [] : [memory];
      const constants = [...masks, ...(memoryMask === undefined ? [] : [memoryMask])];
      let states = x;
      this.layers.forEach((layer, index) => {
        const part = (...given: tf.Tensor[]): tf.Tensor3D => {
          const [states, ...rest] = given as [tf.Tensor3D, ...tf.Tensor4D[]];
          const biases = rest.splice(0, lengths.length);
          const [memory] = rest.splice(0, memories.length) as unknown as [tf.Tensor3D?];
          const masks = rest.splice(0, constants.length - (memoryMask === undefined ? 0 : 1));
          const attend = (normal: tf.Tensor3D): tf.Tensor3D => {
            const which = lengths.indexOf(normal.shape[1]);
            const to = layer.attention.project(normal);
            const [bias, mask] = [biases[which], masks[which]];
            return layer.attention.attend({query: normal, to, bias, mask}).output;
          };
          const normal = layer.normal(states);
          const attended =
            window === undefined ? attend(normal) : inWindows(normal, index, window, attend);
          const made = layer.apply(states, attended, recalled(layer, memory, rest[0]));
          if (window?.leftover !== 'skipped') return made;
          return skipLeftover(states, made, index, window);
        };
        const inputs = [states, ...biases, ...memories];
        states = this.isRecomputed(index)
          ? recompute(part, {inputs, constants, weights: Object.values(layer.weights)})
          : part(...inputs, ...constants);
      });
      return this.norm.apply(states);
    });
  }

  /**
   * What every layer of a decoder asks of a memory, once for all tokens.
   * @param memory [B, S, D]
   * @returns caller disposes
   */
  remember(memory: tf.Tensor3D): T5Cache {
    demandWidth('T5Stack', memory, this.config.width);
    return tf.tidy(() =>
      this.layers.map(layer => {
        const memories = recalled(layer, memory, undefined);
        if (memories === undefined) throw new Error('T5Stack: an encoder remembers nothing.');
        const {key, value} = memories.to;
        return {key, value};
      }),
    );
  }

  /**
   * The next token, with the keys and values of those before it: the same as `apply` at its position.
   * @param x      [B, 1, D]
   * @param memory from `remember`
   * @param past   of the tokens before, [] at first; still the caller's afterwards
   * @returns [B, 1, D], and the past with this token; caller disposes
   * @throws Error with windows that skip what is left over
   */
  step(
    x: tf.Tensor3D,
    {memory, past}: {readonly memory: T5Cache; readonly past: T5Cache},
  ): {output: tf.Tensor3D; past: T5Cache} {
    demandWidth('T5Stack', x, this.config.width);
    const {window} = this.config;
    const position = past[0]?.key.shape[2] ?? 0;
    if (window?.leftover === 'skipped') {
      throw new Error(
        "T5Stack: which tokens are skipped depends on the last one, so it cannot go token by token: take leftover 'attended'.",
      );
    }
    return tf.tidy(() => {
      const longer: T5Cache = [];
      let output = x;
      this.layers.forEach((layer, index) => {
        const from = window === undefined ? 0 : windowStart(position, index, window);
        const normal = layer.normal(output);
        const now = layer.attention.project(normal);
        const before = past[index];
        const {key, value} = before === undefined ? now : joinKeysAndValues(before, now);
        longer.push({key, value});
        const bias = this.positions.apply(1, position + 1 - from);
        const to = since({key, value}, from);
        const attended = layer.attention.attend({query: normal, to, bias}).output;
        output = layer.apply(output, attended, {to: memory[index]!});
      });
      return {output: this.norm.apply(output), past: longer};
    });
  }

  get weights(): Weights {
    const layers = this.layers.map((layer, index) => [`layers.${index}`, layer] as const);
    const {positions, norm} = this;
    return joinWeights({positions, ...Object.fromEntries(layers), norm});
  }

  dispose(): void {
    for (const variable of Object.values(this.weights)) variable.dispose();
  }

  private isRecomputed(layer: number): boolean {
    const {recomputeRate} = this.config;
    if (recomputeRate === undefined) return false;
    return recomputeRate === 1 || layer % recomputeRate !== 0;
  }

  private selfMask(length: number, mask: tf.Tensor4D | undefined): tf.Tensor4D | undefined {
    if (!this.config.isDecoder) return mask;
    const causal = causalMask(length);
    return mask === undefined ? causal : eitherMask(causal, mask);
  }
}

/** Keys and values from a position on. */
function since({key, value}: KeysAndValues, from: number): KeysAndValues {
  if (from === 0) return {key, value};
  const [B, H, T, Dh] = key.shape;
  const part = (all: tf.Tensor4D): tf.Tensor4D => all.slice([0, 0, from, 0], [B, H, T - from, Dh]);
  return {key: part(key), value: part(value)};
}

/** The memory in the heads of a layer of a decoder. */
function recalled(
  layer: T5Layer,
  memory: tf.Tensor3D | undefined,
  mask: tf.Tensor4D | undefined,
): Memory | undefined {
  if (memory === undefined || layer.crossAttention === undefined) return undefined;
  return {to: layer.crossAttention.project(memory), mask};
}
