/**
 * Gradient checkpointing: forget what a part of a model computed, and compute it again when its gradient is due.
 * Source: Chen et al. 2016, arXiv:1604.06174; tf.recompute_grad.   Lesson: notebooks/06-mmd-transformer-vae.
 */
import {IDENTITY_AFTER, isRecording} from './graph-recorder';
import {dtypeNumber, nativeBackend} from './native-backend';
import {tf} from './tf';

/** What a part that is computed again depends on. */
export interface RecomputeOptions<X extends readonly tf.Tensor[], C extends readonly tf.Tensor[]> {
  /** What goes in and gets a gradient. */
  readonly inputs: X;
  /** What goes in and gets none: masks, ids, seeds. With the inputs, all that is kept. */
  readonly constants?: C;
  /** The variables that it uses: one that is left out gets no gradient. */
  readonly weights: readonly tf.Variable[];
}

/**
 * A function's value, whose gradient comes from running it once more: a third more work, and memory for
 * the largest part instead of all of them.
 *
 *   x = recompute(x => layer.apply(x), {inputs: [x], weights: Object.values(layer.weights)});
 *
 * Values and gradients are the same, with or without it, eager and compiled. Noise inside must come from
 * a seed tensor, or the second run would draw other noise. First gradients only.
 *
 * @param part a pure function of inputs and constants; it may use no other tensor that is made outside
 *   and disposed before the backward pass
 * @returns what it returns, one tensor
 */
export function recompute<
  X extends readonly tf.Tensor[],
  Y extends tf.Tensor,
  C extends readonly tf.Tensor[] = readonly [],
>(part: (...given: [...X, ...C]) => Y, options: RecomputeOptions<X, C>): Y {
  const {inputs, weights} = options;
  const constants: readonly tf.Tensor[] = options.constants ?? [];
  const perform = part as unknown as (...given: tf.Tensor[]) => Y;
  const run = tf.customGrad<Y>((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const save = args.at(-1) as tf.GradSaveFunc;
    const given = args.slice(0, inputs.length) as tf.Tensor[];
    save([...given, ...constants]);
    return {
      value: tf.tidy(() => perform(...given, ...constants)),
      gradFunc: (gradient: tf.Tensor, saved: tf.Tensor[]) => {
        const [again, fixed] = [saved.slice(0, inputs.length), saved.slice(inputs.length)];
        return gradientsOf((...given) => perform(...given, ...fixed), again, weights, gradient);
      },
    };
  });
  return run(...inputs, ...weights);
}

function gradientsOf(
  part: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
  weights: readonly tf.Variable[],
  gradient: tf.Tensor,
): tf.Tensor[] {
  return withTapeOfItsOwn(() => {
    const again = after(gradient, inputs);
    const wanted = [...again, ...weights];
    const {grads} = tf.engine().gradients(() => part(...again), wanted, gradient, true);
    return wanted.map((tensor, index) => {
      return grads[index] ?? tf.zeros(tensor.shape);
    });
  });
}

/** A gradient within a backward pass would end the tape that this pass still reads. */
function withTapeOfItsOwn<T>(body: () => T): T {
  const {state} = tf.engine();
  const outer = state.activeTape;
  try {
    return body();
  } finally {
    state.activeTape = outer;
  }
}

/**
 * The tensors as they are; in a recording, only once another one is there. Without it TensorFlow's
 * optimizer sees two equal computations, keeps one, and with it all that should have been forgotten; or
 * runs the second at once. (It also sees through an IdentityN of all of them.)
 */
function after(other: tf.Tensor, tensors: readonly tf.Tensor[]): tf.Tensor[] {
  const backend = nativeBackend();
  if (backend === undefined || !isRecording()) return tensors.map(tensor => tensor.clone());
  return tensors.map(tensor => {
    const type = {name: 'T', type: backend.binding.TF_ATTR_TYPE, value: dtypeNumber(tensor.dtype)};
    const ids = backend.getInputTensorIds([tensor, other]);
    const [handle] = backend.binding.executeOp(IDENTITY_AFTER, [type], ids, 1);
    return backend.createOutputTensor(handle!);
  });
}
