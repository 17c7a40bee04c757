/**
 * A gated recurrent unit over all its time steps, with the backward pass through time written by hand.
 * Source: Cho et al. 2014; Werbos 1990 (backpropagation through time).   Lesson: notebooks/02-gru-sinusoids.
 *
 * Everything here is feature-major, [features, T, B]: cutting gates apart is then cutting along the
 * first axis, which moves no memory, and the products over all steps are plain matrix products.
 */
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/** What a recurrence over T steps is made of. A column is one example of the batch. */
export interface Recurrence {
  /**
   * [4H, T, B] what the gates receive from outside the recurrence, both biases included, in blocks of
   * H rows: reset r, update z, the candidate's recurrent part (which r will scale), the candidate's input part
   */
  readonly gates: tf.Tensor3D;
  /** [4H, K] what the gates receive from the previous state, same blocks; K = H, or 2H with `feedback` */
  readonly recurrent: tf.Tensor2D;
  /** [H, B] the state before the first step */
  readonly initial: tf.Tensor2D;
  /**
   * [1, T, B] or, the same for all examples, [1, T, 1]. With it, step t multiplies `recurrent` by the
   * state and, below it, the state times feedback[t]: a way back from the output to the input that
   * can be shut for a step and an example. It is a constant: no gradient reaches it.
   */
  readonly feedback?: tf.Tensor3D;
}

/**
 * The states after every step.
 *
 *   [aʳ; aᶻ; u; v] = gatesₜ + recurrent · hₜ₋₁          (· [hₜ₋₁; feedbackₜ hₜ₋₁] with feedback)
 *   r = σ(aʳ)   z = σ(aᶻ)   n = tanh(v + r ⊙ u)
 *   hₜ = (1 − z) ⊙ n + z ⊙ hₜ₋₁
 *
 * @returns [H, T, B]
 * @throws ShapeError when the shapes do not fit
 */
export function allStates(recurrence: Recurrence): tf.Tensor3D {
  return differentiable(recurrence, 'all') as tf.Tensor3D;
}

/**
 * The state after the last step: as `allStates`, with less to copy.
 * @returns [H, B]
 * @throws ShapeError when the shapes do not fit
 */
export function lastState(recurrence: Recurrence): tf.Tensor2D {
  return differentiable(recurrence, 'last') as tf.Tensor2D;
}

type Four = [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];

/** [F, T, B] → T × [F, B] */
const perStep = (x: tf.Tensor3D): tf.Tensor2D[] => tf.unstack(x, 1) as tf.Tensor2D[];

/** Which states the caller asks for, and so of which states gradients arrive. */
type Wanted = 'all' | 'last';

function differentiable(recurrence: Recurrence, wanted: Wanted): tf.Tensor {
  const {gates, recurrent, initial, feedback} = recurrence;
  const {H} = sizes('Recurrence', {initial: 'H B'}, {initial});
  const width = feedback === undefined ? H : 2 * H;
  sizes(
    'Recurrence',
    {initial: 'H B', gates: `${4 * H} T B`, recurrent: `${4 * H} ${width}`},
    {initial, gates, recurrent},
  );
  if (feedback !== undefined) {
    const batch = feedback.shape[2] === 1 ? '1' : 'B';
    sizes('Recurrence', {gates: 'G T B', feedback: `1 T ${batch}`}, {gates, feedback});
  }
  const run = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [gates, recurrent, initial] = args as [tf.Tensor3D, tf.Tensor2D, tf.Tensor2D];
    const save = args[3] as tf.GradSaveFunc;
    const trace = forward({...recurrence, gates, recurrent, initial});
    const masks = feedback === undefined ? [] : [feedback];
    save([...traceKeys.map(key => tf.stack(trace[key], 1)), recurrent, ...masks]);
    return {
      value: wanted === 'all' ? tf.stack(trace.states, 1) : trace.states.at(-1)!.clone(),
      gradFunc: (gradient: tf.Tensor, saved: tf.Tensor[]) => backward(gradient, saved, wanted),
    };
  });
  return run(gates, recurrent, initial);
}

/** What the backward pass needs of the forward pass, an entry a step. */
interface Trace {
  /** [K, B] what `recurrent` was multiplied by */
  readonly carried: tf.Tensor2D[];
  readonly reset: tf.Tensor2D[];
  readonly update: tf.Tensor2D[];
  readonly candidate: tf.Tensor2D[];
  /** u, the candidate's recurrent part before r scales it */
  readonly recurrentPart: tf.Tensor2D[];
  readonly states: tf.Tensor2D[];
}

