/**
 * The recurrence of a GRU as one TensorFlow kernel of our own, forwards and back.
 * Source: misc/native/recurrence.h.   Lesson: none.
 *
 * As ops of TensorFlow's a step of time is a dozen calls of a microsecond each, for a few thousand
 * multiplications.
 */
import type {KernelCall} from '../tensor/own-kernels';
import {tf} from '../tensor/tf';
import type {Recurrence} from './gru-recurrence';

/**
 * What `allStates` gives, with the same gradients.
 * @returns [H, T, B]
 */
export function statesByKernel(call: KernelCall, recurrence: Recurrence): tf.Tensor3D {
  const {inputs, kernel, initial, feedback} = recurrence;
  const run = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const given = [...args.slice(0, 3), feedback ?? tf.zeros([0])] as tf.Tensor[];
    const [states, trace] = call('LatentRecurrence', given, 2);
    (args[3] as tf.GradSaveFunc)([...given, states!, trace!]);
    return {
      value: states!,
      gradFunc: (gradient: tf.Tensor, saved: tf.Tensor[]) =>
        call('LatentRecurrenceGradient', [...saved, gradient], 3),
    };
  });
  return run(inputs, kernel, initial) as tf.Tensor3D;
}
