/**
 * A gated recurrent unit over all its time steps, with the backward pass through time written by hand.
 * Source: Cho et al. 2014; Werbos 1990 (backpropagation through time).   Lesson: notebooks/02-gru-sinusoids.
 *
 * A step is a dozen operations on small tensors, so their number is what it costs. Tensors are
 * feature-major, [features, B]: gates then come apart along the first axis, which moves no memory.
 * Inputs, biases and state go through one product, and the backward pass has one product a step.
 */
import {ownKernels} from '../tensor/own-kernels';
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';
import {statesByKernel} from './gru-kernel';

/** What a recurrence over T steps is made of. A column is one example of the batch. */
export interface Recurrence {
  /** [J, T, B] what enters at each step; a row of ones carries the biases */
  readonly inputs: tf.Tensor3D;
  /**
   * [4H, K] in blocks of H rows: reset r, update z, the candidate's recurrent part u, which r will
   * scale, and its input part v. Columns: H for the state, H for the state fed back (with
   * `feedback`), J for the inputs.
   */
  readonly kernel: tf.Tensor2D;
  /** [H, B] the state before the first step */
  readonly initial: tf.Tensor2D;
  /**
   * [1, T, B] or, the same for all examples, [1, T, 1]: what the state fed back is multiplied by, a way
   * from output to input that can be shut for a step and an example. A constant: it gets no gradient.
   */
  readonly feedback?: tf.Tensor3D;
}

/**
 * The states after every step.
 *
 *   [aʳ; aᶻ; u; v] = kernel · [hₜ₋₁; feedbackₜ hₜ₋₁; inputsₜ]
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

/** Which states the caller asks for, and so of which states gradients arrive. */
type Wanted = 'all' | 'last';

function differentiable(recurrence: Recurrence, wanted: Wanted): tf.Tensor {
  const {inputs, kernel, initial, feedback} = recurrence;
  const {H, J, T} = sizes(
    'Recurrence',
    {initial: 'H B', inputs: 'J T B', kernel: '4H K'},
    {initial, inputs, kernel},
  );
  const columns = (feedback === undefined ? H : 2 * H) + J;
  sizes('Recurrence', {kernel: `${4 * H} ${columns}`}, {kernel});
  if (feedback !== undefined) {
    const batch = feedback.shape[2] === 1 ? '1' : 'B';
    sizes('Recurrence', {inputs: 'J T B', feedback: `1 T ${batch}`}, {inputs, feedback});
  }
  const call = ownKernels();
  if (call !== undefined) {
    const states = statesByKernel(call, recurrence);
    return wanted === 'all' ? states : states.slice([0, T - 1, 0], [-1, 1, -1]).squeeze([1]);
  }
  const run = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [inputs, kernel, initial] = args as [tf.Tensor3D, tf.Tensor2D, tf.Tensor2D];
    const save = args[3] as tf.GradSaveFunc;
    const {states, carried, ...trace} = forward({...recurrence, inputs, kernel, initial});
    const masks = feedback === undefined ? [] : [feedback];
    save([...TRACED.map(key => tf.stack(trace[key])), tf.stack(carried, 1), kernel, ...masks]);
    return {
      value: wanted === 'all' ? tf.stack(states, 1) : states.at(-1)!.clone(),
      gradFunc: (gradient: tf.Tensor, saved: tf.Tensor[]) => backward(gradient, saved, wanted),
    };
  });
  return run(inputs, kernel, initial);
}

/** What a backward pass needs of the forward pass, T entries each. */
interface Trace {
  /** [H, B] r */
  readonly reset: tf.Tensor2D[];
  /** [H, B] z */
  readonly update: tf.Tensor2D[];
  /** [H, B] n */
  readonly candidate: tf.Tensor2D[];
  /** [H, B] r ⊙ u */
  readonly scaled: tf.Tensor2D[];
  /** [H, B] z ⊙ (hₜ₋₁ − n) */
  readonly kept: tf.Tensor2D[];
  /** [K, B] what the kernel was multiplied by */
  readonly carried: tf.Tensor2D[];
  /** [H, B] hₜ */
  readonly states: tf.Tensor2D[];
}

const TRACED = ['reset', 'update', 'candidate', 'scaled', 'kept'] as const;

