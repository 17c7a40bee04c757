/**
 * Layer normalisation, and T5's of the root mean square alone, as one TensorFlow kernel of our own.
 * Source: misc/native/layer-norm.h.   Lesson: none.
 */
import type {KernelCall} from '../tensor/own-kernels';
import {tf} from '../tensor/tf';

/**
 * Normalises vectors over the last axis.
 * @param x     of any shape that ends in D
 * @param scale [D]
 * @param bias  [D]; without it the mean stays, and the root mean square becomes 1
 * @returns the shape of x
 */
export function normaliseByKernel(
  call: KernelCall,
  x: tf.Tensor,
  {scale, bias, epsilon}: {scale: tf.Tensor; bias?: tf.Tensor; epsilon: number},
): tf.Tensor {
  const run = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const save = args.at(-1) as tf.GradSaveFunc;
    const [x, scale, added = tf.zeros([0])] = args.slice(0, -1) as tf.Tensor[];
    const settings = tf.scalar(epsilon);
    const [y, normal, inverse] = call('LatentLayerNorm', [x!, scale!, added, settings], 3);
    save([normal!, inverse!, scale!, added]);
    return {
      value: y!,
      gradFunc: (gradient: tf.Tensor, saved: tf.Tensor[]) => {
        const gradients = call('LatentLayerNormGradient', [gradient, ...saved], 3);
        return bias === undefined ? gradients.slice(0, 2) : gradients;
      },
    };
  });
  return bias === undefined ? run(x, scale) : run(x, scale, bias);
}
