/**
 * A decoder of signals: a GRU cell that writes a frame of samples a step and reads it at the next one.
 * Source: AdamGabrys/WorkshopOnSignalReconstructionWithVAE, notebook 2, SinDecoder.   Lesson: notebooks/02-gru-sinusoids.
 */
import {Dense} from '../layers/dense';
import {gateBlocks, GruCell} from '../layers/gru';
import {allStates} from '../layers/gru-recurrence';
import {joinWeights, type Weights} from '../layers/weights';
import type {Random} from '../tensor/random';
import {ShapeError, sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {forceFrames, runFreely, type TeacherForcing} from './teacher-forcing';

export interface FrameDecoderConfig {
  /** L */
  readonly latents: number;
  /** F, samples that are written at each step */
  readonly samplesPerFrame: number;
  /** H, size of the state */
  readonly units: number;
}

export class FrameDecoder {
  private readonly cell: GruCell;
  private readonly projection: Dense;

  /** @throws RangeError when a size is no positive integer */
  constructor(
    readonly config: FrameDecoderConfig,
    random: Random,
  ) {
    const {latents, samplesPerFrame, units} = config;
    this.cell = new GruCell({inputs: latents + samplesPerFrame, units}, random.stream('cell'));
    this.projection = new Dense(
      {inputs: units, units: samplesPerFrame},
      random.stream('projection'),
    );
  }

  /**
   * The signal of each latent vector. Step t of N = ⌈T / F⌉ feeds the cell with the latents and the
   * frame before: zeros at step 0, then its own frame, or the true one where a coin says so.
   *
   *   hₜ = cell([z, xₜ], hₜ₋₁)   frameₜ = projection(hₜ)   xₜ₊₁ = frameₜ or the true frame   h₋₁ = 0
   *
   * The state lives in this call alone: nothing is kept between batches.
   *
   * @param z       [B, L], or [1, L] for all examples of the forcing signal
   * @param length  T, in samples; the last frame is cut where T is no multiple of F
   * @param forcing true signals of that length; without them the decoder runs freely
   * @returns [B, T]
   * @throws ShapeError when a shape does not fit; RangeError when the length is no positive integer
   */
  apply(z: tf.Tensor2D, length: number, forcing?: TeacherForcing): tf.Tensor2D {
    const {samplesPerFrame} = this.config;
    this.check(z, length, forcing);
    const steps = Math.ceil(length / samplesPerFrame);
    return tf.tidy(() => {
      const {kernel, bias} = this.projection;
      const states = this.states(z, steps, forcing); // [H, N, B]
      const frames = tf
        .matMul(kernel, states.reshape<tf.Tensor2D>([states.shape[0], -1]), true)
        .add(bias.expandDims(1)); // [F, N·B]
      return frames
        .reshape([samplesPerFrame, steps, -1])
        .transpose([2, 1, 0])
        .reshape<tf.Tensor2D>([-1, steps * samplesPerFrame]) // [B, N·F]
        .slice([0, 0], [-1, length]);
    });
  }

  get weights(): Weights {
    return joinWeights({cell: this.cell, projection: this.projection});
  }

  dispose(): void {
    this.cell.dispose();
    this.projection.dispose();
  }

  /**
   * The cell's states, with no frame computed on the way: a frame is linear in the state, so what it
   * gives to the gates is a product with the state, and all frames are made at once afterwards.
   * @returns [H, N, B]
   */
  private states(z: tf.Tensor2D, steps: number, forcing?: TeacherForcing): tf.Tensor3D {
    const {latents, samplesPerFrame, units} = this.config;
    const {kernel, bias} = this.projection;
    const {truth, open} =
      forcing === undefined ? runFreely(steps) : forceFrames(steps, samplesPerFrame, forcing);
    const batch = Math.max(z.shape[0], truth?.shape[2] ?? 1); // B
    const ones = tf.ones<tf.Rank.R3>([1, steps, batch]);
    const blocks = gateBlocks(this.cell);
    const [ofLatents, ofFrame] = tf.split(blocks.input, [latents, samplesPerFrame], 1) as [
      tf.Tensor2D,
      tf.Tensor2D,
    ]; // [4H, L] and [4H, F]
    const toFrame = tf.concat2d([kernel, bias.expandDims<tf.Tensor2D>(0)], 0); // [H + 1, F]
    const ofOwnFrame: tf.Tensor2D = tf.matMul(ofFrame, toFrame, false, true); // [4H, H + 1]: of the state, and 1
    const rows = [
      {columns: ofOwnFrame, inputs: open.mul<tf.Tensor3D>(ones)},
      {columns: ofLatents, inputs: z.transpose().expandDims(1).mul<tf.Tensor3D>(ones)},
      {columns: blocks.bias, inputs: ones},
      ...(truth === undefined ? [] : [{columns: ofFrame, inputs: truth}]),
    ];
    const allInputs = rows.map(({inputs}) => inputs);
    return allStates({
      inputs: tf.concat3d(allInputs, 0), // [1 + L + 1 + F, N, B]
      kernel: tf.concat2d([blocks.state, ...rows.map(({columns}) => columns)], 1),
      initial: tf.zeros([units, batch]),
      feedback: open,
    });
  }

  private check(z: tf.Tensor2D, length: number, forcing?: TeacherForcing): void {
    if (!Number.isInteger(length) || length < 1) {
      throw new RangeError(`FrameDecoder: length is ${length}, expected a positive integer.`);
    }
    const {R} = sizes('FrameDecoder', {z: `R ${this.config.latents}`}, {z});
    if (forcing === undefined) return;
    const {B} = sizes('FrameDecoder', {signal: `B ${length}`}, {signal: forcing.signal});
    if (R !== 1 && R !== B) {
      throw new ShapeError(`FrameDecoder: z has ${R} rows, expected 1 or the signal's ${B}.`);
    }
  }
}
