/**
 * Teacher forcing: which frames a decoder is fed, its own or the true ones, decided by coins.
 * Source: Williams & Zipser 1989; scheduled as in Bengio et al. 2015.   Lesson: notebooks/02-gru-sinusoids.
 */
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/** True signals for a decoder that writes F samples in each of N = ⌈T / F⌉ steps. */
export interface TeacherForcing {
  /** [B, T] */
  readonly signal: tf.Tensor2D;
  /**
   * [N] one coin a step for the whole batch, as the source, or [B, N] one an example: 1 feeds the true
   * frame before this step, 0 the decoder's own. There is no frame before step 0: its coin is ignored.
   */
  readonly coins: tf.Tensor<tf.Rank.R1 | tf.Rank.R2>;
}

/** A decoder's inputs at all steps, feature-major. W is B, or 1 where all examples are fed alike. */
export interface DecoderInputs {
  /** [F, N, W] what is fed whatever the decoder writes: the true frame, or the own frame's bias */
  readonly fixed: tf.Tensor3D;
  /** [1, N, W] 1 where the own frame counts, 0 where the true frame stands in its place */
  readonly open: tf.Tensor3D;
}

/** The decoder's own frame at every step, zeros at step 0. @param bias [F] of a frame */
export function freeInputs(bias: tf.Tensor1D, steps: number): DecoderInputs {
  const {F} = sizes('freeInputs', {bias: 'F'}, {bias});
  return tf.tidy(() => {
    const open = notAtFirst(steps);
    return {open, fixed: bias.reshape([F, 1, 1]).mul<tf.Tensor3D>(open)};
  });
}

/**
 * The true frame where the coin is 1, else the decoder's own; zeros at step 0.
 * @param bias [F] of a frame
 * @throws ShapeError when coins are neither [N] nor [B, N]
 */
export function forcedInputs(
  bias: tf.Tensor1D,
  steps: number,
  {signal, coins}: TeacherForcing,
): DecoderInputs {
  const {F} = sizes('forcedInputs', {bias: 'F', signal: 'B T'}, {bias, signal});
  const pattern = coins.rank === 1 ? `${steps}` : `B ${steps}`;
  const remedy = `One coin a step, ${steps} steps; [B, ${steps}] for coins of each example.`;
  sizes('forcedInputs', {signal: 'B T', coins: pattern}, {signal, coins}, remedy);
  return tf.tidy(() => {
    const own = tf.sub(1, coins.transpose()).reshape<tf.Tensor3D>([1, steps, -1]); // [1, N, W]
    const open = own.mul<tf.Tensor3D>(notAtFirst(steps));
    const before = signal.slice([0, 0], [-1, (steps - 1) * F]).pad([
      [0, 0],
      [F, 0],
    ]); // [B, N·F], one frame late
    const truth = before.reshape([-1, steps, F]).transpose([2, 1, 0]); // [F, N, B]
    const fixed = truth.mul(tf.sub(1, open)).add<tf.Tensor3D>(bias.reshape([F, 1, 1]).mul(open));
    return {fixed, open};
  });
}

/** [1, N, 1]: 0, 1, 1, … */
function notAtFirst(steps: number): tf.Tensor3D {
  return tf.tensor3d(
    Array.from({length: steps}, (_, step) => Math.min(step, 1)),
    [1, steps, 1],
  );
}
