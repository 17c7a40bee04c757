/**
 * Scaled dot-product attention as one TensorFlow kernel of our own, forwards and back.
 * Source: misc/native/attention.h.   Lesson: none.
 */
import type {KernelCall} from '../tensor/own-kernels';
import {tf} from '../tensor/tf';
import type {KeysAndValues} from './attention';

/**
 * What all heads attend to, with the scale 1 / √Dh.
 * @param query [B, Tq, D], its heads side by side; key and value in heads; mask as for `attend`
 * @returns [B, Tq, D]
 */
export function attendByKernel(
  call: KernelCall,
  query: tf.Tensor3D,
  {key, value}: KeysAndValues,
  mask: tf.Tensor4D | undefined,
): tf.Tensor3D {
  const run = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const scale = tf.scalar(1 / Math.sqrt(key.shape[3]));
    const hidden: tf.Tensor = mask ?? tf.zeros([0]);
    const given = [...(args.slice(0, 3) as tf.Tensor[]), hidden, scale];
    const [output, weights] = call('LatentAttention', given, 2);
    (args[3] as tf.GradSaveFunc)([...given, weights!]);
    return {
      value: output!,
      gradFunc: (gradient: tf.Tensor, saved: tf.Tensor[]) =>
        call('LatentAttentionGradient', [...saved, gradient], 3),
    };
  });
  return run(query, key, value) as tf.Tensor3D;
}
