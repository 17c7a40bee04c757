/**
 * The Bernoulli likelihood of pixels, from logits.
 * Source: Kingma & Welling 2014, App. C.1; the stable form is log(1 + exp) kept whole.   Lesson: notebooks/01-dense-vae.
 */
import {sizes} from '../tensor/shapes';
import {tf} from '../tensor/tf';

/**
 * Negative log likelihood of pixels under independent Bernoulli distributions.
 *
 *   −log p(x | logits) = Σᵢ (softplus(logitᵢ) − xᵢ · logitᵢ)
 *
 * It is finite for every finite logit: there is no logarithm of a rounded probability. For grey
 * levels between 0 and 1 it is the cross-entropy that the field reports; as a likelihood it is
 * exact for black and white pixels only.
 *
 * @param x      [B, D] in 0 … 1
 * @param logits [B, D] log odds, before any sigmoid
 * @returns [B] in nats; summed over pixels
 * @throws ShapeError when the two shapes differ
 */
export function bernoulliNegativeLogLikelihood(x: tf.Tensor2D, logits: tf.Tensor2D): tf.Tensor1D {
  sizes('bernoulliNegativeLogLikelihood', {x: 'B D', logits: 'B D'}, {x, logits});
  return tf.tidy(() => {
    const perPixel = tf.softplus(logits).sub(x.mul(logits)); // [B, D]
    return perPixel.sum<tf.Tensor1D>(1); // [B]
  });
}
