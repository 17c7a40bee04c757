/**
 * The parts between BART's encoder and its decoder: a pool, a posterior, and a bridge from z to memory.
 * Source: vae_bart.py of fxnnxc/text_summarization, mended; Li et al. 2020 (Optimus).   Lesson: notebooks/04-bart-vae.
 */
import {Dense} from '../layers/dense';
import {joinWeights, type Weighted, type Weights} from '../layers/weights';
import type {Posterior} from '../probability/gaussian';
import type {Random} from '../tensor/random';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/** What the decoder looks at beside its own past. */
export interface Memory {
  /** [B, S, C] */
  readonly memory: tf.Tensor3D;
  /** [B, 1, 1, S] 1 where a row of the memory is hidden; all are seen without it */
  readonly memoryMask?: tf.Tensor4D | undefined;
}

/** From states to one vector a sentence: [B, T, C] and [B, T], 1 where a token counts, to [B, C]. */
export type Pool = (states: tf.Tensor3D, counted: tf.Tensor2D) => tf.Tensor2D;

/** From one vector a sentence to its posterior: [B, C] → 2 × [B, L]. */
export interface Head extends Weighted {
  apply(pooled: tf.Tensor2D): Posterior;
}

/** From z to what the decoder looks at. What was encoded is there for those who want it. */
export interface Bridge extends Weighted {
  /** [B, L] and the encoder's states → memory */
  apply(z: tf.Tensor2D, encoded?: Memory): Memory;
}

/**
 * The mean of a sentence's states; padding has no part in it.
 *
 *   Σₜ countedₜ · statesₜ / Σₜ countedₜ
 *
 * @param states  [B, T, C]
 * @param counted [B, T] float32, 1 where a token counts; at least one in each row
 * @returns [B, C]
 */
export function maskedMean(states: tf.Tensor3D, counted: tf.Tensor2D): tf.Tensor2D {
  sizes('maskedMean', {states: 'B T C', counted: 'B T'}, {states, counted});
  return tf.tidy(() => {
    const total = states.mul(counted.expandDims(2)).sum<tf.Tensor2D>(1); // [B, C]
    return total.div(counted.sum(1, true));
  });
}

export interface PosteriorHeadConfig {
  /** C, the width of what comes in; C / 2 is the width between */
  readonly width: number;
  /** L */
  readonly latents: number;
}

/** C → C/2 → relu → L. @throws RangeError when half the width or L is no positive integer */
export function mlp({width, latents}: PosteriorHeadConfig, random: Random) {
  const half = width / 2;
  return {
    hidden: new Dense({inputs: width, units: half, activation: 'relu'}, random.stream('hidden')),
    output: new Dense({inputs: half, units: latents}, random.stream('output')),
  };
}

/** The source's mlp_mu and mlp_var, on the same vector. */
export class PosteriorHead implements Head {
  private readonly mean: ReturnType<typeof mlp>;
  private readonly logVar: ReturnType<typeof mlp>;

  /** @throws RangeError when half the width or L is no positive integer */
  constructor(config: PosteriorHeadConfig, random: Random) {
    this.mean = mlp(config, random.stream('mean'));
    this.logVar = mlp(config, random.stream('logVar'));
  }

  /** [B, C] → 2 × [B, L] */
  apply(pooled: tf.Tensor2D): Posterior {
    const through = ({hidden, output}: ReturnType<typeof mlp>) =>
      output.apply(hidden.apply(pooled));
    return tf.tidy(() => ({mean: through(this.mean), logVar: through(this.logVar)}));
  }

  get weights(): Weights {
    const [mean, logVar] = [joinWeights(this.mean), joinWeights(this.logVar)];
    return joinWeights({mean: {weights: mean}, logVar: {weights: logVar}});
  }
}

export interface LatentTokensConfig {
  /** L */
  readonly latents: number;
  /** M, how many tokens the decoder finds */
  readonly tokens: number;
  /** C */
  readonly width: number;
}

/** z as M tokens that the decoder can tell apart: one dense layer, cut into M vectors. */
export class LatentTokens implements Bridge {
  private readonly dense: Dense;

  /** @throws RangeError when a size is no positive integer */
  constructor(
    private readonly config: LatentTokensConfig,
    random: Random,
  ) {
    const {latents, tokens, width} = config;
    this.dense = new Dense({inputs: latents, units: tokens * width}, random);
  }

  /** [B, L] → [B, M, C] */
  apply(z: tf.Tensor2D): Memory {
    const {tokens, width} = this.config;
    return {memory: tf.tidy(() => this.dense.apply(z).reshape([-1, tokens, width]))};
  }

  get weights(): Weights {
    return this.dense.weights;
  }
}