const traceKeys = ['carried', 'reset', 'update', 'candidate', 'recurrentPart'] as const;

function forward({gates, recurrent, initial, feedback}: Recurrence): Trace {
  const trace: Trace = {
    carried: [],
    reset: [],
    update: [],
    candidate: [],
    recurrentPart: [],
    states: [],
  };
  const masks = feedback === undefined ? [] : perStep(feedback); // T × [1, B]
  let state = initial; // [H, B]
  perStep(gates).forEach((gatesOfStep, step) => {
    const mask = masks[step];
    const carried =
      mask === undefined ? state : tf.concat2d([state, state.mul<tf.Tensor2D>(mask)], 0); // [K, B]
    const sum = tf.matMul(recurrent, carried).add<tf.Tensor2D>(gatesOfStep); // [4H, B]
    const [r, z, u, v] = tf.split(sum, 4, 0) as Four; // each [H, B]
    const reset = r.sigmoid();
    const update = z.sigmoid();
    const candidate = reset.mul(u).add<tf.Tensor2D>(v).tanh();
    state = candidate.add<tf.Tensor2D>(update.mul(state.sub(candidate)));
    trace.carried.push(carried);
    trace.reset.push(reset);
    trace.update.push(update);
    trace.candidate.push(candidate);
    trace.recurrentPart.push(u);
    trace.states.push(state);
  });
  return trace;
}

/**
 * The gradient of every gate is the state's gradient times a number that the forward pass fixes, so
 * these numbers are computed for all steps at once; what is left a step is one product of matrices.
 *
 * @param gradient [H, T, B] or [H, B]: of the states that were returned
 * @returns the gradients of gates, recurrent and initial
 */
function backward(gradient: tf.Tensor, saved: readonly tf.Tensor[], wanted: Wanted): tf.Tensor[] {
  const [carried, reset, update, candidate, recurrentPart] = saved as tf.Tensor3D[];
  const [recurrent, feedback] = saved.slice(traceKeys.length) as [tf.Tensor2D, tf.Tensor3D?];
  const [H, T, B] = reset!.shape;
  const K = carried!.shape[0];
  return tf.tidy(() => {
    const previous = carried!.slice(0, H); // [H, T, B]
    const renewed = tf.sub(1, update!);
    const toInputPart = renewed.mul(tf.sub(1, candidate!.square()));
    const toRecurrentPart = toInputPart.mul(reset!);
    const toReset = toRecurrentPart.mul(recurrentPart!).mul(tf.sub(1, reset!));
    const toUpdate = previous.sub(candidate!).mul(update!).mul(renewed);
    const slopes = tf.concat([toReset, toUpdate, toRecurrentPart, toInputPart, update!], 0);
    const slopesOfStep = perStep(slopes as tf.Tensor3D); // T × [5H, B]
    const back = tf.concat2d([recurrent, tf.eye(H, K)], 0); // [5H, K]
    const arriving = wanted === 'all' ? perStep(gradient as tf.Tensor3D) : []; // T × [H, B]
    const masks = feedback === undefined ? [] : perStep(feedback); // T × [1, B]

    const spread: tf.Tensor2D[] = []; // T × [5H, B]
    let ofState = (wanted === 'all' ? arriving[T - 1]! : gradient) as tf.Tensor2D; // [H, B]
    for (let step = T - 1; step >= 0; step--) {
      const five = tf.concat2d([ofState, ofState, ofState, ofState, ofState], 0);
      const parts = five.mul<tf.Tensor2D>(slopesOfStep[step]!);
      spread[step] = parts;
      const ofCarried: tf.Tensor2D = tf.matMul(back, parts, true); // [K, B]
      const mask = masks[step];
      if (mask === undefined) {
        ofState = ofCarried;
      } else {
        const [direct, fedBack] = tf.split(ofCarried, 2, 0) as [tf.Tensor2D, tf.Tensor2D];
        ofState = direct.add<tf.Tensor2D>(fedBack.mul(mask));
      }
      const fromOutput = arriving[step - 1];
      if (fromOutput !== undefined) ofState = ofState.add<tf.Tensor2D>(fromOutput);
    }
    const ofGates = tf.stack(spread, 1).slice(0, 4 * H); // [4H, T, B]
    const columns = ofGates.reshape<tf.Tensor2D>([4 * H, T * B]);
    const ofRecurrent = tf.matMul(columns, carried!.reshape([K, T * B]), false, true); // [4H, K]
    return [ofGates, ofRecurrent, ofState];
  });
}
