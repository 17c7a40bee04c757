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

/** Which frames a decoder is fed at all steps, feature-major. */
export interface FramePlan {
  /** [F, N, B] the true frame before each step, zeros where the own frame is fed; none when running freely */
  readonly truth?: tf.Tensor3D;
  /** [1, N, B], or [1, N, 1] for all examples: 1 where the decoder's own frame is fed, else 0 */
  readonly open: tf.Tensor3D;
}

/** The decoder's own frame at every step; nothing at step 0. */
export function runFreely(steps: number): FramePlan {
  return {open: notAtFirst(steps)};
}

/**
 * The true frame where the coin is 1, else the decoder's own; nothing at step 0.
 * @throws ShapeError when the signal has another number of frames, or coins are neither [N] nor [B, N]
 */
export function forceFrames(
  steps: number,
  samplesPerFrame: number,
  {signal, coins}: TeacherForcing,
): FramePlan {
  const remedy = `One coin a step, ${steps} steps; [B, ${steps}] for coins of each example.`;
  const pattern = coins.rank === 1 ? `${steps}` : `B ${steps}`;
  sizes('TeacherForcing', {signal: 'B T', coins: pattern}, {signal, coins}, remedy);
  return tf.tidy(() => {
    const own = tf.sub(1, coins.transpose()).reshape([1, steps, -1]); // [1, N, B] or [1, N, 1]
    const open = own.mul<tf.Tensor3D>(notAtFirst(steps));
    const before = signal.slice([0, 0], [-1, (steps - 1) * samplesPerFrame]).pad([
      [0, 0],
      [samplesPerFrame, 0],
    ]); // [B, N·F], one frame late
    const truth = before.reshape([-1, steps, samplesPerFrame]).transpose([2, 1, 0]); // [F, N, B]
    return {truth: truth.mul<tf.Tensor3D>(tf.sub(1, open)), open};
  });
}

/** [1, N, 1]: 0, 1, 1, … */
function notAtFirst(steps: number): tf.Tensor3D {
  return tf.tensor3d(
    Array.from({length: steps}, (_, step) => Math.min(step, 1)),
    [1, steps, 1],
  );
}