function forward({inputs, kernel, initial, feedback}: Recurrence): Trace {
  const masks = feedback === undefined ? [] : perStep(feedback); // T × [1, B]
  const trace: Trace = {
    reset: [],
    update: [],
    candidate: [],
    scaled: [],
    kept: [],
    carried: [],
    states: [],
  };
  let state = initial; // [H, B]
  perStep(inputs).forEach((input, step) => {
    const mask = masks[step];
    const fedBack = mask === undefined ? [] : [state.mul<tf.Tensor2D>(mask)];
    const carried = tf.concat2d([state, ...fedBack, input], 0); // [K, B]
    const [aReset, aUpdate, u, v] = tf.split(tf.matMul(kernel, carried), 4, 0) as [
      tf.Tensor2D,
      tf.Tensor2D,
      tf.Tensor2D,
      tf.Tensor2D,
    ]; // each [H, B]
    const reset = aReset.sigmoid();
    const update = aUpdate.sigmoid();
    const scaled = reset.mul<tf.Tensor2D>(u);
    const candidate = scaled.add<tf.Tensor2D>(v).tanh();
    const kept = update.mul<tf.Tensor2D>(state.sub(candidate));
    state = candidate.add<tf.Tensor2D>(kept);
    const row = {reset, update, candidate, scaled, kept, carried, states: state};
    for (const key of Object.keys(row) as (keyof Trace)[]) trace[key].push(row[key]);
  });
  return trace;
}

/**
 * The gradient of each gate is the state's gradient times a slope that the forward pass fixes. Slopes
 * are computed for all steps at once, and the products with inputs and state after the last step.
 *
 * @param gradient [H, T, B] or [H, B]: of the states that were returned
 * @returns the gradients of inputs, kernel and initial
 */
function backward(gradient: tf.Tensor, saved: readonly tf.Tensor[], wanted: Wanted): tf.Tensor[] {
  const [reset, update, candidate, scaled, kept] = saved.slice(0, 5) as Five<tf.Tensor3D>;
  const [carried, kernel, feedback] = saved.slice(5) as [tf.Tensor3D, tf.Tensor2D, tf.Tensor3D?];
  const [T, H, B] = reset.shape;
  const K = carried.shape[0];
  const ofStates = feedback === undefined ? H : 2 * H;
  const renewed = tf.sub(1, update); // [T, H, B]
  const toV = renewed.mul(tf.sub(1, candidate.square()));
  const toReset = toV.mul(scaled.mul(tf.sub(1, reset)));
  const slopes = tf.concat([toReset, kept.mul(renewed), toV.mul(reset), toV, update], 1);
  const slopesOfStep = tf.unstack(slopes) as tf.Tensor2D[]; // T × [5H, B]
  const toPrevious = tf.concat2d([kernel.slice([0, 0], [-1, ofStates]), tf.eye(H, ofStates)], 0);
  const back = toPrevious.transpose<tf.Tensor2D>(); // [H, 5H], or [2H, 5H] with feedback
  const arriving = wanted === 'all' ? perStep(gradient as tf.Tensor3D) : []; // T × [H, B]
  const masks = feedback === undefined ? [] : perStep(feedback); // T × [1, B]

  const parts: tf.Tensor2D[] = []; // T × [5H, B]: of r, z, u, v, and of the state kept
  let ofState = (wanted === 'all' ? arriving[T - 1] : gradient) as tf.Tensor2D; // [H, B]
  for (let step = T - 1; step >= 0; step--) {
    const spread = tf.concat2d([ofState, ofState, ofState, ofState, ofState], 0);
    const part = spread.mul<tf.Tensor2D>(slopesOfStep[step]!);
    parts[step] = part;
    const mask = masks[step];
    ofState = tf.matMul(back, part); // [H, B], or [2H, B] with feedback
    if (mask !== undefined) {
      const [direct, fedBack] = tf.split(ofState, 2, 0) as [tf.Tensor2D, tf.Tensor2D];
      ofState = direct.add<tf.Tensor2D>(fedBack.mul(mask));
    }
    const arrived = arriving[step - 1];
    if (arrived !== undefined) ofState = ofState.add<tf.Tensor2D>(arrived);
  }
  const ofGates = tf
    .stack(parts, 1)
    .slice(0, 4 * H)
    .reshape<tf.Tensor2D>([4 * H, T * B]);
  const ofKernel = tf.matMul(ofGates, carried.reshape<tf.Tensor2D>([K, T * B]), false, true);
  const ofInputs = tf.matMul(kernel.slice([0, ofStates], [-1, -1]), ofGates, true); // [J, T·B]
  return [ofInputs.reshape([-1, T, B]), ofKernel, ofState];
}

type Five<T> = [T, T, T, T, T];

/** [F, T, B] → T × [F, B] */
const perStep = (x: tf.Tensor3D): tf.Tensor2D[] => tf.unstack(x, 1) as tf.Tensor2D[];
