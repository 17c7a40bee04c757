/**
 * The recurrence of a GRU as one TensorFlow kernel of our own, forwards and back, in graphs that are recorded.
 * Source: misc/native/recurrence.h.   Lesson: none.
 *
 * As ops of TensorFlow's a step of time is a dozen calls of a microsecond each for a few thousand
 * multiplications. Run eagerly, the ops stay: what the kernel gives is held against them.
 */
import {isRecording} from '../tensor/graph-recorder';
import {nativeBackend, type NativeBackend} from '../tensor/native-backend';
import {nativeKernels} from '../tensor/native-kernels';
import {tf} from '../tensor/tf';
import type {Recurrence} from './gru-recurrence';

/** Whether a recurrence may be the kernel here: while a graph is recorded, where kernels are built. */
export function hasRecurrenceKernel(): boolean {
  return isRecording() && nativeKernels().used;
}

/**
 * What `allStates` gives, with the same gradients.
 * @returns [H, T, B]
 */
export function statesOfKernel({inputs, kernel, initial, feedback}: Recurrence): tf.Tensor3D {
  const backend = nativeBackend() as NativeBackend;
  const run = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const given = [...args.slice(0, 3), feedback ?? tf.zeros([0])] as tf.Tensor[];
    const [states, trace] = backend.executeMultipleOutputs('LatentRecurrence', [], given, 2);
    (args[3] as tf.GradSaveFunc)([...given, states!, trace!]);
    return {
      value: states!,
      gradFunc: (gradient: tf.Tensor, saved: tf.Tensor[]) =>
        backend.executeMultipleOutputs('LatentRecurrenceGradient', [], [...saved, gradient], 3),
    };
  });
  return run(inputs, kernel, initial) as tf.Tensor3D;
}
